# Die Texte der Seiten von Medialink.

## Jede Seite

site-name = Medialink
site-about = Medialink öffnet Dateien, die in einem Chat geteilt wurden.
languages = Weitere Sprachen

## Zeiten und Mengen

moment = { $date }, { $time } Uhr UTC
in-a-while = in ein paar Minuten
in-seconds =
    { $count ->
        [one] in einer Sekunde
       *[other] in { $count } Sekunden
    }
in-minutes =
    { $count ->
        [one] in einer Minute
       *[other] in { $count } Minuten
    }
in-hours =
    { $count ->
        [one] in einer Stunde
       *[other] in { $count } Stunden
    }
in-days =
    { $count ->
        [one] in einem Tag
       *[other] in { $count } Tagen
    }
size-b = { $amount } B
size-kib = { $amount } KiB
size-mib = { $amount } MiB
size-gib = { $amount } GiB
size-tib = { $amount } TiB
size-pib = { $amount } PiB
size-eib = { $amount } EiB

## Eine Datei

view-provenance = Geteilt in einem Matrix-Raum
view-provenance-network = Geteilt in einem Matrix-Raum, der mit { $network } verbunden ist
unnamed-image = Geteiltes Bild
unnamed-video = Geteiltes Video
unnamed-audio = Geteilte Tonaufnahme
unnamed-text = Geteilter Text
unnamed-pdf = Geteiltes Dokument
unnamed-file = Geteilte Datei
kind-image = Bild
kind-video = Video
kind-audio = Ton
kind-text = Text
kind-pdf = PDF-Dokument
kind-file = Datei
view-spoiler = Spoiler
view-spoiler-reason = Spoiler: { $reason }
view-warning = Inhaltswarnung
view-warning-reason = Inhaltswarnung: { $reason }
view-show = Anzeigen
view-download = Herunterladen
view-open = Öffnen
view-open-limited =
    { $count ->
        [one] Öffnen (geht nur einmal)
       *[other] Öffnen (geht noch { $count }-mal)
    }
view-limited =
    { $count ->
        [one] Dieser Link funktioniert nur einmal. Öffnen Sie ihn erst, wenn Sie die Datei ansehen oder speichern möchten: Jedes Öffnen zählt.
       *[other] Dieser Link funktioniert noch { $count }-mal. Öffnen Sie ihn erst, wenn Sie die Datei ansehen oder speichern möchten: Jedes Öffnen zählt.
    }
view-report = Diese Datei melden
view-sharer = Geteilt von { $sender }
view-together = Zusammen geteilt
view-code = QR-Code dieser Seite
view-code-label = QR-Code mit der Adresse dieser Seite
fact-kind = Art
fact-size = Größe
fact-dimensions = Abmessungen
fact-pixels = { $width } × { $height } Pixel
fact-length = Dauer
fact-lines = Zeilen
fact-works = Link gültig
works-times =
    { $count ->
        [one] einmal
       *[other] noch { $count }-mal
    }
works-until = bis { $moment }
works-times-until = { $times }, bis { $moment }
works-forever = unbefristet

## Ein Text

paste-raw = Reiner Text
paste-cut =
    { $count ->
        [one] Diese Seite zeigt den Anfang einer langen Zeile.
       *[other] Diese Seite zeigt die ersten { $count } Zeilen.
    }
paste-whole = Ganzen Text ansehen

## Eine Meldung

report-title = { $name } melden
report-title-unnamed = Diese Datei melden
report-intro = Ihre Meldung geht an die Betreiber dieses Dienstes und des Chats. Sie entscheiden, was mit der Datei geschieht. Ihr Name und Ihre Adresse werden nicht weitergegeben.
report-question = Was stimmt damit nicht?
report-illegal = Sie verstößt gegen das Gesetz
report-violence = Sie zeigt Gewalt oder Selbstverletzung oder ruft dazu auf
report-harassment = Sie beleidigt, bedroht oder stellt jemanden bloß
report-spam = Sie ist unerwünschte Werbung oder Betrug
report-other = Etwas anderes
report-note = Was sonst noch hilft, den Fall zu verstehen (freiwillig)
report-send = Meldung abschicken
report-thanks = Vielen Dank
report-thanks-words = Ihre Meldung ist unterwegs zu den Betreibern dieses Dienstes und des Chats. Sie entscheiden, was mit der Datei geschieht.

## Die Website selbst

start-title = Dateien, die in einem Chat geteilt wurden
start-intro = In Chaträumen von Matrix teilen Menschen Bilder, Filme und Dokumente. Andere lesen über { $networks } mit: Für sie macht diese Website aus jeder Datei einen Link, der sich in jedem Browser öffnet.
start-other-networks = andere Netze
start-link-question = Hat Ihnen jemand einen Link geschickt?
start-link-answer = Öffnen Sie die ganze Adresse, bis zum letzten Zeichen. Sonst gibt es hier nichts zu sehen: keine Dateiliste, keine Suche und keine Konten. Die meisten Links gelten nur eine begrenzte Zeit.
start-log-question = Taucht dieser Server in einem Protokoll auf?
start-log-answer = Dann hat jemand so einen Link geöffnet, oder ein Programm hat eine Vorschau davon abgerufen. Die Website hat keine Werbung und nichts von anderen Websites.
start-wrong-question = Gibt es hier etwas, das hier nicht sein sollte?
start-wrong-report = Auf der Seite jeder Datei finden Sie den Link „Diese Datei melden“.
start-wrong-contact = Den Betreiber erreichen Sie unter { $contact }.
run-by = Betrieben von
run-by-contact = Kontakt zu { $operator }: { $contact }
the-operator = den Betreibern

## Ein Link, der nicht zu seiner Datei führt

error-again = Noch einmal versuchen
error-status = Fehler { $status }
sender = die Person, die sie geschickt hat,
sender-on = die Person, die sie über { $network } geschickt hat,
error-not-found = Dieser Link führt ins Leere
    .explanation = Hinter dieser Adresse liegt keine Datei. Vielleicht wurde der Link auf dem Weg zu Ihnen abgeschnitten oder verändert.
    .advice = Prüfen Sie, ob Sie die ganze Adresse kopiert haben, oder bitten Sie { $sender } es noch einmal zu tun.
error-expired = Dieser Link ist abgelaufen
    .explanation = Links zu geteilten Dateien gelten nur eine begrenzte Zeit, und die ist für diesen Link vorbei.
    .advice = Wenn Sie die Datei noch brauchen, bitten Sie { $sender } es noch einmal zu tun.
error-revoked = Dieser Link wurde zurückgezogen
    .explanation = Jemand hat den Zugriff auf diese Datei vorzeitig beendet.
    .advice = Wenn Sie die Datei noch brauchen, bitten Sie { $sender } es noch einmal zu tun.
error-redacted = Die Nachricht wurde entfernt
    .explanation = Die Nachricht mit dieser Datei wurde im Chat gelöscht. Deshalb ist die Datei auch hier nicht mehr verfügbar.
    .advice = Wenn Sie die Datei noch brauchen, fragen Sie { $sender } ob das ein Versehen war.
error-key-revoked = Dieser Link ist nicht mehr gültig
    .explanation = Der Betreiber dieses Dienstes hat zur Sicherheit alle Links beendet, die so wie dieser erstellt wurden.
    .advice = Wenn Sie die Datei noch brauchen, bitten Sie { $sender } es noch einmal zu tun.
error-spent = Dieser Link wurde schon benutzt
    .explanation = Er ließ sich nur eine begrenzte Anzahl von Malen öffnen, oft nur ein einziges Mal, und das ist bereits geschehen.
    .advice = Wenn Sie die Datei noch brauchen, bitten Sie { $sender } es noch einmal zu tun.
error-media-gone = Die Datei ist nicht mehr da
    .explanation = Der Link ist in Ordnung, aber der Server, auf dem die Datei lag, hat sie nicht mehr.
    .advice = Wenn Sie die Datei noch brauchen, bitten Sie { $sender } es noch einmal zu tun.
error-not-yet-uploaded = Die Datei ist noch unterwegs
    .explanation = Die Datei wurde angekündigt, ist aber noch nicht vollständig hochgeladen.
    .advice = Versuchen Sie es { $when } noch einmal. Wenn die Datei nie ankommt, bitten Sie { $sender } es noch einmal zu tun.
error-no-thumbnail = Zu dieser Datei gibt es keine Vorschau
    .explanation = Vorschaubilder gibt es nur zu Bildern, und nur zu solchen, die sich lesen lassen.
    .advice = Der Link zur Datei selbst funktioniert trotzdem.
error-busy = Es sind zu viele Vorschauen gefragt
    .explanation = Gerade werden viele Vorschauen erstellt, und diese ist noch nicht an der Reihe.
    .advice = Versuchen Sie es { $when } noch einmal.
error-limited = Das war viel auf einmal
    .explanation = Dieser Dienst teilt seine Leistung gerecht auf alle Leser, Links und Chaträume auf, und dieser Anteil ist im Moment verbraucht.
    .advice = Versuchen Sie es { $when } noch einmal.
error-database-away = Dieser Dienst macht eine kurze Pause
    .explanation = Der Teil, der weiß, ob dieser Link noch gilt, ist gerade nicht erreichbar. Es liegt nicht an Ihnen.
    .advice = Versuchen Sie es { $when } noch einmal.
error-denied = Das ist hier nicht verfügbar
    .explanation = Der Betreiber dieses Dienstes hat entschieden, dies nicht herauszugeben oder an Ihr Netz nichts herauszugeben.
    .advice = Wenn Sie das für ein Versehen halten, fragen Sie den Betreiber.
error-not-scanned = Die Datei konnte nicht geprüft werden
    .explanation = Dieser Dienst prüft Dateien, bevor er sie herausgibt, und kann das gerade nicht. Es liegt nicht an Ihnen.
    .advice = Versuchen Sie es { $when } noch einmal.
error-bad-size = Das ist keine Größe für eine Vorschau
    .explanation = Die Adresse einer Vorschau nennt Breite und Höhe als ganze Zahlen ab 1 und als Methode crop oder scale.
    .advice = Prüfen Sie, ob Sie die ganze Adresse kopiert haben.
error-bad-report = Diese Meldung konnte nicht gelesen werden
    .explanation = Eine Meldung hat einen der Gründe aus dem Formular und höchstens 500 Zeichen.
    .advice = Gehen Sie zurück und schicken Sie sie noch einmal ab.
error-too-large = Die Datei ist zu groß
    .explanation = Sie ist größer als die Dateien, die dieser Dienst weitergibt.
    .advice = Bitten Sie { $sender } um eine kleinere Fassung oder einen anderen Weg.
error-homeserver-failed = Die Datei lässt sich gerade nicht abrufen
    .explanation = Der Server, auf dem die Datei liegt, hat sie nicht herausgegeben. Es liegt nicht an Ihnen.
    .advice = Versuchen Sie es { $when } noch einmal. Wenn das nicht hilft, bitten Sie { $sender } es noch einmal zu tun.
error-homeserver-slow = Das Abrufen der Datei hat zu lange gedauert
    .explanation = Der Server, auf dem die Datei liegt, hat nicht rechtzeitig geantwortet. Es liegt nicht an Ihnen.
    .advice = Versuchen Sie es { $when } noch einmal. Wenn das nicht hilft, bitten Sie { $sender } es noch einmal zu tun.

## Texte für einfache Netze: eine Zeile

text-image =
    { $count ->
        [one] ein Bild
       *[other] { $count } Bilder
    }
text-gif =
    { $count ->
        [one] ein GIF
       *[other] { $count } GIFs
    }
text-video =
    { $count ->
        [one] ein Video
       *[other] { $count } Videos
    }
text-audio =
    { $count ->
        [one] eine Audiodatei
       *[other] { $count } Audiodateien
    }
text-voice =
    { $count ->
        [one] eine Sprachnachricht
       *[other] { $count } Sprachnachrichten
    }
text-file =
    { $count ->
        [one] eine Datei
       *[other] { $count } Dateien
    }
text-sticker =
    { $count ->
        [one] einen Sticker
       *[other] { $count } Sticker
    }
text-avatar =
    { $count ->
        [one] ein Profilbild
       *[other] { $count } Profilbilder
    }
text-room-avatar =
    { $count ->
        [one] ein Raumbild
       *[other] { $count } Raumbilder
    }
text-sent = hat { $things } geschickt
text-changed = hat { $things } bearbeitet
text-new-avatar = hat das eigene Profilbild geändert
text-new-room-avatar = hat das Bild des Raums geändert
text-spoiler = Spoiler
text-spoiler-reason = Spoiler: { $reason }
text-warning = Inhaltswarnung
text-warning-reason = Inhaltswarnung: { $reason }
text-thumbnail-only = nur Vorschaubild
text-more = und { $count } weitere
text-edited = bearbeitet
text-poll = Umfrage
text-poll-started = { $sender } hat eine Umfrage gestartet
text-poll-edited = { $sender } hat eine Umfrage bearbeitet
