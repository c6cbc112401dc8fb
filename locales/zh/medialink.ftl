# Medialink 页面的文字。

## 所有页面

site-name = Medialink
site-about = Medialink 用于打开聊天中分享的文件。
languages = 其他语言

## 时间和数量

moment = { $date } { $time }（UTC）
in-a-while = 几分钟后
in-seconds = { $count } 秒后
in-minutes = { $count } 分钟后
in-hours = { $count } 小时后
in-days = { $count } 天后
size-b = { $amount } B
size-kib = { $amount } KiB
size-mib = { $amount } MiB
size-gib = { $amount } GiB
size-tib = { $amount } TiB
size-pib = { $amount } PiB
size-eib = { $amount } EiB

## 文件

view-provenance = 分享自 Matrix 聊天室
view-provenance-network = 分享自与 { $network } 互通的 Matrix 聊天室
unnamed-image = 分享的图片
unnamed-video = 分享的视频
unnamed-audio = 分享的音频
unnamed-text = 分享的文本
unnamed-pdf = 分享的文档
unnamed-file = 分享的文件
kind-image = 图片
kind-video = 视频
kind-audio = 音频
kind-text = 文本
kind-pdf = PDF 文档
kind-file = 文件
view-spoiler = 剧透
view-spoiler-reason = 剧透：{ $reason }
view-warning = 敏感内容
view-warning-reason = 敏感内容：{ $reason }
view-show = 显示
view-download = 下载
view-open = 打开
view-open-limited =
    { $count ->
        [1] 打开（仅限一次）
       *[other] 打开（还可打开 { $count } 次）
    }
view-limited =
    { $count ->
        [1] 此链接只能打开一次。每次打开都会计数，请在准备好查看或保存文件时再打开。
       *[other] 此链接还可打开 { $count } 次。每次打开都会计数，请在准备好查看或保存文件时再打开。
    }
view-report = 举报此文件
view-sharer = 由 { $sender } 分享
view-together = 一同分享的内容
view-code = 本页面的二维码
view-code-label = 包含本页面网址的二维码
fact-kind = 类型
fact-size = 大小
fact-dimensions = 尺寸
fact-pixels = { $width } × { $height } 像素
fact-length = 时长
fact-lines = 行数
fact-works = 链接有效期
works-times =
    { $count ->
        [1] 一次
       *[other] 还有 { $count } 次
    }
works-until = 至 { $moment }
works-times-until = { $times }，至 { $moment }
works-forever = 长期有效

## 文本

paste-raw = 纯文本
paste-cut =
    { $count ->
        [1] 此页面只显示一个长行的开头。
       *[other] 此页面只显示前 { $count } 行。
    }
paste-whole = 查看全文

## 举报

report-title = 举报 { $name }
report-title-unnamed = 举报此文件
report-intro = 本服务和聊天室的管理者会收到您的举报，并决定如何处理该文件。您的姓名和地址不会被转交。
report-question = 它有什么问题？
report-illegal = 违反法律
report-violence = 展示或煽动暴力、自残
report-harassment = 攻击、威胁他人或泄露他人隐私
report-spam = 垃圾广告或欺诈
report-other = 其他
report-note = 有助于了解情况的补充说明（选填）
report-send = 提交举报
report-thanks = 谢谢您
report-thanks-words = 您的举报正在转交本服务和聊天室的管理者，由他们决定如何处理该文件。

## 网站本身

start-title = 聊天中分享的文件
start-intro = 人们在 Matrix 聊天室里分享图片、视频和文档，也有人通过 { $networks } 参与其中。本网站为他们把每个文件变成可在任何浏览器中打开的链接。
start-other-networks = 其他网络
start-link-question = 有人给您发了链接？
start-link-answer = 请打开完整的地址，一个字符都不要少。这里没有别的内容：没有文件列表，没有搜索，也没有账号。大多数链接只在一段时间内有效。
start-log-question = 在日志里看到了这台主机？
start-log-answer = 那是有人打开了这样的链接，或者某个程序获取了它的预览。本网站没有广告，也没有来自其他网站的内容。
start-wrong-question = 这里有不该出现的内容？
start-wrong-report = 每个文件的页面上都有“举报此文件”链接。
start-wrong-contact = 联系运营者：{ $contact }。
run-by = 运营者
run-by-contact = { $operator }的联系方式：{ $contact }
the-operator = 运营者

## 打不开文件的链接

error-again = 重试
error-status = 错误 { $status }
sender = 发送者
sender-on = { $network } 上的发送者
error-not-found = 此链接没有指向任何内容
    .explanation = 这个地址没有对应的文件。链接可能在传递过程中被截断或改动了。
    .advice = 请检查是否复制了完整的地址，或请{ $sender }重新发送。
error-expired = 此链接已过期
    .explanation = 分享文件的链接只在一段时间内有效，此链接的有效期已过。
    .advice = 如果您仍需要该文件，请让{ $sender }重新发送。
error-revoked = 此链接已被撤回
    .explanation = 有人提前终止了对该文件的访问。
    .advice = 如果您仍需要该文件，请让{ $sender }重新发送。
error-redacted = 消息已被删除
    .explanation = 包含该文件的消息已在聊天中删除，因此这里也无法再打开该文件。
    .advice = 如果您认为这是误删，请询问{ $sender }。
error-key-revoked = 此链接已失效
    .explanation = 出于安全考虑，本服务的运营者已终止所有以相同方式创建的链接。
    .advice = 如果您仍需要该文件，请让{ $sender }重新发送。
error-spent = 此链接已被使用
    .explanation = 它只能打开有限的次数（通常只有一次），次数已经用完。
    .advice = 如果您仍需要该文件，请让{ $sender }重新发送。
error-media-gone = 文件已不存在
    .explanation = 链接没有问题，但保存该文件的服务器上已经没有它了。
    .advice = 请让{ $sender }重新发送。
error-not-yet-uploaded = 文件还在路上
    .explanation = 发送者已经开始发送该文件，但上传尚未完成。
    .advice = 请在{ $when }重试。如果一直没有收到，请让{ $sender }重新发送。
error-no-thumbnail = 此文件没有预览
    .explanation = 只有可以读取的图片才有预览。
    .advice = 文件本身的链接仍然可以使用。
error-busy = 等待生成的预览太多
    .explanation = 目前正在生成很多预览，还没有轮到这一个。
    .advice = 请在{ $when }重试。
error-limited = 一次请求得太多了
    .explanation = 本服务为每位读者、每个链接和每个聊天室公平分配资源，目前这份配额已经用完。
    .advice = 请在{ $when }重试。
error-database-away = 本服务暂时中断
    .explanation = 暂时无法确认此链接是否仍然有效。问题不在您这一边。
    .advice = 请在{ $when }重试。
error-denied = 此内容在这里无法提供
    .explanation = 本服务的运营者决定不提供此内容，或不向您所在的网络提供内容。
    .advice = 如果您认为有误，请联系运营者。
error-not-scanned = 无法检查文件
    .explanation = 本服务在提供文件之前会先进行检查，目前无法完成检查。问题不在您这一边。
    .advice = 请在{ $when }重试。
error-bad-size = 预览的尺寸无效
    .explanation = 预览的地址须用不小于 1 的整数指定宽度和高度，并用 crop 或 scale 指定方式。
    .advice = 请检查是否复制了完整的地址。
error-bad-report = 无法读取此举报
    .explanation = 举报须包含表单中的一个原因，补充说明最多 500 个字符。
    .advice = 请返回并重新提交。
error-too-large = 文件太大
    .explanation = 它超过了本服务可以提供的文件大小。
    .advice = 请让{ $sender }提供较小的版本，或改用其他方式发送。
error-homeserver-failed = 目前无法获取文件
    .explanation = 保存该文件的服务器没有提供它。问题不在您这一边。
    .advice = 请在{ $when }重试。如果仍然不行，请让{ $sender }重新发送。
error-homeserver-slow = 获取文件的时间过长
    .explanation = 保存该文件的服务器没有及时响应。问题不在您这一边。
    .advice = 请在{ $when }重试。如果仍然不行，请让{ $sender }重新发送。

## 简单网络的文字：一行

text-image =
    { $count ->
        [1] 一张图片
       *[other] { $count } 张图片
    }
text-gif =
    { $count ->
        [1] 一张 GIF
       *[other] { $count } 张 GIF
    }
text-video =
    { $count ->
        [1] 一个视频
       *[other] { $count } 个视频
    }
text-audio =
    { $count ->
        [1] 一个音频文件
       *[other] { $count } 个音频文件
    }
text-voice =
    { $count ->
        [1] 一条语音消息
       *[other] { $count } 条语音消息
    }
text-file =
    { $count ->
        [1] 一个文件
       *[other] { $count } 个文件
    }
text-sticker =
    { $count ->
        [1] 一张贴纸
       *[other] { $count } 张贴纸
    }
text-avatar =
    { $count ->
        [1] 一个头像
       *[other] { $count } 个头像
    }
text-room-avatar =
    { $count ->
        [1] 一个聊天室头像
       *[other] { $count } 个头像
    }
text-sent = 发送了{ $things }
text-changed = 编辑了{ $things }
text-new-avatar = 更换了头像
text-new-room-avatar = 更换了聊天室头像
text-spoiler = 剧透
text-spoiler-reason = 剧透：{ $reason }
text-warning = 敏感内容
text-warning-reason = 敏感内容：{ $reason }
text-thumbnail-only = 仅缩略图
text-more = 还有 { $count } 个
text-edited = 已编辑
text-poll = 投票
text-poll-started = { $sender } 发起了投票
text-poll-edited = { $sender } 编辑了投票
