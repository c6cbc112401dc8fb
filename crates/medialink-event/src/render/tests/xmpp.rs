use super::*;

fn elements(event: &SharedEvent) -> String {
    rendered(event).xmpp.expect("media")
}

fn thumbnail(details: MediaDetails) -> SharedMedia {
    media(
        "content.info.thumbnail_url",
        MediaKind::Thumbnail,
        "small",
        details,
    )
}

#[test]
fn a_file_is_told_in_both_ways() {
    let details = MediaDetails {
        caption: Some("a & b".to_owned()),
        duration_ms: Some(1500),
        ..cat()
    };
    let mut event = message("m.image", details);
    let small = MediaDetails {
        mimetype: Some("image/jpeg".to_owned()),
        width: Some(32),
        height: Some(24),
        ..MediaDetails::default()
    };
    event.media.push(thumbnail(small));
    assert_eq!(
        elements(&event),
        "<x xmlns=\"jabber:x:oob\"><url>https://m.example/m/main</url></x>\
         <file-sharing xmlns=\"urn:xmpp:sfs:0\" disposition=\"inline\">\
         <file xmlns=\"urn:xmpp:file:metadata:0\"><media-type>image/png</media-type><name>cat.png</name>\
         <size>340112</size><width>640</width><height>480</height><length>1500</length>\
         <desc>a &amp; b</desc>\
         <thumbnail xmlns=\"urn:xmpp:thumbs:1\" uri=\"https://m.example/m/small\" \
         media-type=\"image/jpeg\" width=\"32\" height=\"24\"/></file>\
         <sources><url-data xmlns=\"http://jabber.org/protocol/url-data\" \
         target=\"https://m.example/m/main\"/></sources></file-sharing>"
    );
    let file = elements(&message("m.file", cat()));
    assert!(file.contains("disposition=\"attachment\""), "{file}");
}

#[test]
fn what_is_warned_of_is_not_shown_unasked() {
    for (reason, spoiler) in [
        (None, "<spoiler xmlns=\"urn:xmpp:spoiler:0\"/>"),
        (
            Some("a<b"),
            "<spoiler xmlns=\"urn:xmpp:spoiler:0\">a&lt;b</spoiler>",
        ),
    ] {
        let details = MediaDetails {
            warning: warning(reason),
            ..cat()
        };
        let mut event = message("m.image", details);
        event.media.push(media(
            "content.info.thumbnail_url",
            MediaKind::Thumbnail,
            "small",
            MediaDetails::default(),
        ));
        let xml = elements(&event);
        assert!(xml.starts_with(spoiler), "{xml}");
        assert!(xml.contains("disposition=\"attachment\""), "{xml}");
        assert!(
            !xml.contains("thumbnail") && !xml.contains("jabber:x:oob"),
            "{xml}"
        );
    }
}

#[test]
fn what_parsers_refuse_or_write_elsewhere_is_left_out() {
    let mut event = message("m.image", cat());
    event.media[0].details.filename = Some("../..\\x/cat.png".to_owned());
    let small = MediaDetails {
        width: Some(65_536),
        height: Some(65_535),
        ..MediaDetails::default()
    };
    event.media.push(thumbnail(small));
    let xml = elements(&event);
    assert!(xml.contains("<name>.._.._x_cat.png</name>"), "{xml}");
    event.media[0].details.filename = Some(". .".to_owned());
    assert!(elements(&event).contains("<name>image.png</name>"));
    event.media[0].details.mimetype = None;
    assert!(!elements(&event).contains("<name>"));
    event.media[0].details.mimetype = Some("image/png".to_owned());
    assert!(
        xml.contains("uri=\"https://m.example/m/small\" height=\"65535\"/>"),
        "{xml}"
    );
}

#[test]
fn several_have_ids_and_one_is_out_of_band() {
    let xml = elements(&gallery(&[("m.image", "a"), ("m.file", "b")]));
    assert_eq!(xml.matches("<url>").count(), 1, "{xml}");
    for part in [
        "id=\"file-1\"",
        "id=\"file-2\"",
        "target=\"https://m.example/m/b\"",
    ] {
        assert!(xml.contains(part), "{part}: {xml}");
    }
}

#[test]
fn without_media_there_is_nothing() {
    let mut event = event("m.room.message", json!({"body": "a"}));
    event.media = vec![media(
        "content.formatted_body[0]",
        MediaKind::InlineImage,
        "a",
        MediaDetails::default(),
    )];
    assert_eq!(rendered(&event).xmpp, None);
}
