//! Films and sounds: their pictures, and that a reader can go to any place in them.

use serde_json::json;

use super::scene::{Scene, attribute, png, token};

/// An event with a film or a sound of 100,000 bytes, and its picture.
async fn event(scene: &Scene, kind: &str, mimetype: &str) -> Vec<serde_json::Value> {
    let bytes: Vec<u8> = (0..100_000_u32).map(|n| n.to_le_bytes()[0]).collect();
    let (film, mut tokens) = scene.upload(bytes, mimetype).await;
    let (small, token) = scene.upload(png(32, 18), "image/png").await;
    for (hash, token) in token.as_object().expect("a map") {
        tokens[hash] = token.clone();
    }
    let content = json!({"msgtype": kind, "body": "a", "url": film, "content_token": tokens,
        "info": {"mimetype": mimetype, "w": 1920, "h": 1080, "size": 100_000, "thumbnail_url": small,
            "thumbnail_info": {"mimetype": "image/png", "w": 32, "h": 18, "size": 90}}});
    scene.links(content).await
}

#[tokio::test]
async fn a_film_has_its_poster_and_can_be_played_from_any_place() {
    let scene = Scene::new("").await;
    let links = event(&scene, "m.video", "video/mp4").await;
    let page = scene.page(&links[0]).await;
    let poster = attribute(&page, "<video", "poster").expect("a poster");
    assert!(poster.contains(&token(&links[1])), "{poster}");
    assert_eq!(attribute(&page, "<video", "width").as_deref(), Some("1920"));
    let picture = scene.get(&poster).await;
    assert_eq!(picture.status(), 200);
    let picture = picture.bytes().await.expect("whole");
    assert!(image::load_from_memory(&picture).is_ok());

    let film = attribute(&page, "<video", "src").expect("a film");
    for (range, begin, end) in [
        ("bytes=0-", 0, 99_999),
        ("bytes=70000-70009", 70_000, 70_009),
    ] {
        let request = scene.service.client.get(&film).header("Range", range);
        let part = request.send().await.expect("an answer");
        assert_eq!(part.status(), 206, "{range}");
        let told = format!("bytes {begin}-{end}/100000");
        assert_eq!(part.headers()["content-range"], told.as_str());
        let bytes = part.bytes().await.expect("the part");
        let expected: Vec<u8> = (begin..=end).map(|n: u32| n.to_le_bytes()[0]).collect();
        assert_eq!(bytes, expected, "{range}");
    }
    scene.service.stop().await;
}

#[tokio::test]
async fn a_sound_is_shown_with_its_picture() {
    let scene = Scene::new("").await;
    let links = event(&scene, "m.audio", "audio/ogg").await;
    let page = scene.page(&links[0]).await;
    let picture = attribute(&page, "<img class=\"cover\"", "src").expect("a picture");
    assert!(picture.contains(&token(&links[1])), "{picture}");
    let shown = attribute(&page, "<meta property=\"og:image\"", "content");
    assert_eq!(shown, Some(picture));

    let alone = scene.link("sound", json!({"mimetype": "audio/ogg"})).await;
    let page = scene.page(&alone).await;
    assert!(page.contains("<audio") && !page.contains("<img"), "{page}");
    scene.service.stop().await;
}
