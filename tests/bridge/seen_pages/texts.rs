//! Text files: their first lines in place, as text and as nothing else.

use serde_json::json;

use super::scene::Scene;

async fn page(scene: &Scene, bytes: impl Into<Vec<u8>>, mimetype: &str, name: &str) -> String {
    let bytes: Vec<u8> = bytes.into();
    let fields = json!({"mimetype": mimetype, "filename": name, "size": bytes.len()});
    scene.page(&scene.link(bytes, fields).await).await
}

#[tokio::test]
async fn the_lines_of_a_file_are_shown_as_text() {
    let scene = Scene::new("").await;
    let page_of = |bytes: &'static [u8], mimetype, name| page(&scene, bytes, mimetype, name);
    let plain = page_of(b"one\n<b>two</b>\n", "text/plain", "a.txt").await;
    assert!(
        plain.contains("<div id=\"L2\">") && plain.contains("&#60;b&#62;two"),
        "{plain}"
    );
    assert!(plain.contains(">Raw text</a>"), "{plain}");
    for (bytes, mimetype, name) in [
        (&b"<script>alert(1)</script>"[..], "text/html", "a.html"),
        (b"<svg onload='alert(1)'/>", "text/xml", "a.xml"),
        (
            b"<script>alert(1)</script>",
            "application/javascript",
            "a.bin",
        ),
    ] {
        let page = support::without_own_script(&page_of(bytes, mimetype, name).await);
        assert!(page.contains("<div id=\"L1\">"), "{page}");
        assert!(
            !page.contains("<script") && !page.contains("<svg onload"),
            "{page}"
        );
        // It would be saved.
        assert!(!page.contains(">Raw text</a>"), "{page}");
    }
    let latin = page_of(b"caf\xe9\n", "text/plain; charset=iso-8859-1", "a.txt").await;
    assert!(latin.contains("café"), "{latin}");
    scene.service.stop().await;
}

#[tokio::test]
async fn a_long_file_is_cut_or_left_out() {
    let scene = Scene::new("").await;
    let long = format!("{}\n", "x".repeat(999));
    let cut = page(&scene, long.repeat(200), "text/plain", "a.txt").await;
    assert!(
        cut.contains("This page shows the first 131 lines"),
        "{}",
        cut.len()
    );
    let before = scene.world.requests("media.download").await;
    let longer = page(&scene, long.repeat(1100), "text/plain", "a.txt").await;
    assert!(!longer.contains("<div id=\"L1\">"), "{}", longer.len());
    assert_eq!(scene.world.requests("media.download").await, before);
    let not_told = json!({"mimetype": "text/plain", "filename": "a.txt"});
    let not_told = scene.page(&scene.link("one\n", not_told).await).await;
    assert!(!not_told.contains("<div id=\"L1\">"), "{not_told}");
    assert_eq!(scene.world.requests("media.download").await, before);
    scene.service.stop().await;
}

#[tokio::test]
async fn what_is_hidden_or_limited_or_no_text_is_not_shown() {
    let scene = Scene::new("").await;
    let limited = json!({"mimetype": "text/plain", "size": 7, "max_follows": 2});
    let limited = scene.link("secret\n", limited).await;
    assert!(!scene.page(&limited).await.contains("secret"));
    let (mxc, tokens) = scene.upload("secret\n", "text/plain").await;
    let hidden = json!({"msgtype": "m.file", "body": "a.txt", "url": mxc, "content_token": tokens,
        "m.spoiler": true, "info": {"mimetype": "text/plain", "size": 7}});
    let hidden = &scene.links(hidden).await[0];
    assert!(!scene.page(hidden).await.contains("secret"));
    let binary = page(&scene, &b"\x7fELF\0\0\0"[..], "text/plain", "a.txt").await;
    assert!(!binary.contains("<div id=\"L1\">"), "{binary}");
    scene.service.stop().await;
}

#[tokio::test]
async fn a_document_is_a_card() {
    let scene = Scene::new("").await;
    let card = page(&scene, "%PDF-1.7", "application/pdf", "book.pdf").await;
    assert!(card.contains("<p>PDF document · 8"), "{card}");
    assert!(
        card.contains("download=\"book.pdf\"") && !card.contains("<embed"),
        "{card}"
    );
    scene.service.stop().await;
}
