use super::*;

fn text_of(event: &SharedEvent) -> String {
    rendered(event).text
}

#[test]
fn the_default_says_what_it_is_its_name_its_size_and_the_link() {
    assert_eq!(
        text_of(&message("m.image", cat())),
        "alice sent an image: cat.png (332 KiB) https://m.example/m/main"
    );
}

#[test]
fn each_kind_has_its_words() {
    let details = |mimetype: &str| MediaDetails {
        mimetype: Some(mimetype.to_owned()),
        ..MediaDetails::default()
    };
    let voice = MediaDetails {
        is_voice: true,
        filename: Some("Voice message.ogg".to_owned()),
        size: Some(12_000),
        duration_ms: Some(42_000),
        ..MediaDetails::default()
    };
    for (event, words) in [
        (message("m.image", details("")), "sent an image"),
        (message("m.image", details("image/gif")), "sent a GIF"),
        (message("m.video", details("image/gif")), "sent a video"),
        (message("m.audio", details("")), "sent an audio file"),
        (
            message("m.audio", voice),
            "sent a voice message (12 KiB, 0:42)",
        ),
        (message("m.file", details("image/png")), "sent a file"),
        (
            message("org.example", details("image/png")),
            "sent an image",
        ),
        (message("org.example", details("video/mp4")), "sent a video"),
        (message("org.example", details("text/html")), "sent a file"),
    ] {
        assert_eq!(
            text_of(&event),
            format!("alice {words} https://m.example/m/main")
        );
    }
}

#[test]
fn stickers_avatars_and_edits_are_told_as_such() {
    let shares = |event_type: &str, kind, details| {
        let mut event = event(event_type, json!({"body": "wave"}));
        event.media = vec![media("content.url", kind, "main", details)];
        event
    };
    let named = || MediaDetails {
        caption: Some("wave".to_owned()),
        ..MediaDetails::default()
    };
    for (event, words) in [
        (
            shares("m.sticker", MediaKind::Sticker, named()),
            "sent a sticker: wave",
        ),
        (
            shares("m.room.member", MediaKind::Avatar, MediaDetails::default()),
            "changed their avatar",
        ),
        (
            shares("m.room.avatar", MediaKind::Avatar, MediaDetails::default()),
            "changed the room's avatar",
        ),
    ] {
        let mut event = event;
        event.changes_avatar = true;
        assert_eq!(
            text_of(&event),
            format!("alice {words} https://m.example/m/main")
        );
    }
    let mut edit = message("m.image", cat());
    edit.is_edit = true;
    assert!(text_of(&edit).starts_with("alice edited an image: cat.png"));
}

#[test]
fn an_avatar_that_nobody_changes_is_not_told() {
    let profile = "content.com.beeper.per_message_profile.avatar_url";
    for (event_type, path, changes_avatar, text) in [
        ("m.room.message", profile, false, "alice: hi"),
        ("m.room.message", "content.avatar_url", false, "alice: hi"),
        ("m.room.member", "content.avatar_url", false, ""),
        ("m.room.member", "content.other.avatar_url", true, ""),
        ("m.room.avatar", "content.url", false, ""),
    ] {
        let words = match event_type {
            "m.room.message" => json!({"msgtype": "m.text", "body": "hi"}),
            _ => json!({}),
        };
        let mut event = event(event_type, words);
        event.changes_avatar = changes_avatar;
        event.media = vec![media(
            path,
            MediaKind::Avatar,
            "main",
            MediaDetails::default(),
        )];
        let all = rendered(&event);
        assert_eq!((all.text.as_str(), all.xmpp), (text, None), "{path}");
        assert!(!all.html.contains("m.example"), "{}", all.html);
    }
}

#[test]
fn a_gallery_says_its_own_words_and_those_of_its_items() {
    for ids in [
        &[("m.image", "a")][..],
        &[("m.image", "a"), ("m.image", "b")],
    ] {
        let mut event = gallery(ids);
        event.content["formatted_body"] = "our <b>holiday</b>".into();
        event.media[0].details.filename = Some("a.png".to_owned());
        event.media[0].details.caption = Some("he dies".to_owned());
        event.media[0].details.caption_html =
            Some("he <span data-mx-spoiler>dies</span>".to_owned());
        let all = rendered(&event);
        assert!(
            all.text
                .contains(" - our / holiday / he [spoiler] https://"),
            "{}",
            all.text
        );
        assert!(
            all.html.contains("<div>our <b>holiday</b></div>"),
            "{}",
            all.html
        );
        assert!(
            all.html
                .contains("<div>he <span data-mx-spoiler=\"\">dies</span></div>"),
            "{}",
            all.html
        );
        let xmpp = all.xmpp.expect("media");
        assert!(xmpp.contains("<desc>he [spoiler]</desc>"), "{xmpp}");
    }
}

#[test]
fn an_extensible_event_is_called_by_its_type() {
    for (event_type, noun) in [
        ("m.image", "an image"),
        ("org.matrix.msc1767.video", "a video"),
        ("m.audio", "an audio file"),
        ("m.voice", "a voice message"),
        ("org.matrix.msc3245.voice.v2", "a voice message"),
        ("m.file", "a file"),
    ] {
        let mut event = event(event_type, json!({"m.text": [{"body": "fallback"}]}));
        let path = "content.m.file.url";
        event.media = vec![media(
            path,
            MediaKind::File,
            "main",
            MediaDetails::default(),
        )];
        assert_eq!(
            text_of(&event),
            format!("alice sent {noun} https://m.example/m/main")
        );
    }
}

#[test]
fn a_location_is_told_with_its_place() {
    let content =
        json!({"msgtype": "m.location", "body": "The town hall", "geo_uri": "geo:51.5,-0.1"});
    let all = rendered(&event("m.room.message", content));
    assert_eq!(all.text, "alice: The town hall (geo:51.5,-0.1)");
    assert_eq!(all.html, "The town hall (geo:51.5,-0.1)");
}

#[test]
fn a_caption_is_told_in_one_line() {
    let mut details = cat();
    details.caption = Some("look\r\nQUIT :x\u{2028}\u{1}end".to_owned());
    let text = text_of(&message("m.image", details));
    let words = "cat.png (332 KiB) - look / QUIT :x / end https://";
    assert!(text.contains(words), "{text}");
}

#[test]
fn a_gallery_has_each_link_once() {
    let alike = gallery(&[("m.image", "a"), ("m.image", "b"), ("m.image", "a")]);
    assert_eq!(
        text_of(&alike),
        "alice sent 2 images - our / holiday https://m.example/m/a https://m.example/m/b"
    );
    let mixed = gallery(&[("m.image", "a"), ("m.video", "b")]);
    assert!(text_of(&mixed).starts_with("alice sent 2 files - "));
}

#[test]
fn a_thumbnail_is_linked_only_in_the_place_of_its_medium() {
    let with = |main: &str| {
        let mut event = message("m.video", MediaDetails::default());
        event.media = vec![
            media(
                "content.file.url",
                MediaKind::File,
                main,
                MediaDetails::default(),
            ),
            media(
                "content.info.thumbnail_file.url",
                MediaKind::Thumbnail,
                "small",
                MediaDetails::default(),
            ),
        ];
        text_of(&event)
    };
    assert_eq!(with("main"), "alice sent a video https://m.example/m/main");
    assert_eq!(
        with("refused"),
        "alice sent a video [thumbnail only] https://m.example/m/small"
    );
    let refused = message("m.image", cat());
    let template = TextTemplate::default();
    let style = RenderStyle {
        template: &template,
        max_bytes: None,
        sender_name: "",
        network: "",
    };
    let text = render(&refused, &[], &style).text;
    assert_eq!(text, "@alice:example.org sent an image: cat.png (332 KiB)");
}

#[test]
fn warnings_stand_before_the_link() {
    for (reason, words) in [
        (None, "[spoiler] "),
        (Some("\n"), "[content warning] "),
        (
            Some("blood\nand more"),
            "[content warning: blood and more] ",
        ),
    ] {
        let details = MediaDetails {
            warning: warning(reason),
            ..cat()
        };
        let text = text_of(&message("m.image", details));
        assert!(text.ends_with(&format!("{words}{}", url("main"))), "{text}");
    }
}

#[test]
fn messages_without_media_are_told_too() {
    let emoji = json!({"msgtype": "m.text", "body": "hi :wave:", "formatted_body": "hi <img src='mxc://example.org/a' alt=':wave:'>"});
    let spoiler = json!({"body": "he dies", "formatted_body": "<mx-reply>x</mx-reply>he <span data-mx-spoiler='end'>d<span>ie</span>s</span><br>!"});
    let poll = json!({"m.poll": {"question": {"body": "Q"}, "answers": [{"body": "A"}, {"body": "B\nC"}]}});
    for (content, with_sender, without) in [
        (json!({"body": "a\nb"}), "alice: a / b", "a / b"),
        (
            json!({"msgtype": "m.emote", "body": "waves"}),
            "* alice waves",
            "waves",
        ),
        (emoji, "alice: hi :wave:", "hi :wave:"),
        (
            spoiler,
            "alice: he [spoiler: end] / !",
            "he [spoiler: end] / !",
        ),
        (
            poll,
            "alice started a poll: Q - A / B C",
            "poll: Q - A / B C",
        ),
        (json!({"body": " \n"}), "", ""),
        (
            json!({"m.relates_to": {"rel_type": "m.annotation", "key": "x"}}),
            "",
            "",
        ),
    ] {
        let mut event = event("m.room.message", content);
        event.media = vec![
            media(
                "content.formatted_body[0]",
                MediaKind::InlineImage,
                "a",
                MediaDetails::default(),
            ),
            media(
                "content.previews[0].image",
                MediaKind::Other,
                "b",
                MediaDetails::default(),
            ),
        ];
        assert_eq!(text_of(&event), with_sender);
        assert_eq!(rendered_as(&event, "{what} {url}", None).text, without);
    }
    let mut edit = event("m.room.message", json!({"body": "a"}));
    edit.is_edit = true;
    assert_eq!(text_of(&edit), "alice: [edited] a");
}

#[test]
fn a_hidden_part_of_a_caption_stays_hidden() {
    let details = MediaDetails {
        caption: Some("he dies".to_owned()),
        ..cat()
    };
    let mut event = message("m.image", details);
    event.media[0].details.caption_html = Some("he <span DATA-MX-Spoiler>dies</span>".to_owned());
    let all = rendered(&event);
    assert!(all.text.contains("- he [spoiler] https://"), "{}", all.text);
    assert!(
        all.html.contains("<span data-mx-spoiler=\"\">dies</span>"),
        "{}",
        all.html
    );
    let xmpp = all.xmpp.expect("media");
    assert!(xmpp.contains("<desc>he [spoiler]</desc>"), "{xmpp}");
}

#[test]
fn the_operator_has_the_word() {
    let details = MediaDetails {
        duration_ms: Some(61_000),
        caption: Some("c".to_owned()),
        ..cat()
    };
    let event = message("m.video", details);
    let template =
        r"\[{network}\] {url} {what}, {name}, {size}, {dimensions}, {duration}, {type}, {caption}";
    assert_eq!(
        rendered_as(&event, template, None).text,
        "[Libera.Chat] https://m.example/m/main a video, cat.png, 332 KiB, 640x480, 1:01, image/png, c"
    );
}

#[test]
fn a_text_is_shortened_in_order_and_never_its_link() {
    let details = MediaDetails {
        filename: Some("a-rather-long-name.png".to_owned()),
        caption: Some("a caption of some length".to_owned()),
        warning: warning(Some("blood")),
        ..MediaDetails::default()
    };
    let event = message("m.image", details);
    let mark = "[content warning: blood] https://m.example/m/main";
    for (max_bytes, text) in [
        (
            200,
            format!(
                "alice sent an image: a-rather-long-name.png - a caption of some length {mark}"
            ),
        ),
        (
            110,
            format!("alice sent an image: a-rather-long-name.png - a caption o… {mark}"),
        ),
        (
            95,
            format!("alice sent an image: a-rather-long-name.png {mark}"),
        ),
        (85, format!("alice sent an image: a-rathe….png {mark}")),
        (71, format!("alice sent an image {mark}")),
        (68, format!("a… sent an image {mark}")),
        (63, format!("sent an image {mark}")),
        (60, mark.to_owned()),
        (48, format!("[!] {}", url("main"))),
        (27, url("main")),
        (10, url("main")),
    ] {
        let shortened = rendered_as(
            &event,
            "{sender} {action}[: {name}][ - {caption}] {url}",
            Some(max_bytes),
        );
        assert_eq!(shortened.text, text, "{max_bytes}");
    }
    let words = super::event(
        "m.room.message",
        json!({"body": "a message of some length"}),
    );
    assert_eq!(
        rendered_as(&words, "{sender} {url}", Some(20)).text,
        "alice: a message…"
    );
}

#[test]
fn a_gallery_that_does_not_fit_says_how_many_are_missing() {
    let event = gallery(&[
        ("m.image", "a"),
        ("m.image", "b"),
        ("m.image", "c"),
        ("m.image", "d"),
    ]);
    for (max_bytes, text) in [
        (
            200,
            "alice sent 4 images - our / holiday https://m.example/m/a https://m.example/m/b https://m.example/m/c https://m.example/m/d",
        ),
        (
            80,
            "alice sent 4 images https://m.example/m/a https://m.example/m/b (and 2 more)",
        ),
        (56, "alice sent 4 images https://m.example/m/a (and 3 more)"),
        (30, "https://m.example/m/a"),
    ] {
        let shortened = rendered_with(&event, &TextTemplate::default(), Some(max_bytes), "alice");
        assert_eq!(shortened.text, text, "{max_bytes}");
    }
}
