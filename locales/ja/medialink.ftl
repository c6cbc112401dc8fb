# Medialink のページの文言。

## すべてのページ

site-name = Medialink
site-about = Medialink は、チャットで共有されたファイルを開くサービスです。
languages = ほかの言語

## 日時と数量

moment = { $date } { $time }（UTC）
in-a-while = 数分後
in-seconds = { $count }秒後
in-minutes = { $count }分後
in-hours = { $count }時間後
in-days = { $count }日後
size-b = { $amount } B
size-kib = { $amount } KiB
size-mib = { $amount } MiB
size-gib = { $amount } GiB
size-tib = { $amount } TiB
size-pib = { $amount } PiB
size-eib = { $amount } EiB

## ファイル

view-provenance = Matrix のルームで共有されました
view-provenance-network = { $network } とつながる Matrix のルームで共有されました
unnamed-image = 共有された画像
unnamed-video = 共有された動画
unnamed-audio = 共有された音声
unnamed-text = 共有されたテキスト
unnamed-pdf = 共有された文書
unnamed-file = 共有されたファイル
kind-image = 画像
kind-video = 動画
kind-audio = 音声
kind-text = テキスト
kind-pdf = PDF 文書
kind-file = ファイル
view-spoiler = ネタバレ
view-spoiler-reason = ネタバレ：{ $reason }
view-warning = 閲覧注意
view-warning-reason = 閲覧注意：{ $reason }
view-show = 表示する
view-download = ダウンロード
view-open = 開く
view-open-limited =
    { $count ->
        [1] 開く（1回限り）
       *[other] 開く（あと{ $count }回）
    }
view-limited =
    { $count ->
        [1] このリンクを開けるのは1回だけです。開くたびに数えられますので、ファイルを見るとき、または保存するときに開いてください。
       *[other] このリンクを開けるのはあと{ $count }回です。開くたびに数えられますので、ファイルを見るとき、または保存するときに開いてください。
    }
view-report = このファイルを報告する
view-sharer = { $sender } が共有しました
view-together = 一緒に共有されたもの
view-code = このページの QR コード
view-code-label = このページのアドレスを表す QR コード
fact-kind = 種類
fact-size = サイズ
fact-dimensions = 寸法
fact-pixels = { $width } × { $height } ピクセル
fact-length = 長さ
fact-lines = 行数
fact-works = リンクの有効期限
works-times =
    { $count ->
        [1] 1回限り
       *[other] あと{ $count }回
    }
works-until = { $moment }まで
works-times-until = { $times }、{ $moment }まで
works-forever = 無期限

## テキスト

paste-raw = テキストのみ表示
paste-cut =
    { $count ->
        [1] このページには、長い1行の冒頭だけが表示されています。
       *[other] このページには、最初の{ $count }行だけが表示されています。
    }
paste-whole = 全文を見る

## 報告

report-title = { $name } を報告する
report-title-unnamed = このファイルを報告する
report-intro = 報告は、このサービスとチャットの運営者に届きます。ファイルの扱いは運営者が判断します。お名前やアドレスが伝えられることはありません。
report-question = どのような問題がありますか？
report-illegal = 法律に違反している
report-violence = 暴力や自傷行為を見せている、またはあおっている
report-harassment = 誰かを攻撃、脅迫、またはさらしている
report-spam = 迷惑な広告、または詐欺である
report-other = その他
report-note = 参考になること（任意）
report-send = 報告を送信
report-thanks = ありがとうございます
report-thanks-words = 報告は、このサービスとチャットの運営者に届けられます。ファイルの扱いは運営者が判断します。

## サイトについて

start-title = チャットで共有されたファイル
start-intro = Matrix のチャットルームでは、画像や動画、文書が共有されています。{ $networks } から参加している人のために、このサイトは各ファイルを、どのブラウザでも開けるリンクにします。
start-other-networks = ほかのネットワーク
start-link-question = リンクを受け取りましたか？
start-link-answer = アドレスを最後の1文字まで正確に開いてください。ファイルの一覧も、検索も、アカウントもなく、ほかに見られるものはありません。ほとんどのリンクには有効期限があります。
start-log-question = このホストがログに残っていましたか？
start-log-answer = 誰かがこのようなリンクを開いたか、プログラムがそのプレビューを取得したものです。このサイトには広告がなく、ほかのサイトのものも含まれていません。
start-wrong-question = ここにあってはならないものを見つけましたか？
start-wrong-report = 各ファイルのページに「このファイルを報告する」というリンクがあります。
start-wrong-contact = 運営者の連絡先：{ $contact }
run-by = 運営者
run-by-contact = { $operator } の連絡先：{ $contact }
the-operator = 運営者

## ファイルにたどり着けないリンク

error-again = 再試行
error-status = エラー { $status }
sender = 送信者
sender-on = { $network } の送信者
error-not-found = このリンクの先には何もありません
    .explanation = このアドレスにファイルはありません。届くまでの間に、リンクが途中で切れたか、変わってしまった可能性があります。
    .advice = アドレス全体をコピーしたか確認するか、{ $sender }にもう一度送ってもらってください。
error-expired = このリンクは期限切れです
    .explanation = 共有ファイルへのリンクには有効期限があり、このリンクの期限は過ぎています。
    .advice = まだファイルが必要な場合は、{ $sender }にもう一度送ってもらってください。
error-revoked = このリンクは取り消されました
    .explanation = 期限を待たずに、このファイルの公開が終了されました。
    .advice = まだファイルが必要な場合は、{ $sender }にもう一度送ってもらってください。
error-redacted = メッセージは削除されました
    .explanation = このファイルを含むメッセージがチャットで削除されたため、ここでもファイルを利用できなくなりました。
    .advice = 誤って削除されたと思われる場合は、{ $sender }に確認してください。
error-key-revoked = このリンクは無効になりました
    .explanation = 安全のため、このリンクと同じ方法で作られたリンクは、すべて運営者によって無効にされました。
    .advice = まだファイルが必要な場合は、{ $sender }にもう一度送ってもらってください。
error-spent = このリンクは使用済みです
    .explanation = 開ける回数に限りのあるリンク（多くは1回のみ）で、すでにその回数に達しました。
    .advice = まだファイルが必要な場合は、{ $sender }にもう一度送ってもらってください。
error-media-gone = ファイルはもうありません
    .explanation = リンクに問題はありませんが、ファイルを保管していたサーバーから、ファイルがなくなりました。
    .advice = { $sender }にもう一度送ってもらってください。
error-not-yet-uploaded = ファイルはまだ届いていません
    .explanation = このファイルは送信の途中で、アップロードがまだ完了していません。
    .advice = { $when }にもう一度お試しください。いつまでも届かない場合は、{ $sender }にもう一度送ってもらってください。
error-no-thumbnail = このファイルのプレビューはありません
    .explanation = プレビューは、読み取ることのできる画像にだけ作成されます。
    .advice = ファイル自体へのリンクは利用できます。
error-busy = 作成待ちのプレビューが多すぎます
    .explanation = 現在たくさんのプレビューを作成しており、まだ順番が回ってきていません。
    .advice = { $when }にもう一度お試しください。
error-limited = 一度に多くのアクセスがありました
    .explanation = このサービスは、利用者、リンク、ルームごとに公平に割り当てを設けています。今はその割り当てを使い切っています。
    .advice = { $when }にもう一度お試しください。
error-database-away = このサービスは一時的に停止しています
    .explanation = リンクが有効かどうかを確認する部分に接続できません。お使いの環境の問題ではありません。
    .advice = { $when }にもう一度お試しください。
error-denied = ここでは利用できません
    .explanation = このサービスの運営者は、このファイルを提供しない、またはお使いのネットワークには提供しないことにしています。
    .advice = 誤りと思われる場合は、運営者にお問い合わせください。
error-not-scanned = ファイルを検査できませんでした
    .explanation = このサービスはファイルを渡す前に検査しますが、現在その検査ができません。お使いの環境の問題ではありません。
    .advice = { $when }にもう一度お試しください。
error-bad-size = プレビューのサイズとして正しくありません
    .explanation = プレビューのアドレスでは、幅と高さを1以上の整数で、方法を crop または scale で指定します。
    .advice = アドレス全体をコピーしたか確認してください。
error-bad-report = この報告を読み取れませんでした
    .explanation = 報告には、フォームの理由のいずれかと、500文字以内の補足が必要です。
    .advice = 前のページに戻って、もう一度送信してください。
error-too-large = ファイルが大きすぎます
    .explanation = このサービスで提供できる大きさを超えています。
    .advice = 小さいファイルにするか、別の方法で送ってもらえないか、{ $sender }に頼んでください。
error-homeserver-failed = 現在ファイルを取得できません
    .explanation = ファイルを保管しているサーバーから、ファイルを受け取れませんでした。お使いの環境の問題ではありません。
    .advice = { $when }にもう一度お試しください。それでも解決しない場合は、{ $sender }にもう一度送ってもらってください。
error-homeserver-slow = ファイルの取得に時間がかかりすぎました
    .explanation = ファイルを保管しているサーバーが、時間内に応答しませんでした。お使いの環境の問題ではありません。
    .advice = { $when }にもう一度お試しください。それでも解決しない場合は、{ $sender }にもう一度送ってもらってください。

## 簡素なネットワーク向けの文：1行

text-image =
    { $count ->
        [1] 画像
       *[other] 画像{ $count }枚
    }
text-gif =
    { $count ->
        [1] GIF
       *[other] GIF{ $count }枚
    }
text-video =
    { $count ->
        [1] 動画
       *[other] 動画{ $count }本
    }
text-audio =
    { $count ->
        [1] 音声ファイル
       *[other] 音声ファイル{ $count }件
    }
text-voice =
    { $count ->
        [1] ボイスメッセージ
       *[other] ボイスメッセージ{ $count }件
    }
text-file =
    { $count ->
        [1] ファイル
       *[other] ファイル{ $count }件
    }
text-sticker =
    { $count ->
        [1] ステッカー
       *[other] ステッカー{ $count }枚
    }
text-avatar =
    { $count ->
        [1] アイコン
       *[other] アイコン{ $count }件
    }
text-room-avatar =
    { $count ->
        [1] ルームのアイコン
       *[other] アイコン{ $count }件
    }
text-sent = が{ $things }を送信しました
text-changed = が{ $things }を編集しました
text-new-avatar = がアイコンを変更しました
text-new-room-avatar = がルームのアイコンを変更しました
text-spoiler = ネタバレ
text-spoiler-reason = ネタバレ：{ $reason }
text-warning = 閲覧注意
text-warning-reason = 閲覧注意：{ $reason }
text-thumbnail-only = サムネイルのみ
text-more = ほか{ $count }件
text-edited = 編集済み
text-poll = アンケート
text-poll-started = { $sender } がアンケートを開始しました
text-poll-edited = { $sender } がアンケートを編集しました
