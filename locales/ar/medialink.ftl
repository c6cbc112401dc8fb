# نصوص صفحات Medialink.

## كل الصفحات

site-name = Medialink
site-about = يفتح Medialink الملفات التي تمت مشاركتها في محادثة.
languages = لغات أخرى

## الأوقات والكميات

moment = { $date } في { $time } بالتوقيت العالمي (UTC)
in-a-while = بعد بضع دقائق
in-seconds =
    { $count ->
        [one] بعد ثانية
        [two] بعد ثانيتين
        [few] بعد { $count } ثوانٍ
        [many] بعد { $count } ثانية
       *[other] بعد { $count } ثانية
    }
in-minutes =
    { $count ->
        [one] بعد دقيقة
        [two] بعد دقيقتين
        [few] بعد { $count } دقائق
        [many] بعد { $count } دقيقة
       *[other] بعد { $count } دقيقة
    }
in-hours =
    { $count ->
        [one] بعد ساعة
        [two] بعد ساعتين
        [few] بعد { $count } ساعات
        [many] بعد { $count } ساعة
       *[other] بعد { $count } ساعة
    }
in-days =
    { $count ->
        [one] بعد يوم
        [two] بعد يومين
        [few] بعد { $count } أيام
        [many] بعد { $count } يومًا
       *[other] بعد { $count } يوم
    }
size-b = { $amount } بايت
size-kib = { $amount } كيبيبايت
size-mib = { $amount } ميبيبايت
size-gib = { $amount } جيبيبايت
size-tib = { $amount } تيبيبايت
size-pib = { $amount } بيبيبايت
size-eib = { $amount } إكسبيبايت

## ملف

view-provenance = تمت المشاركة من غرفة Matrix
view-provenance-network = تمت المشاركة من غرفة Matrix متصلة بشبكة { $network }
unnamed-image = صورة تمت مشاركتها
unnamed-video = فيديو تمت مشاركته
unnamed-audio = مقطع صوتي تمت مشاركته
unnamed-text = نص تمت مشاركته
unnamed-pdf = مستند تمت مشاركته
unnamed-file = ملف تمت مشاركته
kind-image = صورة
kind-video = فيديو
kind-audio = صوت
kind-text = نص
kind-pdf = مستند PDF
kind-file = ملف
view-spoiler = محتوى يحرق الأحداث
view-spoiler-reason = محتوى يحرق الأحداث: { $reason }
view-warning = محتوى حساس
view-warning-reason = محتوى حساس: { $reason }
view-show = إظهار
view-download = تنزيل
view-open = فتح
view-open-limited =
    { $count ->
        [one] فتح (مرة واحدة فقط)
        [two] فتح (بقيت مرتان)
        [few] فتح (بقيت { $count } مرات)
        [many] فتح (بقيت { $count } مرة)
       *[other] فتح (بقيت { $count } مرة)
    }
view-limited =
    { $count ->
        [one] يعمل هذا الرابط مرة واحدة فقط. افتحه عندما تريد عرض الملف أو حفظه، فكل فتح محسوب.
        [two] يعمل هذا الرابط مرتين أخريين. افتحه عندما تريد عرض الملف أو حفظه، فكل فتح محسوب.
        [few] يعمل هذا الرابط { $count } مرات أخرى. افتحه عندما تريد عرض الملف أو حفظه، فكل فتح محسوب.
        [many] يعمل هذا الرابط { $count } مرة أخرى. افتحه عندما تريد عرض الملف أو حفظه، فكل فتح محسوب.
       *[other] يعمل هذا الرابط { $count } مرة أخرى. افتحه عندما تريد عرض الملف أو حفظه، فكل فتح محسوب.
    }
view-report = الإبلاغ عن هذا الملف
view-sharer = شاركه { $sender }
view-together = تمت مشاركتها معًا
view-code = رمز QR لهذه الصفحة
view-code-label = رمز QR يحتوي على عنوان هذه الصفحة
fact-kind = النوع
fact-size = الحجم
fact-dimensions = الأبعاد
fact-pixels = { $width } × { $height } بكسل
fact-length = المدة
fact-lines = الأسطر
fact-works = صلاحية الرابط
works-times =
    { $count ->
        [one] مرة واحدة
        [two] مرتان أخريان
        [few] { $count } مرات أخرى
        [many] { $count } مرة أخرى
       *[other] { $count } مرة أخرى
    }
works-until = حتى { $moment }
works-times-until = { $times }، حتى { $moment }
works-forever = بلا تاريخ انتهاء

## نص

paste-raw = النص الخام
paste-cut =
    { $count ->
        [one] تعرض هذه الصفحة بداية سطر واحد طويل.
        [two] تعرض هذه الصفحة أول سطرين.
        [few] تعرض هذه الصفحة أول { $count } أسطر.
        [many] تعرض هذه الصفحة أول { $count } سطرًا.
       *[other] تعرض هذه الصفحة أول { $count } سطر.
    }
paste-whole = عرض النص كاملًا

## بلاغ

report-title = الإبلاغ عن { $name }
report-title-unnamed = الإبلاغ عن هذا الملف
report-intro = يصل بلاغك إلى القائمين على هذه الخدمة وعلى المحادثة، وهم يقررون ما يحدث للملف. لا يُنقل اسمك ولا عنوانك إلى أحد.
report-question = ما المشكلة فيه؟
report-illegal = يخالف القانون
report-violence = يُظهر العنف أو إيذاء النفس أو يدعو إليهما
report-harassment = يهاجم شخصًا أو يهدده أو يفضحه
report-spam = إعلان غير مرغوب فيه أو خداع
report-other = شيء آخر
report-note = أي شيء يساعد على فهم الأمر (اختياري)
report-send = إرسال البلاغ
report-thanks = شكرًا لك
report-thanks-words = بلاغك في طريقه إلى القائمين على هذه الخدمة وعلى المحادثة، وهم يقررون ما يحدث للملف.

## الموقع نفسه

start-title = ملفات تمت مشاركتها في محادثة
start-intro = يشارك الناس الصور والأفلام والمستندات في غرف محادثة Matrix. ويتابعهم آخرون عبر { $networks }: من أجلهم يحوّل هذا الموقع كل ملف إلى رابط يُفتح في أي متصفح.
start-other-networks = شبكات أخرى
start-link-question = هل أُرسل إليك رابط؟
start-link-answer = افتح العنوان كاملًا حتى آخر حرف. لا يوجد شيء آخر هنا: لا قائمة ملفات ولا بحث ولا حسابات. تعمل معظم الروابط لمدة محدودة.
start-log-question = هل يظهر هذا الخادم في سجل؟
start-log-answer = لقد فتح شخص ما رابطًا كهذا، أو جلب برنامج معاينة له. لا يحتوي الموقع على إعلانات ولا على أي شيء من مواقع أخرى.
start-wrong-question = هل يوجد هنا شيء لا ينبغي أن يكون؟
start-wrong-report = في صفحة كل ملف رابط «الإبلاغ عن هذا الملف».
start-wrong-contact = يمكنك التواصل مع المشغّل عبر { $contact }.
run-by = تشغيل
run-by-contact = تشغيل { $operator }: { $contact }
the-operator = مشغّل الخدمة

## رابط لا يؤدي إلى ملفه

error-again = إعادة المحاولة
error-status = خطأ { $status }
sender = مُرسله
sender-on = مُرسله على { $network }
error-not-found = هذا الرابط لا يؤدي إلى شيء
    .explanation = لا يوجد ملف خلف هذا العنوان. ربما قُطع الرابط أو تغيّر في طريقه إليك.
    .advice = تأكد من نسخ العنوان كاملًا، أو اطلب من { $sender } إرساله مرة أخرى.
error-expired = انتهت صلاحية هذا الرابط
    .explanation = تعمل روابط الملفات لمدة محدودة فقط، وقد انقضت مدة هذا الرابط.
    .advice = إذا كنت لا تزال بحاجة إلى الملف، فاطلب من { $sender } إرساله مرة أخرى.
error-revoked = تم سحب هذا الرابط
    .explanation = أنهى شخص ما الوصول إلى هذا الملف قبل انتهاء مدته.
    .advice = إذا كنت لا تزال بحاجة إلى الملف، فاطلب من { $sender } إرساله مرة أخرى.
error-redacted = تمت إزالة الرسالة
    .explanation = حُذفت الرسالة التي تحتوي على هذا الملف من المحادثة، لذلك لم يعد الملف متاحًا هنا أيضًا.
    .advice = إذا كنت تظن أن ذلك حدث خطأً، فاسأل { $sender }.
error-key-revoked = لم يعد هذا الرابط صالحًا
    .explanation = حفاظًا على الأمان، أنهى مشغّل هذه الخدمة كل الروابط التي أُنشئت بالطريقة نفسها.
    .advice = إذا كنت لا تزال بحاجة إلى الملف، فاطلب من { $sender } إرساله مرة أخرى.
error-spent = سبق استخدام هذا الرابط
    .explanation = كان يمكن فتحه عددًا محدودًا من المرات، وغالبًا مرة واحدة، وقد حدث ذلك.
    .advice = إذا كنت لا تزال بحاجة إلى الملف، فاطلب من { $sender } إرساله مرة أخرى.
error-media-gone = لم يعد الملف موجودًا
    .explanation = الرابط سليم، لكن الخادم الذي كان يحفظ الملف لم يعد يملكه.
    .advice = اطلب من { $sender } إرساله مرة أخرى.
error-not-yet-uploaded = الملف لا يزال في الطريق
    .explanation = أُعلن عن هذا الملف، لكن رفعه لم يكتمل بعد.
    .advice = حاول مرة أخرى { $when }. وإذا لم يصل أبدًا، فاطلب من { $sender } إرساله مرة أخرى.
error-no-thumbnail = لا توجد معاينة لهذا الملف
    .explanation = المعاينات متاحة للصور فقط، وللتي يمكن قراءتها منها.
    .advice = رابط الملف نفسه يعمل رغم ذلك.
error-busy = المعاينات المطلوبة كثيرة جدًا
    .explanation = يجري إعداد معاينات كثيرة الآن، ولم يأتِ دور هذه بعد.
    .advice = حاول مرة أخرى { $when }.
error-limited = هذا كثير دفعة واحدة
    .explanation = تمنح هذه الخدمة كل قارئ وكل رابط وكل غرفة حصة عادلة، وقد استُنفدت هذه الحصة في الوقت الحالي.
    .advice = حاول مرة أخرى { $when }.
error-database-away = هذه الخدمة في استراحة قصيرة
    .explanation = تعذّر الوصول إلى الجزء الذي يعرف ما إذا كان هذا الرابط لا يزال صالحًا. المشكلة ليست من جهتك.
    .advice = حاول مرة أخرى { $when }.
error-denied = هذا غير متاح هنا
    .explanation = قرر مشغّل هذه الخدمة عدم تقديم هذا الملف، أو عدم تقديم أي شيء إلى شبكتك.
    .advice = إذا كنت تظن أن هذا خطأ، فاسأل المشغّل.
error-not-scanned = تعذّر فحص الملف
    .explanation = تفحص هذه الخدمة الملفات قبل تقديمها، ولا تستطيع ذلك في هذه اللحظة. المشكلة ليست من جهتك.
    .advice = حاول مرة أخرى { $when }.
error-bad-size = هذا ليس مقاسًا لمعاينة
    .explanation = يحدد عنوان المعاينة عرضها وارتفاعها بأعداد صحيحة لا تقل عن 1، وطريقتها بإحدى الكلمتين crop أو scale.
    .advice = تأكد من نسخ العنوان كاملًا.
error-bad-report = تعذّرت قراءة هذا البلاغ
    .explanation = يتضمن البلاغ أحد أسباب النموذج و500 حرف على الأكثر.
    .advice = عُد إلى الوراء وأرسله مرة أخرى.
error-too-large = الملف كبير جدًا
    .explanation = إنه أكبر من الملفات التي تقدمها هذه الخدمة.
    .advice = اطلب من { $sender } نسخة أصغر أو إرساله بطريقة أخرى.
error-homeserver-failed = يتعذّر جلب الملف الآن
    .explanation = لم يسلّم الخادم الذي يحفظ الملف هذا الملف. المشكلة ليست من جهتك.
    .advice = حاول مرة أخرى { $when }. وإذا لم ينفع ذلك، فاطلب من { $sender } إرساله مرة أخرى.
error-homeserver-slow = استغرق جلب الملف وقتًا طويلًا
    .explanation = لم يُجب الخادم الذي يحفظ الملف في الوقت المناسب. المشكلة ليست من جهتك.
    .advice = حاول مرة أخرى { $when }. وإذا لم ينفع ذلك، فاطلب من { $sender } إرساله مرة أخرى.

## نصوص الشبكات البسيطة: سطر واحد

text-image =
    { $count ->
        [one] صورة
        [two] صورتين
        [few] { $count } صور
        [many] { $count } صورة
       *[other] { $count } صورة
    }
text-gif =
    { $count ->
        [one] صورة GIF
        [two] صورتي GIF
        [few] { $count } صور GIF
        [many] { $count } صورة GIF
       *[other] { $count } صورة GIF
    }
text-video =
    { $count ->
        [one] فيديو
        [two] مقطعي فيديو
        [few] { $count } مقاطع فيديو
        [many] { $count } مقطع فيديو
       *[other] { $count } مقطع فيديو
    }
text-audio =
    { $count ->
        [one] ملفًا صوتيًا
        [two] ملفين صوتيين
        [few] { $count } ملفات صوتية
        [many] { $count } ملفًا صوتيًا
       *[other] { $count } ملف صوتي
    }
text-voice =
    { $count ->
        [one] رسالة صوتية
        [two] رسالتين صوتيتين
        [few] { $count } رسائل صوتية
        [many] { $count } رسالة صوتية
       *[other] { $count } رسالة صوتية
    }
text-file =
    { $count ->
        [one] ملفًا
        [two] ملفين
        [few] { $count } ملفات
        [many] { $count } ملفًا
       *[other] { $count } ملف
    }
text-sticker =
    { $count ->
        [one] ملصقًا
        [two] ملصقين
        [few] { $count } ملصقات
        [many] { $count } ملصقًا
       *[other] { $count } ملصق
    }
text-avatar =
    { $count ->
        [one] صورة شخصية
        [two] صورتين شخصيتين
        [few] { $count } صور شخصية
        [many] { $count } صورة شخصية
       *[other] { $count } صورة شخصية
    }
text-room-avatar =
    { $count ->
        [one] صورة غرفة
        [two] صورتي غرفة
        [few] { $count } صور غرف
        [many] { $count } صورة غرفة
       *[other] { $count } صورة غرفة
    }
text-sent = أرسل { $things }
text-changed = عدّل { $things }
text-new-avatar = غيّر صورته الشخصية
text-new-room-avatar = غيّر صورة الغرفة
text-spoiler = حرق للأحداث
text-spoiler-reason = حرق للأحداث: { $reason }
text-warning = محتوى حساس
text-warning-reason = محتوى حساس: { $reason }
text-thumbnail-only = صورة مصغرة فقط
text-more = و{ $count } أخرى
text-edited = معدّل
text-poll = استطلاع
text-poll-started = بدأ { $sender } استطلاعًا
text-poll-edited = عدّل { $sender } استطلاعًا
