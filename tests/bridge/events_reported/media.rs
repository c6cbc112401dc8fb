use support::url;

use super::*;

#[tokio::test]
async fn media_without_a_usable_address_is_still_told() {
    let world = World::new().await;
    let service = world.service("usage: {mode: never}").await;
    let long = format!("mxc://example.org/{}", "a".repeat(300));
    for (name, value, problem) in [
        ("url", json!(""), "has to begin with mxc://"),
        (
            "url",
            json!("https://example.org/a.png"),
            "has to begin with mxc://",
        ),
        ("url", json!("mxc://example.org/"), "is empty"),
        ("url", json!(long), "longer"),
        ("url", json!(null), "is missing"),
        ("url", json!(["x"]), "has to be a text"),
        ("none", json!(1), "is missing"),
        ("file", json!({"url": 5}), "has to be a text"),
        ("file", json!("x"), "has to be an object"),
    ] {
        let mut content = json!({"msgtype": "m.image", "body": "a.png", "info": {}});
        content[name] = value;
        let answer = answer_to(&service, "m.room.message", &content).await;
        assert_eq!(answer["text"], "alice sent an image: a.png", "{content}");
        assert_eq!(answer["html"], "sent an image: a.png", "{content}");
        let [entry] = answer["links"].as_array().expect("a list").as_slice() else {
            panic!("one entry: {answer}");
        };
        assert_eq!(
            (&entry["kind"], &entry["link"]),
            (&json!("file"), &json!(null))
        );
        let path = entry["path"].as_str().expect("a path");
        assert!(
            path == "content.url" || path.starts_with("content.file"),
            "{path}"
        );
        let error = &entry["error"];
        assert_eq!(
            (&error["errcode"], &error["status"]),
            (&json!("M_INVALID_PARAM"), &json!(400))
        );
        let told = error["error"].as_str().expect("a text");
        assert!(told.starts_with(path) && told.contains(problem), "{told}");
    }
    service.stop().await;
}

#[tokio::test]
async fn stickers_and_galleries_without_a_usable_address_are_told() {
    let world = World::new().await;
    let service = world.service("usage: {mode: never}").await;
    let sticker = json!({"body": "party", "url": ""});
    let answer = answer_to(&service, "m.sticker", &sticker).await;
    assert_eq!(answer["text"], "alice sent a sticker: party");
    let item = |id: &str| json!({"itemtype": "m.image", "body": "a.png", "url": id});
    let items = [
        item("mxc://example.org/a"),
        item("b"),
        item("mxc://example.org/c"),
    ];
    let gallery = json!({"msgtype": "dm.filament.gallery", "body": "x", "itemtypes": items});
    let answer = answer_to(&service, "m.room.message", &gallery).await;
    assert_eq!(answer["links"][1]["path"], "content.itemtypes[1].url");
    assert_eq!(answer["links"][1]["error"]["status"], 400);
    assert!(
        answer["text"]
            .as_str()
            .is_some_and(|text| text.starts_with("alice sent 3 images"))
    );
    // These have an address, or need none.
    for (event_type, content) in [
        (
            "m.room.message",
            json!({"msgtype": "m.text", "body": "x", "url": ""}),
        ),
        ("m.room.avatar", json!({"url": ""})),
        ("m.sticker", json!({})),
        (
            "m.room.message",
            json!({"msgtype": "m.image", "body": "x", "url": "", "m.file": {"url": "mxc://example.org/a"}}),
        ),
    ] {
        let answer = answer_to(&service, event_type, &content).await;
        let links = answer["links"].as_array().expect("a list");
        assert!(
            links.iter().all(|entry| entry.get("error").is_none()),
            "{answer}"
        );
    }
    service.stop().await;
}

#[tokio::test]
async fn names_have_the_extensions_of_their_types() {
    let url = |url| Expected {
        url: Some(url),
        ..Expected::default()
    };
    let mut voice = medium("m.audio", "Voice message", "audio/ogg; codecs=opus");
    voice["org.matrix.msc3245.voice"] = json!({});
    let mut nameless = medium("m.image", "", "image/webp");
    nameless["body"] = json!(null);
    let long = "x".repeat(300);
    let reports = vec![
        (medium("m.video", "Video", "video/mp4"), url("/Video.mp4")),
        (voice, url("/Voice%20message.ogg")),
        (
            medium("m.file", "server-config", "application/octet-stream"),
            url("/server-config"),
        ),
        (
            medium("m.file", "v1.2 notes", "application/pdf"),
            url("/v1.2%20notes.pdf"),
        ),
        (
            medium("m.file", "archive.tar.gz", "application/gzip"),
            url("/archive.tar.gz"),
        ),
        (medium("m.file", ".bashrc", "text/plain"), url("/.bashrc")),
        (medium("m.image", "cat.PNG", "image/jpeg"), url("/cat.PNG")),
        (medium("m.image", "image", "IMAGE/JPG"), url("/image.jpg")),
        (medium("m.audio", &long, "audio/x-m4a"), url("x.m4a")),
        (nameless, url("/image.webp")),
    ];
    all_are_answered("m.room.message", reports).await;
}

#[tokio::test]
async fn the_name_of_an_answer_has_the_extension_too() {
    let world = World::new().await;
    let service = world.service("usage: {mode: never}").await;
    let (mxc, token) = world.upload("sound", "audio/ogg").await;
    let link = json!({"mxc": mxc, "content_token": token, "room_id": world.room_id, "filename": "Voice message", "mimetype": "audio/ogg"});
    let link = service.issue(link).await;
    assert!(url(&link).ends_with("/Voice%20message.ogg"), "{link}");
    let response = service.follow(&link).await;
    let disposition = response.headers()["content-disposition"]
        .to_str()
        .expect("text");
    assert!(
        disposition.ends_with("filename=\"Voice message.ogg\""),
        "{disposition}"
    );
    service.stop().await;
}

#[tokio::test]
async fn stickers_that_are_no_pictures_are_links() {
    let sticker = |mimetype: Option<&str>| {
        let mut sticker =
            json!({"body": "party", "url": "mxc://example.org/pic1", "info": {"w": 512, "h": 512}});
        if let Some(mimetype) = mimetype {
            sticker["info"]["mimetype"] = json!(mimetype);
        }
        sticker
    };
    let expected = |html, xmpp| Expected {
        text: &["alice sent a sticker: party http"],
        html,
        xmpp,
        ..Expected::default()
    };
    let link: &[&str] = &["!<img", ">party</a>"];
    let attachment: &[&str] = &["!disposition=\"inline\"", "disposition=\"attachment\""];
    let inline: &[&str] = &["disposition=\"inline\""];
    let named: &[&str] = &["<name>party.webm</name>", "disposition=\"inline\""];
    let mut reports = vec![
        (sticker(Some("video/webm")), expected(link, named)),
        (sticker(None), expected(&["<img"], inline)),
        (sticker(Some("IMAGE/WEBP")), expected(&["<img"], inline)),
    ];
    for mimetype in [
        "application/x-tgsticker",
        "application/json",
        "application/gzip",
        "video/lottie+json",
        "application/octet-stream",
    ] {
        reports.push((sticker(Some(mimetype)), expected(link, attachment)));
    }
    all_are_answered("m.sticker", reports).await;
}

#[tokio::test]
async fn types_are_told_by_their_one_name() {
    let expected = |text, html, xmpp| Expected {
        text,
        html,
        xmpp,
        ..Expected::default()
    };
    let reports = vec![
        (
            medium("m.image", "a.gif", "IMAGE/GIF"),
            expected(
                &["sent a GIF"],
                &["<img"],
                &["<media-type>image/gif</media-type>"],
            ),
        ),
        (
            medium("m.file", "a.m4a", "Audio/X-M4A"),
            expected(
                &["sent a file"],
                &["!<img"],
                &["<media-type>audio/mp4</media-type>"],
            ),
        ),
        (
            json!({"body": "x", "url": "mxc://example.org/a", "info": {"mimetype": "audio/m4a"}}),
            expected(&["sent an audio file"], &[], &["disposition=\"inline\""]),
        ),
        (
            medium("m.image", "a.jpg", "image/pjpeg; x=y"),
            expected(
                &["sent an image"],
                &["<img"],
                &["<media-type>image/jpeg; x=y</media-type>"],
            ),
        ),
        (
            medium("m.image", "a.pdf", "application/pdf"),
            expected(
                &["sent an image"],
                &["!<img", ">a.pdf</a>"],
                &["!\"inline\""],
            ),
        ),
        (
            message(
                json!({"body": "x", "formatted_body": "<img src='&#109;xc://example.org/e' alt=':e:'><!-- <img src='mxc://example.org/f'> -->"}),
            ),
            expected(&["alice: x"], &["<img alt=\":e:\" src=\"http"], &[]),
        ),
    ];
    all_are_answered("m.room.message", reports).await;
}
