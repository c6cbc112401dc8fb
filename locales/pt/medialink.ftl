# Os textos das páginas do Medialink.

## Todas as páginas

site-name = Medialink
site-about = O Medialink abre arquivos que foram compartilhados em uma conversa.
languages = Outros idiomas

## Datas e quantidades

moment = { $date }, { $time } UTC
in-a-while = em alguns minutos
in-seconds =
    { $count ->
        [one] em um segundo
       *[other] em { $count } segundos
    }
in-minutes =
    { $count ->
        [one] em um minuto
       *[other] em { $count } minutos
    }
in-hours =
    { $count ->
        [one] em uma hora
       *[other] em { $count } horas
    }
in-days =
    { $count ->
        [one] em um dia
       *[other] em { $count } dias
    }
size-b = { $amount } B
size-kib = { $amount } KiB
size-mib = { $amount } MiB
size-gib = { $amount } GiB
size-tib = { $amount } TiB
size-pib = { $amount } PiB
size-eib = { $amount } EiB

## Um arquivo

view-provenance = Compartilhado em uma sala do Matrix
view-provenance-network = Compartilhado em uma sala do Matrix ligada a { $network }
unnamed-image = Imagem compartilhada
unnamed-video = Vídeo compartilhado
unnamed-audio = Áudio compartilhado
unnamed-text = Texto compartilhado
unnamed-pdf = Documento compartilhado
unnamed-file = Arquivo compartilhado
kind-image = Imagem
kind-video = Vídeo
kind-audio = Áudio
kind-text = Texto
kind-pdf = Documento PDF
kind-file = Arquivo
view-spoiler = Spoiler
view-spoiler-reason = Spoiler: { $reason }
view-warning = Conteúdo sensível
view-warning-reason = Conteúdo sensível: { $reason }
view-show = Mostrar
view-download = Baixar
view-open = Abrir
view-open-limited =
    { $count ->
        [one] Abrir (só uma vez)
       *[other] Abrir (mais { $count } vezes)
    }
view-limited =
    { $count ->
        [one] Este link funciona uma única vez. Abra-o quando quiser ver ou salvar o arquivo: cada abertura conta.
       *[other] Este link funciona mais { $count } vezes. Abra-o quando quiser ver ou salvar o arquivo: cada abertura conta.
    }
view-report = Denunciar este arquivo
view-sharer = Compartilhado por { $sender }
view-together = Compartilhados juntos
view-code = Código QR desta página
view-code-label = Código QR com o endereço desta página
fact-kind = Tipo
fact-size = Tamanho
fact-dimensions = Dimensões
fact-pixels = { $width } × { $height } pixels
fact-length = Duração
fact-lines = Linhas
fact-works = O link funciona
works-times =
    { $count ->
        [one] uma vez
       *[other] mais { $count } vezes
    }
works-until = até { $moment }
works-times-until = { $times }, até { $moment }
works-forever = sem data de validade

## Um texto

paste-raw = Texto puro
paste-cut =
    { $count ->
        [one] Esta página mostra o começo de uma linha longa.
       *[other] Esta página mostra as primeiras { $count } linhas.
    }
paste-whole = Ver o texto completo

## Uma denúncia

report-title = Denunciar { $name }
report-title-unnamed = Denunciar este arquivo
report-intro = Sua denúncia chega a quem administra este serviço e a conversa, que decide o que fazer com o arquivo. Seu nome e seu endereço não são repassados.
report-question = Qual é o problema?
report-illegal = Viola a lei
report-violence = Mostra ou incita a violência ou a automutilação
report-harassment = Ataca, ameaça ou expõe alguém
report-spam = É propaganda indesejada ou engana as pessoas
report-other = Outra coisa
report-note = Qualquer detalhe que ajude a entender (opcional)
report-send = Enviar denúncia
report-thanks = Obrigado
report-thanks-words = Sua denúncia está a caminho de quem administra este serviço e a conversa, que decide o que fazer com o arquivo.

## O próprio site

start-title = Arquivos que foram compartilhados em uma conversa
start-intro = Nas salas de conversa do Matrix, as pessoas compartilham imagens, vídeos e documentos. Outras acompanham por { $networks }: para elas, este site transforma cada arquivo em um link que abre em qualquer navegador.
start-other-networks = outras redes
start-link-question = Você recebeu um link?
start-link-answer = Abra o endereço inteiro, até a última letra. Não há mais nada para ver aqui: nem lista de arquivos, nem busca, nem contas. A maioria dos links funciona por tempo limitado.
start-log-question = Este servidor aparece em um registro?
start-log-answer = Alguém abriu um desses links, ou um programa buscou uma prévia dele. O site não tem anúncios nem nada de outros sites.
start-wrong-question = Há algo que não deveria estar aqui?
start-wrong-report = A página de cada arquivo tem um link “Denunciar este arquivo”.
start-wrong-contact = Fale com o responsável em { $contact }.
run-by = Mantido por
run-by-contact = Mantido por { $operator }: { $contact }
the-operator = o responsável pelo serviço

## Um link que não leva ao seu arquivo

error-again = Tentar de novo
error-status = Erro { $status }
sender = a pessoa que o enviou
sender-on = a pessoa que o enviou em { $network }
error-not-found = Este link não leva a lugar nenhum
    .explanation = Não há nenhum arquivo neste endereço. O link pode ter sido cortado ou alterado antes de chegar a você.
    .advice = Confira se você copiou o endereço inteiro ou peça para { $sender } enviar de novo.
error-expired = Este link expirou
    .explanation = Links para arquivos compartilhados funcionam só por um tempo, e o deste já acabou.
    .advice = Se você ainda precisa do arquivo, peça para { $sender } enviar de novo.
error-revoked = Este link foi retirado
    .explanation = Alguém encerrou o acesso a este arquivo antes do prazo.
    .advice = Se você ainda precisa do arquivo, peça para { $sender } enviar de novo.
error-redacted = A mensagem foi removida
    .explanation = A mensagem com este arquivo foi apagada da conversa, por isso o arquivo também não está mais disponível aqui.
    .advice = Se você acha que foi um engano, pergunte para { $sender }.
error-key-revoked = Este link não é mais válido
    .explanation = Por segurança, o responsável por este serviço encerrou todos os links criados da mesma forma que este.
    .advice = Se você ainda precisa do arquivo, peça para { $sender } enviar de novo.
error-spent = Este link já foi usado
    .explanation = Ele só podia ser aberto um número limitado de vezes, muitas vezes apenas uma, e isso já aconteceu.
    .advice = Se você ainda precisa do arquivo, peça para { $sender } enviar de novo.
error-media-gone = O arquivo não existe mais
    .explanation = O link está certo, mas o servidor que guardava o arquivo não o tem mais.
    .advice = Peça para { $sender } enviar de novo.
error-not-yet-uploaded = O arquivo ainda está a caminho
    .explanation = Este arquivo foi anunciado, mas o envio ainda não terminou.
    .advice = Tente de novo { $when }. Se ele nunca chegar, peça para { $sender } enviar de novo.
error-no-thumbnail = Não há prévia deste arquivo
    .explanation = Só as imagens têm prévia, e apenas as que podem ser lidas.
    .advice = O link para o próprio arquivo funciona mesmo assim.
error-busy = Há prévias demais para criar
    .explanation = Muitas prévias estão sendo criadas neste momento, e a vez desta ainda não chegou.
    .advice = Tente de novo { $when }.
error-limited = Foi muita coisa de uma vez
    .explanation = Este serviço reparte o que pode fazer entre todos os leitores, links e salas, e essa parte acabou por enquanto.
    .advice = Tente de novo { $when }.
error-database-away = Este serviço está fazendo uma pequena pausa
    .explanation = A parte que sabe se este link ainda é válido está inacessível. O problema não é com você.
    .advice = Tente de novo { $when }.
error-denied = Isto não está disponível aqui
    .explanation = O responsável por este serviço decidiu não oferecer isto, ou não oferecer nada à sua rede.
    .advice = Se você acha que é um engano, pergunte ao responsável.
error-not-scanned = Não foi possível verificar o arquivo
    .explanation = Este serviço examina os arquivos antes de entregá-los e não pode fazer isso neste momento. O problema não é com você.
    .advice = Tente de novo { $when }.
error-bad-size = Isto não é um tamanho de prévia
    .explanation = O endereço de uma prévia informa a largura e a altura em números inteiros a partir de 1 e o método como crop ou scale.
    .advice = Confira se você copiou o endereço inteiro.
error-bad-report = Não foi possível ler esta denúncia
    .explanation = Uma denúncia tem um dos motivos do formulário e no máximo 500 caracteres.
    .advice = Volte e envie de novo.
error-too-large = O arquivo é grande demais
    .explanation = Ele é maior que os arquivos que este serviço entrega.
    .advice = Peça para { $sender } uma versão menor ou outro meio de envio.
error-homeserver-failed = Não é possível obter o arquivo agora
    .explanation = O servidor que guarda o arquivo não o entregou. O problema não é com você.
    .advice = Tente de novo { $when }. Se não adiantar, peça para { $sender } enviar de novo.
error-homeserver-slow = Demorou demais para obter o arquivo
    .explanation = O servidor que guarda o arquivo não respondeu a tempo. O problema não é com você.
    .advice = Tente de novo { $when }. Se não adiantar, peça para { $sender } enviar de novo.

## Textos para redes simples: uma linha

text-image =
    { $count ->
        [one] uma imagem
       *[other] { $count } imagens
    }
text-gif =
    { $count ->
        [one] um GIF
       *[other] { $count } GIFs
    }
text-video =
    { $count ->
        [one] um vídeo
       *[other] { $count } vídeos
    }
text-audio =
    { $count ->
        [one] um arquivo de áudio
       *[other] { $count } arquivos de áudio
    }
text-voice =
    { $count ->
        [one] uma mensagem de voz
       *[other] { $count } mensagens de voz
    }
text-file =
    { $count ->
        [one] um arquivo
       *[other] { $count } arquivos
    }
text-sticker =
    { $count ->
        [one] uma figurinha
       *[other] { $count } figurinhas
    }
text-avatar =
    { $count ->
        [one] uma foto de perfil
       *[other] { $count } fotos de perfil
    }
text-room-avatar =
    { $count ->
        [one] uma imagem de sala
       *[other] { $count } imagens de sala
    }
text-sent = enviou { $things }
text-changed = editou { $things }
text-new-avatar = mudou a própria foto de perfil
text-new-room-avatar = mudou a imagem da sala
text-spoiler = spoiler
text-spoiler-reason = spoiler: { $reason }
text-warning = conteúdo sensível
text-warning-reason = conteúdo sensível: { $reason }
text-thumbnail-only = só miniatura
text-more = e mais { $count }
text-edited = editado
text-poll = enquete
text-poll-started = { $sender } iniciou uma enquete
text-poll-edited = { $sender } editou uma enquete
