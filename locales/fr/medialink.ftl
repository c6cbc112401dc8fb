# Les textes des pages de Medialink.

## Toutes les pages

site-name = Medialink
site-about = Medialink ouvre les fichiers partagés dans une discussion.
languages = Autres langues

## Dates et quantités

moment = { $date } à { $time } UTC
in-a-while = dans quelques minutes
in-seconds =
    { $count ->
        [one] dans une seconde
       *[other] dans { $count } secondes
    }
in-minutes =
    { $count ->
        [one] dans une minute
       *[other] dans { $count } minutes
    }
in-hours =
    { $count ->
        [one] dans une heure
       *[other] dans { $count } heures
    }
in-days =
    { $count ->
        [one] dans un jour
       *[other] dans { $count } jours
    }
size-b = { $amount } o
size-kib = { $amount } Kio
size-mib = { $amount } Mio
size-gib = { $amount } Gio
size-tib = { $amount } Tio
size-pib = { $amount } Pio
size-eib = { $amount } Eio

## Un fichier

view-provenance = Partagé dans un salon Matrix
view-provenance-network = Partagé dans un salon Matrix relié à { $network }
unnamed-image = Image partagée
unnamed-video = Vidéo partagée
unnamed-audio = Enregistrement partagé
unnamed-text = Texte partagé
unnamed-pdf = Document partagé
unnamed-file = Fichier partagé
kind-image = Image
kind-video = Vidéo
kind-audio = Audio
kind-text = Texte
kind-pdf = Document PDF
kind-file = Fichier
view-spoiler = Divulgâcheur
view-spoiler-reason = Divulgâcheur : { $reason }
view-warning = Contenu sensible
view-warning-reason = Contenu sensible : { $reason }
view-show = Afficher
view-download = Télécharger
view-open = Ouvrir
view-open-limited =
    { $count ->
        [one] Ouvrir (une seule fois)
       *[other] Ouvrir (encore { $count } fois)
    }
view-limited =
    { $count ->
        [one] Ce lien ne fonctionne qu’une fois. Ouvrez-le quand vous serez prêt à voir le fichier ou à l’enregistrer : chaque ouverture compte.
       *[other] Ce lien fonctionne encore { $count } fois. Ouvrez-le quand vous serez prêt à voir le fichier ou à l’enregistrer : chaque ouverture compte.
    }
view-report = Signaler ce fichier
view-sharer = Partagé par { $sender }
view-together = Partagés ensemble
view-code = Code QR de cette page
view-code-label = Code QR contenant l’adresse de cette page
fact-kind = Type
fact-size = Taille
fact-dimensions = Dimensions
fact-pixels = { $width } × { $height } pixels
fact-length = Durée
fact-lines = Lignes
fact-works = Lien valable
works-times =
    { $count ->
        [one] une fois
       *[other] encore { $count } fois
    }
works-until = jusqu’au { $moment }
works-times-until = { $times }, jusqu’au { $moment }
works-forever = sans limite de durée

## Un texte

paste-raw = Texte brut
paste-cut =
    { $count ->
        [one] Cette page montre le début d’une longue ligne.
       *[other] Cette page montre les { $count } premières lignes.
    }
paste-whole = Voir le texte entier

## Un signalement

report-title = Signaler { $name }
report-title-unnamed = Signaler ce fichier
report-intro = Votre signalement parvient aux responsables de ce service et de la discussion, qui décident du sort du fichier. Votre nom et votre adresse ne sont pas transmis.
report-question = Quel est le problème ?
report-illegal = Il enfreint la loi
report-violence = Il montre ou encourage la violence ou l’automutilation
report-harassment = Il attaque, menace ou expose quelqu’un
report-spam = C’est de la publicité indésirable ou une tromperie
report-other = Autre chose
report-note = Toute précision utile (facultatif)
report-send = Envoyer le signalement
report-thanks = Merci
report-thanks-words = Votre signalement est en route vers les responsables de ce service et de la discussion, qui décideront du sort du fichier.

## Le site lui-même

start-title = Des fichiers partagés dans une discussion
start-intro = Dans les salons Matrix, on partage des images, des vidéos et des documents. D’autres personnes suivent depuis { $networks } : pour elles, ce site fait de chaque fichier un lien qui s’ouvre dans n’importe quel navigateur.
start-other-networks = d’autres réseaux
start-link-question = Vous avez reçu un lien ?
start-link-answer = Ouvrez l’adresse entière, jusqu’à la dernière lettre. Il n’y a rien d’autre à voir ici : ni liste de fichiers, ni recherche, ni comptes. La plupart des liens ne fonctionnent qu’un certain temps.
start-log-question = Ce serveur figure dans un journal ?
start-log-answer = Quelqu’un a ouvert un tel lien, ou un programme en a demandé un aperçu. Ce site ne contient ni publicité, ni rien qui vienne d’autres sites.
start-wrong-question = Quelque chose ne devrait pas être ici ?
start-wrong-report = La page de chaque fichier comporte un lien « Signaler ce fichier ».
start-wrong-contact = Pour joindre l’exploitant : { $contact }.
run-by = Exploité par
run-by-contact = Exploité par { $operator } : { $contact }
the-operator = l’exploitant du service

## Un lien qui ne mène pas à son fichier

error-again = Réessayer
error-status = Erreur { $status }
sender = la personne qui l’a envoyé
sender-on = la personne qui l’a envoyé sur { $network }
error-not-found = Ce lien ne mène nulle part
    .explanation = Il n’y a aucun fichier à cette adresse. Le lien a peut-être été coupé ou modifié avant de vous parvenir.
    .advice = Vérifiez que vous avez copié l’adresse entière, ou demandez à { $sender } de le renvoyer.
error-expired = Ce lien a expiré
    .explanation = Les liens vers les fichiers partagés ne fonctionnent qu’un certain temps, et celui-ci a fait le sien.
    .advice = Si vous avez encore besoin du fichier, demandez à { $sender } de le renvoyer.
error-revoked = Ce lien a été retiré
    .explanation = Quelqu’un a mis fin à l’accès à ce fichier avant l’heure.
    .advice = Si vous avez encore besoin du fichier, demandez à { $sender } de le renvoyer.
error-redacted = Le message a été supprimé
    .explanation = Le message qui contenait ce fichier a été supprimé de la discussion ; le fichier n’est donc plus disponible ici non plus.
    .advice = Si vous pensez qu’il s’agit d’une erreur, adressez-vous à { $sender }.
error-key-revoked = Ce lien n’est plus valable
    .explanation = Par sécurité, l’exploitant de ce service a mis fin à tous les liens créés de la même façon que celui-ci.
    .advice = Si vous avez encore besoin du fichier, demandez à { $sender } de le renvoyer.
error-spent = Ce lien a déjà servi
    .explanation = Il ne pouvait être ouvert qu’un nombre limité de fois, souvent une seule, et c’est déjà fait.
    .advice = Si vous avez encore besoin du fichier, demandez à { $sender } de le renvoyer.
error-media-gone = Le fichier n’existe plus
    .explanation = Le lien est bon, mais le serveur qui conservait le fichier ne l’a plus.
    .advice = Demandez à { $sender } de le renvoyer.
error-not-yet-uploaded = Le fichier est encore en route
    .explanation = Ce fichier a été annoncé, mais son envoi n’est pas encore terminé.
    .advice = Réessayez { $when }. S’il n’arrive jamais, demandez à { $sender } de le renvoyer.
error-no-thumbnail = Il n’y a pas d’aperçu de ce fichier
    .explanation = Seules les images ont un aperçu, et seulement celles qui sont lisibles.
    .advice = Le lien vers le fichier lui-même fonctionne quand même.
error-busy = Trop d’aperçus sont demandés
    .explanation = De nombreux aperçus sont en préparation, et le tour de celui-ci n’est pas encore venu.
    .advice = Réessayez { $when }.
error-limited = Cela fait beaucoup d’un coup
    .explanation = Ce service donne à chaque lecteur, à chaque lien et à chaque salon une part équitable de ses moyens, et cette part est épuisée pour le moment.
    .advice = Réessayez { $when }.
error-database-away = Ce service fait une courte pause
    .explanation = La partie qui sait si ce lien est encore valable est injoignable. Le problème ne vient pas de vous.
    .advice = Réessayez { $when }.
error-denied = Ceci n’est pas disponible ici
    .explanation = L’exploitant de ce service a décidé de ne pas fournir ce contenu, ou de ne rien fournir à votre réseau.
    .advice = Si vous pensez qu’il s’agit d’une erreur, adressez-vous à l’exploitant.
error-not-scanned = Le fichier n’a pas pu être vérifié
    .explanation = Ce service examine les fichiers avant de les fournir, et ne peut pas le faire en ce moment. Le problème ne vient pas de vous.
    .advice = Réessayez { $when }.
error-bad-size = Ce n’est pas une taille d’aperçu
    .explanation = L’adresse d’un aperçu indique sa largeur et sa hauteur par des nombres entiers d’au moins 1, et sa méthode par crop ou scale.
    .advice = Vérifiez que vous avez copié l’adresse entière.
error-bad-report = Ce signalement n’a pas pu être lu
    .explanation = Un signalement comporte l’un des motifs du formulaire et 500 caractères au plus.
    .advice = Revenez en arrière et renvoyez-le.
error-too-large = Le fichier est trop volumineux
    .explanation = Il dépasse la taille des fichiers que ce service transmet.
    .advice = Demandez à { $sender } une version plus légère, ou de l’envoyer autrement.
error-homeserver-failed = Le fichier est momentanément inaccessible
    .explanation = Le serveur qui conserve le fichier ne l’a pas fourni. Le problème ne vient pas de vous.
    .advice = Réessayez { $when }. Si cela ne change rien, demandez à { $sender } de le renvoyer.
error-homeserver-slow = La récupération du fichier a pris trop de temps
    .explanation = Le serveur qui conserve le fichier n’a pas répondu à temps. Le problème ne vient pas de vous.
    .advice = Réessayez { $when }. Si cela ne change rien, demandez à { $sender } de le renvoyer.

## Textes pour les réseaux simples : une ligne

text-image =
    { $count ->
        [one] une image
       *[other] { $count } images
    }
text-gif =
    { $count ->
        [one] un GIF
       *[other] { $count } GIF
    }
text-video =
    { $count ->
        [one] une vidéo
       *[other] { $count } vidéos
    }
text-audio =
    { $count ->
        [one] un fichier audio
       *[other] { $count } fichiers audio
    }
text-voice =
    { $count ->
        [one] un message vocal
       *[other] { $count } messages vocaux
    }
text-file =
    { $count ->
        [one] un fichier
       *[other] { $count } fichiers
    }
text-sticker =
    { $count ->
        [one] un autocollant
       *[other] { $count } autocollants
    }
text-avatar =
    { $count ->
        [one] une photo de profil
       *[other] { $count } photos de profil
    }
text-room-avatar =
    { $count ->
        [one] une image de salon
       *[other] { $count } images de salon
    }
text-sent = a envoyé { $things }
text-changed = a modifié { $things }
text-new-avatar = a changé sa photo de profil
text-new-room-avatar = a changé l’image du salon
text-spoiler = divulgâcheur
text-spoiler-reason = divulgâcheur : { $reason }
text-warning = contenu sensible
text-warning-reason = contenu sensible : { $reason }
text-thumbnail-only = miniature seulement
text-more = et { $count } de plus
text-edited = modifié
text-poll = sondage
text-poll-started = { $sender } a lancé un sondage
text-poll-edited = { $sender } a modifié un sondage
