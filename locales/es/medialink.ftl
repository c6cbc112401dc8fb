# Los textos de las páginas de Medialink.

## Todas las páginas

site-name = Medialink
site-about = Medialink abre archivos que se compartieron en un chat.
languages = Otros idiomas

## Fechas y cantidades

moment = { $date }, { $time } UTC
in-a-while = dentro de unos minutos
in-seconds =
    { $count ->
        [one] dentro de un segundo
       *[other] dentro de { $count } segundos
    }
in-minutes =
    { $count ->
        [one] dentro de un minuto
       *[other] dentro de { $count } minutos
    }
in-hours =
    { $count ->
        [one] dentro de una hora
       *[other] dentro de { $count } horas
    }
in-days =
    { $count ->
        [one] dentro de un día
       *[other] dentro de { $count } días
    }
size-b = { $amount } B
size-kib = { $amount } KiB
size-mib = { $amount } MiB
size-gib = { $amount } GiB
size-tib = { $amount } TiB
size-pib = { $amount } PiB
size-eib = { $amount } EiB

## Un archivo

view-provenance = Compartido en una sala de Matrix
view-provenance-network = Compartido en una sala de Matrix conectada con { $network }
unnamed-image = Imagen compartida
unnamed-video = Vídeo compartido
unnamed-audio = Audio compartido
unnamed-text = Texto compartido
unnamed-pdf = Documento compartido
unnamed-file = Archivo compartido
kind-image = Imagen
kind-video = Vídeo
kind-audio = Audio
kind-text = Texto
kind-pdf = Documento PDF
kind-file = Archivo
view-spoiler = Spoiler
view-spoiler-reason = Spoiler: { $reason }
view-warning = Contenido sensible
view-warning-reason = Contenido sensible: { $reason }
view-show = Mostrar
view-download = Descargar
view-open = Abrir
view-open-limited =
    { $count ->
        [one] Abrir (solo una vez)
       *[other] Abrir (quedan { $count } veces)
    }
view-limited =
    { $count ->
        [one] Este enlace funciona una sola vez. Ábrelo cuando quieras ver o guardar el archivo: cada apertura cuenta.
       *[other] Este enlace funciona { $count } veces más. Ábrelo cuando quieras ver o guardar el archivo: cada apertura cuenta.
    }
view-report = Denunciar este archivo
view-sharer = Compartido por { $sender }
view-together = Compartidos a la vez
view-code = Código QR de esta página
view-code-label = Código QR con la dirección de esta página
fact-kind = Tipo
fact-size = Tamaño
fact-dimensions = Dimensiones
fact-pixels = { $width } × { $height } píxeles
fact-length = Duración
fact-lines = Líneas
fact-works = El enlace funciona
works-times =
    { $count ->
        [one] una vez
       *[other] { $count } veces más
    }
works-until = hasta el { $moment }
works-times-until = { $times }, hasta el { $moment }
works-forever = sin fecha límite

## Un texto

paste-raw = Texto sin formato
paste-cut =
    { $count ->
        [one] Esta página muestra el comienzo de una línea larga.
       *[other] Esta página muestra las primeras { $count } líneas.
    }
paste-whole = Ver el texto completo

## Una denuncia

report-title = Denunciar { $name }
report-title-unnamed = Denunciar este archivo
report-intro = Tu denuncia llega a quienes gestionan este servicio y el chat, que deciden qué hacer con el archivo. Tu nombre y tu dirección no se comunican a nadie.
report-question = ¿Qué ocurre con él?
report-illegal = Infringe la ley
report-violence = Muestra o incita a la violencia o a la autolesión
report-harassment = Ataca, amenaza o expone a alguien
report-spam = Es publicidad no deseada o un engaño
report-other = Otra cosa
report-note = Cualquier detalle que ayude a entenderlo (opcional)
report-send = Enviar denuncia
report-thanks = Gracias
report-thanks-words = Tu denuncia va camino de quienes gestionan este servicio y el chat. Ellos deciden qué hacer con el archivo.

## El propio sitio

start-title = Archivos que se compartieron en un chat
start-intro = En las salas de chat de Matrix se comparten imágenes, vídeos y documentos. Otras personas las siguen desde { $networks }: para ellas, este sitio convierte cada archivo en un enlace que se abre en cualquier navegador.
start-other-networks = otras redes
start-link-question = ¿Te han enviado un enlace?
start-link-answer = Abre la dirección completa, hasta la última letra. Aquí no hay nada más que ver: ni lista de archivos, ni buscador, ni cuentas. La mayoría de los enlaces funcionan durante un tiempo limitado.
start-log-question = ¿Aparece este servidor en un registro?
start-log-answer = Alguien abrió uno de estos enlaces, o un programa pidió una vista previa. El sitio no tiene publicidad ni nada de otros sitios.
start-wrong-question = ¿Hay algo que no debería estar aquí?
start-wrong-report = La página de cada archivo tiene un enlace «Denunciar este archivo».
start-wrong-contact = Puedes contactar con el responsable en { $contact }.
run-by = Gestionado por
run-by-contact = Gestionado por { $operator }: { $contact }
the-operator = el responsable del servicio

## Un enlace que no lleva a su archivo

error-again = Volver a intentarlo
error-status = Error { $status }
sender = la persona que lo envió
sender-on = la persona que lo envió por { $network }
error-not-found = Este enlace no lleva a ninguna parte
    .explanation = No hay ningún archivo en esta dirección. Puede que el enlace se cortara o cambiara antes de llegar a ti.
    .advice = Comprueba que has copiado la dirección completa o pide a { $sender } que lo envíe de nuevo.
error-expired = Este enlace ha caducado
    .explanation = Los enlaces a archivos compartidos funcionan durante un tiempo limitado, y el de este ya ha pasado.
    .advice = Si todavía necesitas el archivo, pide a { $sender } que lo envíe de nuevo.
error-revoked = Este enlace se ha retirado
    .explanation = Alguien ha puesto fin al acceso a este archivo antes de tiempo.
    .advice = Si todavía necesitas el archivo, pide a { $sender } que lo envíe de nuevo.
error-redacted = El mensaje se ha eliminado
    .explanation = El mensaje con este archivo se borró del chat, así que el archivo tampoco está ya disponible aquí.
    .advice = Si crees que es un error, pregunta a { $sender }.
error-key-revoked = Este enlace ya no es válido
    .explanation = Por seguridad, el responsable de este servicio ha anulado todos los enlaces que se crearon igual que este.
    .advice = Si todavía necesitas el archivo, pide a { $sender } que lo envíe de nuevo.
error-spent = Este enlace ya se ha usado
    .explanation = Solo se podía abrir un número limitado de veces, a menudo una sola, y eso ya ha ocurrido.
    .advice = Si todavía necesitas el archivo, pide a { $sender } que lo envíe de nuevo.
error-media-gone = El archivo ya no existe
    .explanation = El enlace es correcto, pero el servidor que guardaba el archivo ya no lo tiene.
    .advice = Pide a { $sender } que lo envíe de nuevo.
error-not-yet-uploaded = El archivo aún está en camino
    .explanation = Este archivo se ha anunciado, pero todavía no ha terminado de subirse.
    .advice = Vuelve a intentarlo { $when }. Si no llega nunca, pide a { $sender } que lo envíe de nuevo.
error-no-thumbnail = No hay vista previa de este archivo
    .explanation = Solo las imágenes tienen vista previa, y solo las que se pueden leer.
    .advice = El enlace al archivo funciona igualmente.
error-busy = Hay demasiadas vistas previas pendientes
    .explanation = En este momento se están creando muchas vistas previas, y a esta aún no le ha llegado el turno.
    .advice = Vuelve a intentarlo { $when }.
error-limited = Eso ha sido mucho de una vez
    .explanation = Este servicio reparte lo que puede hacer entre todos los lectores, enlaces y salas de chat, y esa parte se ha agotado por el momento.
    .advice = Vuelve a intentarlo { $when }.
error-database-away = Este servicio se ha tomado un breve descanso
    .explanation = No se puede contactar con la parte que sabe si este enlace sigue siendo válido. No es culpa tuya.
    .advice = Vuelve a intentarlo { $when }.
error-denied = Esto no está disponible aquí
    .explanation = El responsable de este servicio ha decidido no ofrecer esto, o no ofrecer nada a tu red.
    .advice = Si crees que es un error, pregunta al responsable.
error-not-scanned = No se ha podido comprobar el archivo
    .explanation = Este servicio examina los archivos antes de entregarlos, y ahora mismo no puede hacerlo. No es culpa tuya.
    .advice = Vuelve a intentarlo { $when }.
error-bad-size = Esto no es un tamaño de vista previa
    .explanation = La dirección de una vista previa indica su anchura y su altura con números enteros a partir de 1, y su método con crop o scale.
    .advice = Comprueba que has copiado la dirección completa.
error-bad-report = No se ha podido leer esta denuncia
    .explanation = Una denuncia tiene uno de los motivos del formulario y 500 caracteres como máximo.
    .advice = Vuelve atrás y envíala de nuevo.
error-too-large = El archivo es demasiado grande
    .explanation = Es mayor que los archivos que este servicio entrega.
    .advice = Pide a { $sender } una versión más pequeña o que lo envíe de otra forma.
error-homeserver-failed = Ahora mismo no se puede obtener el archivo
    .explanation = El servidor que guarda el archivo no lo ha entregado. No es culpa tuya.
    .advice = Vuelve a intentarlo { $when }. Si eso no ayuda, pide a { $sender } que lo envíe de nuevo.
error-homeserver-slow = Se ha tardado demasiado en obtener el archivo
    .explanation = El servidor que guarda el archivo no ha respondido a tiempo. No es culpa tuya.
    .advice = Vuelve a intentarlo { $when }. Si eso no ayuda, pide a { $sender } que lo envíe de nuevo.

## Textos para redes sencillas: una línea

text-image =
    { $count ->
        [one] una imagen
       *[other] { $count } imágenes
    }
text-gif =
    { $count ->
        [one] un GIF
       *[other] { $count } GIF
    }
text-video =
    { $count ->
        [one] un vídeo
       *[other] { $count } vídeos
    }
text-audio =
    { $count ->
        [one] un archivo de audio
       *[other] { $count } archivos de audio
    }
text-voice =
    { $count ->
        [one] un mensaje de voz
       *[other] { $count } mensajes de voz
    }
text-file =
    { $count ->
        [one] un archivo
       *[other] { $count } archivos
    }
text-sticker =
    { $count ->
        [one] un sticker
       *[other] { $count } stickers
    }
text-avatar =
    { $count ->
        [one] una foto de perfil
       *[other] { $count } fotos de perfil
    }
text-room-avatar =
    { $count ->
        [one] una imagen de sala
       *[other] { $count } imágenes de sala
    }
text-sent = envió { $things }
text-changed = editó { $things }
text-new-avatar = cambió su foto de perfil
text-new-room-avatar = cambió la imagen de la sala
text-spoiler = spoiler
text-spoiler-reason = spoiler: { $reason }
text-warning = contenido sensible
text-warning-reason = contenido sensible: { $reason }
text-thumbnail-only = solo miniatura
text-more = y { $count } más
text-edited = editado
text-poll = encuesta
text-poll-started = { $sender } inició una encuesta
text-poll-edited = { $sender } editó una encuesta
