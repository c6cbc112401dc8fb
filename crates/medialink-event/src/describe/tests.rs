use serde_json::{Value, json};

use crate::{
    MediaDetails, MediaKind, Warning,
    read::tests::{event, read},
};

#[test]
fn names_and_captions_follow_the_specification() {
    let names_of = |content: Value| {
        let event = read(&event(content), None).expect("an event");
        let details = &event.media[0].details;
        (details.filename.clone(), details.caption.clone())
    };
    let text = |text: &str| Some(text.to_owned());
    let image = |more: Value| {
        let mut content = json!({"msgtype": "m.image", "url": "mxc://example.org/a"});
        for (name, value) in more.as_object().expect("an object") {
            content[name] = value.clone();
        }
        content
    };
    for (content, name, caption) in [
        (json!({"body": "cat.png"}), text("cat.png"), None),
        (
            json!({"body": "cat.png", "filename": "cat.png"}),
            text("cat.png"),
            None,
        ),
        (
            json!({"body": "a cat", "filename": "cat.png"}),
            text("cat.png"),
            text("a cat"),
        ),
        (
            json!({"body": "  ", "filename": "cat.png"}),
            text("cat.png"),
            None,
        ),
        (
            json!({"body": "cat.png", "filename": 5}),
            text("cat.png"),
            None,
        ),
        (json!({"body": 5}), None, None),
    ] {
        assert_eq!(
            names_of(image(content.clone())),
            (name, caption),
            "{content}"
        );
    }
    let mut sticker = event(json!({"body": "a cat", "url": "mxc://example.org/a"}));
    sticker["type"] = json!("m.sticker");
    let details = read(&sticker, None)
        .expect("an event")
        .media
        .remove(0)
        .details;
    assert_eq!((details.filename, details.caption), (None, text("a cat")));
}

#[test]
fn sensible_details_are_kept() {
    let details_of = |more: Value| {
        let mut content = json!({"msgtype": "m.image", "body": "a", "url": "mxc://example.org/a"});
        for (name, value) in more.as_object().expect("an object") {
            content[name] = value.clone();
        }
        read(&event(content), None)
            .expect("an event")
            .media
            .remove(0)
            .details
    };
    let named = MediaDetails {
        filename: Some("a".to_owned()),
        ..MediaDetails::default()
    };
    let info = json!({"mimetype": "image/png", "size": 5, "w": 8, "h": 6, "duration": 7, "xyz.amorgan.blurhash": "LEHV6nWB2yk8pyo0adR*.7kCMdnj"});
    assert_eq!(
        details_of(json!({"info": info})),
        MediaDetails {
            mimetype: Some("image/png".to_owned()),
            size: Some(5),
            width: Some(8),
            height: Some(6),
            duration_ms: Some(7),
            blurhash: Some("LEHV6nWB2yk8pyo0adR*.7kCMdnj".to_owned()),
            ..named.clone()
        }
    );
    let bad =
        json!({"mimetype": 5, "size": -5, "w": 0, "h": "6", "duration": null, "blurhash": "<b>"});
    assert_eq!(details_of(json!({"info": bad})), named);
}

#[test]
fn a_number_is_the_same_however_it_is_written() {
    for (written, number) in [
        ("340112", Some(340_112)),
        ("340112.0", Some(340_112)),
        ("1e6", Some(1_000_000)),
        ("6.4E2", Some(640)),
        ("1.5", Some(1)),
        ("0.9", Some(0)),
        ("-0.0", Some(0)),
        ("9007199254740991", Some((1 << 53) - 1)),
        ("4503599627370496.0", Some(1 << 52)),
        ("9007199254740992", None),
        ("9007199254740992.0", None),
        ("18446744073709551615", None),
        ("1e300", None),
        ("-1", None),
        ("-0.5", None),
        ("-1e300", None),
        ("\"640\"", None),
        ("[640]", None),
    ] {
        let value: Value = serde_json::from_str(written).expect("JSON");
        let info = json!({"size": value, "w": value, "h": value, "duration": value});
        let content =
            json!({"msgtype": "m.image", "body": "a", "url": "mxc://example.org/a", "info": info});
        let details = read(&event(content), None)
            .expect("an event")
            .media
            .remove(0)
            .details;
        assert_eq!(details.size, number, "{written}");
        assert_eq!(details.duration_ms, number, "{written}");
        let pixels = number
            .and_then(|number| u32::try_from(number).ok())
            .filter(|pixels| *pixels > 0);
        assert_eq!(
            (details.width, details.height),
            (pixels, pixels),
            "{written}"
        );
    }
    let file = json!({"url": "mxc://example.org/a", "size": 7.0});
    let content =
        json!({"m.file": file, "m.video_details": {"duration": 90.0, "width": 4.0, "height": 3.9}});
    let details = read(&event(content), None)
        .expect("an event")
        .media
        .remove(0)
        .details;
    let numbers = (
        details.size,
        details.duration_ms,
        details.width,
        details.height,
    );
    assert_eq!(numbers, (Some(7), Some(90_000), Some(4), Some(3)));
}

#[test]
fn a_type_is_told_by_its_one_name() {
    for (written, told) in [
        ("IMAGE/PNG", Some("image/png")),
        ("image/jpg", Some("image/jpeg")),
        ("audio/x-m4a", Some("audio/mp4")),
        ("Audio/OGG; codecs=opus", Some("audio/ogg; codecs=opus")),
        ("audio/opus;rate=48000", Some("audio/ogg;rate=48000")),
        ("image", None),
    ] {
        let content = json!({"msgtype": "m.file", "body": "a", "url": "mxc://example.org/a", "info": {"mimetype": written}});
        let event = read(&event(content), None).expect("an event");
        assert_eq!(event.media[0].details.mimetype.as_deref(), told);
    }
}

#[test]
fn warnings_are_read_in_every_shape() {
    let warning_of = |more: Value| {
        let mut content = json!({"msgtype": "m.image", "body": "a", "url": "mxc://example.org/a"});
        for (name, value) in more.as_object().expect("an object") {
            content[name] = value.clone();
        }
        let mut event = read(&event(content), None).expect("an event");
        event.media.remove(0).details.warning
    };
    for (content, is_spoiler, reason) in [
        (json!({"m.spoiler": true}), true, None),
        (
            json!({"page.codeberg.everypizza.msc4193.spoiler": true, "page.codeberg.everypizza.msc4193.spoiler.reason": "why"}),
            true,
            Some("why"),
        ),
        (
            json!({"m.content_warning": {"type": "m.spoiler"}}),
            true,
            None,
        ),
        (
            json!({"town.robin.msc3725.content_warning": {"type": "town.robin.msc3725.nsfw"}}),
            false,
            Some("nsfw"),
        ),
        (
            json!({"m.content_warning": {"type": "m.nsfw", "description": "why"}}),
            false,
            Some("why"),
        ),
    ] {
        let expected = Warning {
            is_spoiler,
            reason: reason.map(str::to_owned),
        };
        assert_eq!(warning_of(content.clone()), Some(expected), "{content}");
    }
    assert_eq!(warning_of(json!({"m.spoiler": "true"})), None);
}

#[test]
fn an_extensible_event_has_seconds_and_the_older_form_milliseconds() {
    let file = json!({"url": "mxc://example.org/a"});
    for (content, duration_ms) in [
        (
            json!({"m.file": file, "m.audio_details": {"duration": 90}}),
            Some(90_000),
        ),
        (
            json!({"m.file": file, "m.video_details": {"duration": 90, "width": 4, "height": 3}}),
            Some(90_000),
        ),
        (
            json!({"org.matrix.msc1767.file": file, "org.matrix.msc1767.audio_details": {"duration": 90}}),
            Some(90_000),
        ),
        (
            json!({"org.matrix.msc1767.file": file, "org.matrix.msc1767.audio": {"duration": 4600}}),
            Some(4600),
        ),
        (
            json!({"m.file": file, "m.audio_details": {"duration": -1}}),
            None,
        ),
    ] {
        let event = read(&event(content.clone()), None).expect("an event");
        assert_eq!(event.media[0].details.duration_ms, duration_ms, "{content}");
    }
}

#[test]
fn the_pictures_of_previews_have_stable_and_unstable_names() {
    for (list, field) in [
        ("m.url_previews", "matrix:image:encryption"),
        ("com.beeper.linkpreviews", "beeper:image:encryption"),
    ] {
        let preview =
            json!({"og:image:width": 600, (field): {"url": "mxc://example.org/a", "key": {}}});
        let content = json!({"msgtype": "m.text", "body": "x", (list): [preview]});
        let media = read(&event(content), None).expect("an event").media;
        assert_eq!(
            (media[0].kind, media[0].details.width),
            (MediaKind::Thumbnail, Some(600))
        );
    }
}

#[test]
fn a_thumbnail_has_the_warning_of_its_medium() {
    let image = |name: &str| {
        let thumbnail = match name {
            "url" => json!({"thumbnail_url": "mxc://example.org/b"}),
            _ => json!({"thumbnail_file": {"url": "mxc://example.org/b"}}),
        };
        json!({"msgtype": "m.image", "itemtype": "m.image", "body": "a",
            "url": "mxc://example.org/a", "info": thumbnail})
    };
    for name in ["url", "file"] {
        let (plain, mut warned) = (image(name), image(name));
        warned["m.spoiler"] = json!(true);
        for (content, is_warned) in [
            (plain.clone(), false),
            (warned.clone(), true),
            (
                json!({"msgtype": "m.gallery", "body": "", "itemtypes": [warned]}),
                true,
            ),
            (
                json!({"msgtype": "m.gallery", "body": "", "m.spoiler": true, "itemtypes": [plain]}),
                true,
            ),
        ] {
            let media = read(&event(content.clone()), None).expect("an event").media;
            let thumbnail = media
                .iter()
                .find(|media| media.kind == MediaKind::Thumbnail);
            let warning = &thumbnail.expect("a thumbnail").details.warning;
            assert_eq!(warning.is_some(), is_warned, "{content}");
        }
    }
}

#[test]
fn a_caption_keeps_its_own_html() {
    let item = |html: Value| {
        json!({"itemtype": "m.image", "msgtype": "m.image", "body": "c", "filename": "a.png",
            "url": "mxc://example.org/a", "formatted_body": html})
    };
    for (content, html) in [
        (item(json!("<b>c")), Some("<b>c")),
        (item(json!(5)), None),
        (
            json!({"msgtype": "m.gallery", "body": "g", "formatted_body": "<i>g", "itemtypes": [item(json!("<b>c"))]}),
            Some("<b>c"),
        ),
        (
            json!({"m.file": {"url": "mxc://example.org/a"},
                "m.caption": {"m.text": [{"body": "<b>c", "mimetype": "text/html"}, {"body": "c"}]}}),
            Some("<b>c"),
        ),
        // The body is the name here, and no caption.
        (
            json!({"msgtype": "m.image", "body": "a.png", "formatted_body": "<b>c", "url": "mxc://example.org/a"}),
            None,
        ),
    ] {
        let event = read(&event(content.clone()), None).expect("an event");
        let details = &event.media[0].details;
        assert_eq!(details.caption_html.as_deref(), html, "{content}");
    }
}
