# Teksty stron Medialinku.

## Każda strona

site-name = Medialink
site-about = Medialink otwiera pliki udostępnione na czacie.
languages = Inne języki

## Daty i ilości

moment = { $date }, { $time } UTC
in-a-while = za kilka minut
in-seconds =
    { $count ->
        [one] za sekundę
        [few] za { $count } sekundy
       *[other] za { $count } sekund
    }
in-minutes =
    { $count ->
        [one] za minutę
        [few] za { $count } minuty
       *[other] za { $count } minut
    }
in-hours =
    { $count ->
        [one] za godzinę
        [few] za { $count } godziny
       *[other] za { $count } godzin
    }
in-days =
    { $count ->
        [one] za jeden dzień
       *[other] za { $count } dni
    }
size-b = { $amount } B
size-kib = { $amount } KiB
size-mib = { $amount } MiB
size-gib = { $amount } GiB
size-tib = { $amount } TiB
size-pib = { $amount } PiB
size-eib = { $amount } EiB

## Plik

view-provenance = Udostępniono w pokoju Matriksa
view-provenance-network = Udostępniono w pokoju Matriksa połączonym z siecią { $network }
unnamed-image = Udostępniony obraz
unnamed-video = Udostępniony film
unnamed-audio = Udostępnione nagranie
unnamed-text = Udostępniony tekst
unnamed-pdf = Udostępniony dokument
unnamed-file = Udostępniony plik
kind-image = Obraz
kind-video = Film
kind-audio = Dźwięk
kind-text = Tekst
kind-pdf = Dokument PDF
kind-file = Plik
view-spoiler = Spojler
view-spoiler-reason = Spojler: { $reason }
view-warning = Treść wrażliwa
view-warning-reason = Treść wrażliwa: { $reason }
view-show = Pokaż
view-download = Pobierz
view-open = Otwórz
view-open-limited =
    { $count ->
        [one] Otwórz (tylko raz)
       *[other] Otwórz (jeszcze { $count } razy)
    }
view-limited =
    { $count ->
        [one] Ten link działa tylko raz. Otwórz go dopiero wtedy, gdy zechcesz obejrzeć lub zapisać plik: liczy się każde otwarcie.
       *[other] Ten link zadziała jeszcze { $count } razy. Otwórz go dopiero wtedy, gdy zechcesz obejrzeć lub zapisać plik: liczy się każde otwarcie.
    }
view-report = Zgłoś ten plik
view-sharer = Udostępnione przez { $sender }
view-together = Udostępnione razem
view-code = Kod QR tej strony
view-code-label = Kod QR z adresem tej strony
fact-kind = Rodzaj
fact-size = Rozmiar
fact-dimensions = Wymiary
fact-pixels = { $width } × { $height } pikseli
fact-length = Czas trwania
fact-lines = Wiersze
fact-works = Link działa
works-times =
    { $count ->
        [one] jeden raz
       *[other] jeszcze { $count } razy
    }
works-until = do { $moment }
works-times-until = { $times }, do { $moment }
works-forever = bezterminowo

## Tekst

paste-raw = Sam tekst
paste-cut =
    { $count ->
        [one] Ta strona pokazuje początek jednego długiego wiersza.
        [few] Ta strona pokazuje pierwsze { $count } wiersze.
       *[other] Ta strona pokazuje pierwszych { $count } wierszy.
    }
paste-whole = Zobacz cały tekst

## Zgłoszenie

report-title = Zgłoś: { $name }
report-title-unnamed = Zgłoś ten plik
report-intro = Zgłoszenie trafi do osób prowadzących tę usługę i czat. To one zdecydują, co stanie się z plikiem. Twoje imię i adres nie są przekazywane.
report-question = Co jest z nim nie tak?
report-illegal = Łamie prawo
report-violence = Przedstawia przemoc lub samookaleczenie albo do nich nawołuje
report-harassment = Atakuje, zastrasza lub naraża kogoś
report-spam = To niechciana reklama lub oszustwo
report-other = Coś innego
report-note = Wszystko, co pomoże to zrozumieć (nieobowiązkowo)
report-send = Wyślij zgłoszenie
report-thanks = Dziękujemy
report-thanks-words = Zgłoszenie jest w drodze do osób prowadzących tę usługę i czat. To one zdecydują, co stanie się z plikiem.

## Sama witryna

start-title = Pliki udostępnione na czacie
start-intro = W pokojach Matriksa ludzie udostępniają zdjęcia, filmy i dokumenty. Inni śledzą te rozmowy z innych sieci ({ $networks }): dla nich ta witryna zamienia każdy plik w link, który otwiera się w każdej przeglądarce.
start-other-networks = na przykład IRC
start-link-question = Ktoś przysłał ci link?
start-link-answer = Otwórz cały adres, do ostatniej litery. Nic więcej tu nie ma: ani listy plików, ani wyszukiwarki, ani kont. Większość linków działa przez ograniczony czas.
start-log-question = Ten serwer pojawił się w dzienniku?
start-log-answer = Ktoś otworzył taki link albo jakiś program pobrał jego podgląd. W tej witrynie nie ma reklam ani niczego z innych witryn.
start-wrong-question = Jest tu coś, czego być nie powinno?
start-wrong-report = Na stronie każdego pliku jest link „Zgłoś ten plik”.
start-wrong-contact = Kontakt z operatorem: { $contact }.
run-by = Prowadzi
run-by-contact = Prowadzi { $operator }: { $contact }
the-operator = operator tej usługi

## Link, który nie prowadzi do pliku

error-again = Spróbuj ponownie
error-status = Błąd { $status }
sender = nadawcę
sender-on = nadawcę z sieci { $network }
error-not-found = Ten link prowadzi donikąd
    .explanation = Pod tym adresem nie ma żadnego pliku. Być może link po drodze ucięto lub zmieniono.
    .advice = Sprawdź, czy skopiowano cały adres, albo poproś { $sender } o ponowne przesłanie.
error-expired = Ten link wygasł
    .explanation = Linki do udostępnionych plików działają tylko przez ograniczony czas, a czas tego już minął.
    .advice = Jeśli nadal potrzebujesz pliku, poproś { $sender } o ponowne przesłanie.
error-revoked = Ten link wycofano
    .explanation = Ktoś zakończył dostęp do tego pliku przed czasem.
    .advice = Jeśli nadal potrzebujesz pliku, poproś { $sender } o ponowne przesłanie.
error-redacted = Wiadomość usunięto
    .explanation = Wiadomość z tym plikiem usunięto z czatu, więc pliku nie ma już także tutaj.
    .advice = Jeśli to pomyłka, zapytaj { $sender }.
error-key-revoked = Ten link nie jest już ważny
    .explanation = Dla bezpieczeństwa operator tej usługi unieważnił wszystkie linki utworzone tak samo jak ten.
    .advice = Jeśli nadal potrzebujesz pliku, poproś { $sender } o ponowne przesłanie.
error-spent = Ten link już wykorzystano
    .explanation = Można go było otworzyć ograniczoną liczbę razy, często tylko raz, i to już się stało.
    .advice = Jeśli nadal potrzebujesz pliku, poproś { $sender } o ponowne przesłanie.
error-media-gone = Pliku już nie ma
    .explanation = Link jest w porządku, ale serwer, który przechowywał plik, już go nie ma.
    .advice = Poproś { $sender } o ponowne przesłanie.
error-not-yet-uploaded = Plik jest jeszcze w drodze
    .explanation = Plik zapowiedziano, ale jego przesyłanie jeszcze się nie skończyło.
    .advice = Spróbuj ponownie { $when }. Jeśli plik nie dotrze, poproś { $sender } o ponowne przesłanie.
error-no-thumbnail = Ten plik nie ma podglądu
    .explanation = Podgląd mają tylko obrazy, i to tylko te, które da się odczytać.
    .advice = Link do samego pliku mimo to działa.
error-busy = Zbyt wiele podglądów do utworzenia
    .explanation = W tej chwili powstaje wiele podglądów, a na ten jeszcze nie przyszła kolej.
    .advice = Spróbuj ponownie { $when }.
error-limited = To było dużo naraz
    .explanation = Ta usługa dzieli swoje możliwości między czytelników, linki i pokoje, a ten przydział jest na razie wyczerpany.
    .advice = Spróbuj ponownie { $when }.
error-database-away = Ta usługa ma krótką przerwę
    .explanation = Część, która wie, czy ten link jest jeszcze ważny, jest nieosiągalna. Po twojej stronie wszystko jest w porządku.
    .advice = Spróbuj ponownie { $when }.
error-denied = To nie jest tu dostępne
    .explanation = Operator tej usługi postanowił tego nie udostępniać albo nie udostępniać niczego twojej sieci.
    .advice = Jeśli to pomyłka, zapytaj operatora.
error-not-scanned = Nie udało się sprawdzić pliku
    .explanation = Ta usługa sprawdza pliki, zanim je wyda, a w tej chwili nie może tego zrobić. Po twojej stronie wszystko jest w porządku.
    .advice = Spróbuj ponownie { $when }.
error-bad-size = To nie jest rozmiar podglądu
    .explanation = Adres podglądu podaje szerokość i wysokość jako liczby całkowite od 1 oraz metodę crop lub scale.
    .advice = Sprawdź, czy skopiowano cały adres.
error-bad-report = Nie udało się odczytać zgłoszenia
    .explanation = Zgłoszenie ma jeden z powodów z formularza i najwyżej 500 znaków.
    .advice = Wróć i wyślij je ponownie.
error-too-large = Plik jest za duży
    .explanation = Jest większy niż pliki, które ta usługa przekazuje.
    .advice = Poproś { $sender } o mniejszą wersję albo o przesłanie w inny sposób.
error-homeserver-failed = Nie można teraz pobrać pliku
    .explanation = Serwer, który przechowuje plik, nie wydał go. Po twojej stronie wszystko jest w porządku.
    .advice = Spróbuj ponownie { $when }. Jeśli to nie pomoże, poproś { $sender } o ponowne przesłanie.
error-homeserver-slow = Pobieranie pliku trwało zbyt długo
    .explanation = Serwer, który przechowuje plik, nie odpowiedział na czas. Po twojej stronie wszystko jest w porządku.
    .advice = Spróbuj ponownie { $when }. Jeśli to nie pomoże, poproś { $sender } o ponowne przesłanie.

## Teksty dla prostych sieci: jeden wiersz

text-image =
    { $count ->
        [one] obraz
        [few] { $count } obrazy
       *[other] { $count } obrazów
    }
text-gif =
    { $count ->
        [one] GIF
        [few] { $count } GIF-y
       *[other] { $count } GIF-ów
    }
text-video =
    { $count ->
        [one] film
        [few] { $count } filmy
       *[other] { $count } filmów
    }
text-audio =
    { $count ->
        [one] plik dźwiękowy
        [few] { $count } pliki dźwiękowe
       *[other] { $count } plików dźwiękowych
    }
text-voice =
    { $count ->
        [one] wiadomość głosową
        [few] { $count } wiadomości głosowe
       *[other] { $count } wiadomości głosowych
    }
text-file =
    { $count ->
        [one] plik
        [few] { $count } pliki
       *[other] { $count } plików
    }
text-sticker =
    { $count ->
        [one] naklejkę
        [few] { $count } naklejki
       *[other] { $count } naklejek
    }
text-avatar =
    { $count ->
        [one] zdjęcie profilowe
        [few] { $count } zdjęcia profilowe
       *[other] { $count } zdjęć profilowych
    }
text-room-avatar =
    { $count ->
        [one] obraz pokoju
        [few] { $count } obrazy pokoju
       *[other] { $count } obrazów pokoju
    }
text-sent = przesyła { $things }
text-changed = zmienia { $things }
text-new-avatar = zmienia zdjęcie profilowe
text-new-room-avatar = zmienia obraz pokoju
text-spoiler = spojler
text-spoiler-reason = spojler: { $reason }
text-warning = treść wrażliwa
text-warning-reason = treść wrażliwa: { $reason }
text-thumbnail-only = tylko miniatura
text-more = i jeszcze { $count }
text-edited = zmieniono
text-poll = ankieta
text-poll-started = { $sender } rozpoczyna ankietę
text-poll-edited = { $sender } zmienia ankietę
