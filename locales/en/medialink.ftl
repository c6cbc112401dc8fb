# The words of Medialink's pages. Messages keep their names and their variables in every language.

## Every page

site-name = Medialink
site-about = Medialink opens files that were shared in a chat.
languages = Other languages

## Moments and amounts

moment = { $date }, { $time } UTC
in-a-while = in a few minutes
in-seconds =
    { $count ->
        [one] in a second
       *[other] in { $count } seconds
    }
in-minutes =
    { $count ->
        [one] in a minute
       *[other] in { $count } minutes
    }
in-hours =
    { $count ->
        [one] in an hour
       *[other] in { $count } hours
    }
in-days =
    { $count ->
        [one] in a day
       *[other] in { $count } days
    }
size-b = { $amount } B
size-kib = { $amount } KiB
size-mib = { $amount } MiB
size-gib = { $amount } GiB
size-tib = { $amount } TiB
size-pib = { $amount } PiB
size-eib = { $amount } EiB

## A file

view-provenance = Shared from a Matrix room
view-provenance-network = Shared from a Matrix room bridged to { $network }
unnamed-image = Shared image
unnamed-video = Shared video
unnamed-audio = Shared audio
unnamed-text = Shared text
unnamed-pdf = Shared document
unnamed-file = Shared file
kind-image = Image
kind-video = Video
kind-audio = Audio
kind-text = Text
kind-pdf = PDF document
kind-file = File
view-spoiler = Spoiler
view-spoiler-reason = Spoiler: { $reason }
view-warning = Content warning
view-warning-reason = Content warning: { $reason }
view-show = Show
view-download = Download
view-open = Open
view-open-limited =
    { $count ->
        [one] Open (works once)
       *[other] Open (works { $count } more times)
    }
view-limited =
    { $count ->
        [one] This link works once. Open it when you are ready to look at the file or to save it: each opening counts.
       *[other] This link works { $count } more times. Open it when you are ready to look at the file or to save it: each opening counts.
    }
view-report = Report this file
view-sharer = Shared by { $sender }
view-together = Shared together
view-code = QR code of this page
view-code-label = QR code with the address of this page
fact-kind = Kind
fact-size = Size
fact-dimensions = Dimensions
fact-pixels = { $width } × { $height } pixels
fact-length = Length
fact-lines = Lines
fact-works = Link works
works-times =
    { $count ->
        [one] once
       *[other] { $count } more times
    }
works-until = until { $moment }
works-times-until = { $times }, until { $moment }
works-forever = without an end date

## A text

paste-raw = Raw text
paste-cut =
    { $count ->
        [one] This page shows the beginning of one long line.
       *[other] This page shows the first { $count } lines.
    }
paste-whole = See the whole text

## A report

report-title = Report { $name }
report-title-unnamed = Report this shared file
report-intro = Those who run this service and the chat learn of your report, and decide what happens to the file. Your name and address are not passed on.
report-question = What is wrong with it?
report-illegal = It breaks the law
report-violence = It shows or asks for violence, or harm to oneself
report-harassment = It attacks, threatens or exposes somebody
report-spam = It is unwanted advertising, or deceives
report-other = Something else
report-note = Anything that helps to understand it (optional)
report-send = Send report
report-thanks = Thank you
report-thanks-words = Your report is on its way to those who run this service and the chat. They decide what happens to the file.

## The site itself

start-title = Files that were shared in a chat
start-intro = People share pictures, films and documents in chat rooms of Matrix. Others follow on { $networks }: for them, this site makes each file a link that opens in any browser.
start-other-networks = other networks
start-link-question = Were you sent a link?
start-link-answer = Open the whole address, to its last letter. There is nothing else to see here: no list of files, no search and no accounts. Most links work for a limited time.
start-log-question = Is this host in a log?
start-log-answer = Then somebody opened such a link, or a program fetched a preview of it. The site has no advertisements and nothing of other sites.
start-wrong-question = Is there something that should not be here?
start-wrong-report = The page of each file has a link to “Report this file”.
start-wrong-contact = You reach the operator at { $contact }.
run-by = Run by
run-by-contact = Run by { $operator }: { $contact }
the-operator = the operator

## A link that does not lead to its file

error-again = Try again
error-status = Error { $status }
sender = the person who sent it
sender-on = the person who sent it on { $network }
error-not-found = This link leads nowhere
    .explanation = There is no file behind this address. The link may have been cut off or changed on its way to you.
    .advice = Check that you copied the whole address, or ask { $sender } to send it again.
error-expired = This link has expired
    .explanation = Links to shared files work for a limited time only, and the time of this one is over.
    .advice = If you still need the file, ask { $sender } to send it again.
error-revoked = This link was withdrawn
    .explanation = Somebody has ended access to this file before its time was over.
    .advice = If you still need the file, ask { $sender } to send it again.
error-redacted = The message was removed
    .explanation = The message with this file was deleted in the chat, so the file is no longer available here either.
    .advice = If you think it was a mistake, ask { $sender }.
error-key-revoked = This link is no longer valid
    .explanation = For safety, the operator of this service has ended all links that were made in the same way as this one.
    .advice = If you still need the file, ask { $sender } to send it again.
error-spent = This link was already used
    .explanation = It could be opened a limited number of times, often just once, and that has happened already.
    .advice = If you still need the file, ask { $sender } to send it again.
error-media-gone = The file is gone
    .explanation = The link is fine, but the server that kept the file no longer has it.
    .advice = Ask { $sender } to send it again.
error-not-yet-uploaded = The file is still on its way
    .explanation = The sender has announced this file, but its upload is not complete yet.
    .advice = Try again { $when }. If it never arrives, ask { $sender } to send it again.
error-no-thumbnail = There is no preview of this file
    .explanation = Small pictures are made of images only, and only of those that can be read.
    .advice = The link to the file itself works all the same.
error-busy = There are too many previews to make
    .explanation = Many previews are being made at this moment, and this one has not had its turn.
    .advice = Try again { $when }.
error-limited = That was a lot at once
    .explanation = This service gives each reader, each link and each chat room a fair share of what it can do, and that share is used up for the moment.
    .advice = Try again { $when }.
error-database-away = This service is taking a short break
    .explanation = The part of it that knows whether this link is still good cannot be reached. There is nothing wrong on your side.
    .advice = Try again { $when }.
error-denied = This is not available here
    .explanation = The operator of this service has decided not to hand this out, or not to hand anything out to your network.
    .advice = If you think it is a mistake, ask the operator.
error-not-scanned = The file could not be checked
    .explanation = This service looks into files before it hands them out, and cannot do so at this moment. There is nothing wrong on your side.
    .advice = Try again { $when }.
error-bad-size = This is no size of a preview
    .explanation = The address of a preview tells its width and height as whole numbers of at least 1, and its method as crop or scale.
    .advice = Check that you copied the whole address.
error-bad-report = This report could not be read
    .explanation = It has one of the reasons of the form, and 500 characters at most.
    .advice = Go back, and send it again.
error-too-large = The file is too large
    .explanation = It is larger than the files that this service hands on.
    .advice = Ask { $sender } for a smaller version, or to send it in another way.
error-homeserver-failed = The file can’t be fetched right now
    .explanation = The server that keeps the file did not hand it out. There is nothing wrong on your side.
    .advice = Try again { $when }. If that does not help, ask { $sender } to send it again.
error-homeserver-slow = Fetching the file took too long
    .explanation = The server that keeps the file did not answer in time. There is nothing wrong on your side.
    .advice = Try again { $when }. If that does not help, ask { $sender } to send it again.

## Texts for plain networks: one line, without line ends

text-image =
    { $count ->
        [one] an image
       *[other] { $count } images
    }
text-gif =
    { $count ->
        [one] a GIF
       *[other] { $count } GIFs
    }
text-video =
    { $count ->
        [one] a video
       *[other] { $count } videos
    }
text-audio =
    { $count ->
        [one] an audio file
       *[other] { $count } audio files
    }
text-voice =
    { $count ->
        [one] a voice message
       *[other] { $count } voice messages
    }
text-file =
    { $count ->
        [one] a file
       *[other] { $count } files
    }
text-sticker =
    { $count ->
        [one] a sticker
       *[other] { $count } stickers
    }
text-avatar =
    { $count ->
        [one] an avatar
       *[other] { $count } avatars
    }
text-room-avatar =
    { $count ->
        [one] a room avatar
       *[other] { $count } avatars
    }
text-sent = sent { $things }
text-changed = edited { $things }
text-new-avatar = changed their avatar
text-new-room-avatar = changed the room's avatar
text-spoiler = spoiler
text-spoiler-reason = spoiler: { $reason }
text-warning = content warning
text-warning-reason = content warning: { $reason }
text-thumbnail-only = thumbnail only
text-more = and { $count } more
text-edited = edited
text-poll = poll
text-poll-started = { $sender } started a poll
text-poll-edited = { $sender } edited a poll
