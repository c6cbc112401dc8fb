//! What messengers and social networks show of a page: a small picture with its sides, and nothing
//! that is not to be seen unasked.

use std::{
    io::Cursor,
    sync::atomic::{AtomicU32, Ordering},
};

use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use reqwest::Method;
use serde_json::{Value, json};
use support::{Service, World, encrypted::encrypted_file, eventually, url};

/// A picture that is hard to compress.
fn picture(width: u32, height: u32, format: ImageFormat) -> Vec<u8> {
    let mut state = 1_u32;
    let pixels = RgbImage::from_fn(width, height, |_, _| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let [a, b, c, _] = state.to_be_bytes();
        Rgb([a, b, c])
    });
    let mut bytes = Cursor::new(Vec::new());
    let image = DynamicImage::ImageRgb8(pixels);
    image.write_to(&mut bytes, format).expect("encodes");
    bytes.into_inner()
}

async fn page(service: &Service, link: &Value) -> String {
    let page = link["page_url"].as_str().expect("a page");
    let answer = service.client.get(page).header("Accept", "text/html");
    let answer = answer.send().await.expect("an answer");
    assert_eq!(answer.status(), 200);
    answer.text().await.expect("a page")
}

/// The value of an OpenGraph property.
fn property(page: &str, name: &str) -> Option<String> {
    let start = format!("<meta property=\"{name}\" content=\"");
    let (_, rest) = page.split_once(&start)?;
    let (value, _) = rest.split_once('"')?;
    Some(value.replace("&#38;", "&"))
}

fn sides(page: &str) -> Option<(u32, u32)> {
    let side = |name| property(page, name)?.parse().ok();
    side("og:image:width").zip(side("og:image:height"))
}

/// The sides of the picture at an address.
async fn sides_at(service: &Service, address: &str) -> (u32, u32) {
    let answer = service.client.get(address).send().await.expect("an answer");
    assert_eq!(answer.status(), 200, "{address}");
    let bytes = answer.bytes().await.expect("whole");
    let image = image::load_from_memory(&bytes).expect("an image");
    (image.width(), image.height())
}

async fn linked(service: &Service, world: &World, content: Value) -> Vec<Value> {
    static EVENTS: AtomicU32 = AtomicU32::new(0);
    let event_id = format!("$e{}", EVENTS.fetch_add(1, Ordering::Relaxed));
    let event = json!({"type": "m.room.message", "room_id": world.room_id, "event_id": event_id, "sender": "@alice:example.org", "content": content});
    let body = json!({ "event": event });
    let (status, answer) = service.call(Method::POST, "/v1/events", &body).await;
    assert_eq!(status, 200, "{answer}");
    let links = answer["links"].as_array().expect("links").iter();
    links.map(|entry| entry["link"].clone()).collect()
}

fn token(link: &Value) -> String {
    url(link).split('/').nth(4).expect("a token").to_owned()
}

#[tokio::test]
async fn a_large_picture_is_previewed_by_its_thumbnail() {
    let world = World::new().await;
    let service = world.service("usage: {mode: never}").await;
    for (format, mimetype) in [
        (ImageFormat::Jpeg, "image/jpeg"),
        (ImageFormat::Png, "image/png"),
        (ImageFormat::WebP, "IMAGE/WEBP"),
    ] {
        let bytes = picture(1000, 700, format);
        assert!(bytes.len() > 300_000);
        let uploaded = mimetype.to_ascii_lowercase();
        let (mxc, secret) = world.upload(bytes, &uploaded).await;
        for told in [Some(mimetype), None] {
            let mut link = json!({"mxc": mxc, "content_token": secret, "room_id": world.room_id, "event_id": told});
            if let Some(told) = told {
                link["event_id"] = json!("$e");
                link["mimetype"] = json!(told);
            }
            let link = service.issue(link).await;
            let page = page(&service, &link).await;
            assert!(page.contains("<img"), "{page}");
            let preview = property(&page, "og:image").expect("a preview");
            assert!(
                preview.contains(&format!("/t/{}?width=", token(&link))),
                "{preview}"
            );
            // This homeserver gives the picture itself.
            assert_eq!(sides_at(&service, &preview).await, (1000, 700));
            assert_eq!(sides(&page), Some((1000, 700)));
            assert_eq!(property(&page, "og:image:type"), Some(uploaded.clone()));
        }
    }
    service.stop().await;
}

#[tokio::test]
async fn a_page_knows_types_in_any_case_and_by_their_other_names() {
    let world = World::new().await;
    let service = world.service("usage: {mode: never}").await;
    let small = picture(20, 10, ImageFormat::Png);
    for (reported, told, element) in [
        ("IMAGE/PNG", None, "<img"),
        ("image/x-png", None, "<img"),
        ("application/octet-stream", Some("Image/X-PNG; x=y"), "<img"),
        ("audio/mp4", Some("audio/x-m4a"), "<audio"),
        ("video/mp4", Some("VIDEO/X-M4V"), "<video"),
    ] {
        let (mxc, secret) = world.upload(small.clone(), reported).await;
        let mut link = json!({"mxc": mxc, "content_token": secret, "room_id": world.room_id, "size": small.len()});
        if let Some(told) = told {
            link["mimetype"] = json!(told);
        }
        let page = page(&service, &service.issue(link).await).await;
        assert!(page.contains(element), "{reported} {told:?}: {page}");
        assert_eq!(
            page.contains("og:image"),
            element == "<img",
            "{reported} {told:?}"
        );
    }
    service.stop().await;
}

#[tokio::test]
async fn the_sides_of_a_preview_follow_from_the_event() {
    let world = World::new().await;
    let service = world.service("usage: {mode: never}").await;
    let image = |w: u32, h: u32, size: u64| json!({"msgtype": "m.image", "body": "a.jpg", "url": "mxc://example.org/a", "info": {"mimetype": "image/jpg", "w": w, "h": h, "size": size}});
    for (w, h, size, route, told) in [
        (4000, 3000, 4_718_592, "/t/", (800, 600)),
        (1000, 4000, 4_718_592, "/t/", (150, 600)),
        (4000, 3000, 200_000, "/t/", (800, 600)),
        (640, 480, 400_000, "/t/", (640, 480)),
        (1000, 800, 200_000, "/m/", (1000, 800)),
    ] {
        let links = linked(&service, &world, image(w, h, size)).await;
        let page = page(&service, &links[0]).await;
        let preview = property(&page, "og:image").expect("a preview");
        assert!(
            preview.contains(&format!("{route}{}", token(&links[0]))),
            "{w}x{h} {preview}"
        );
        assert_eq!(sides(&page), Some(told), "{w}x{h}");
        assert!(page.contains("summary_large_image"));
    }
    service.stop().await;
    let service = world
        .service("usage: {mode: never}\nmedia: {thumbnails: []}")
        .await;
    let links = linked(&service, &world, image(4000, 3000, 4_718_592)).await;
    let page = page(&service, &links[0]).await;
    assert!(
        page.contains("<img") && !page.contains("og:image"),
        "{page}"
    );
    service.stop().await;
}

#[tokio::test]
async fn a_film_is_previewed_by_the_thumbnail_of_its_event_or_not_at_all() {
    let world = World::new().await;
    let service = world.service("usage: {mode: never}").await;
    let (film, film_token) = world.upload("film", "video/mp4").await;
    let hash = |mxc: &str| {
        medialink_link::matrix::MxcUri::parse(mxc)
            .expect("a URI")
            .hash()
    };
    for (sides_of_small, size, route, told) in [
        ((320, 180), 20_000, "/m/", (320, 180)),
        ((1920, 1080), 900_000, "/t/", (800, 450)),
    ] {
        let (w, h) = sides_of_small;
        let (small, small_token) = world
            .upload(picture(32, 18, ImageFormat::Jpeg), "image/jpeg")
            .await;
        let content = json!({"msgtype": "m.video", "body": "a.mp4", "url": film, "info": {"mimetype": "video/mp4",
            "thumbnail_url": small, "thumbnail_info": {"mimetype": "image/jpeg", "w": w, "h": h, "size": size}},
            "content_token": {(hash(&film)): film_token, (hash(&small)): small_token}});
        let mut event = json!({"type": "m.room.message", "room_id": world.room_id, "event_id": format!("$of-{w}"), "content": content});
        let body = json!({ "event": event });
        let (_, answer) = service.call(Method::POST, "/v1/events", &body).await;
        let link = |n: usize| &answer["links"][n]["link"];
        let film_page = page(&service, link(0)).await;
        let preview = property(&film_page, "og:image").expect("a preview");
        assert!(
            preview.contains(&format!("{route}{}", token(link(1)))),
            "{preview}"
        );
        assert_eq!(sides(&film_page), Some(told));
        assert!(
            property(&film_page, "og:video").is_some_and(|film| film.contains(&token(link(0))))
        );

        // Hidden is hidden.
        event["content"]["m.spoiler"] = json!(true);
        event["event_id"] = json!(format!("$hidden-{w}"));
        let (_, answer) = service
            .call(Method::POST, "/v1/events", &json!({ "event": event }))
            .await;
        let hidden = page(&service, &answer["links"][0]["link"]).await;
        assert!(
            !hidden.contains("og:image") && !hidden.contains("og:video"),
            "{hidden}"
        );
    }
    // No thumbnail of the event, and the homeserver has none.
    let link = json!({"mxc": film, "content_token": film_token, "room_id": world.room_id, "mimetype": "video/mp4"});
    let film_page = page(&service, &service.issue(link).await).await;
    assert!(
        film_page.contains("og:video") && !film_page.contains("og:image"),
        "{film_page}"
    );
    service.stop().await;
}

#[tokio::test]
async fn a_gallery_lends_no_picture_to_another_of_its_things() {
    let world = World::new().await;
    let service = world.service("usage: {mode: never}").await;
    let film = |id: &str| json!({"itemtype": "m.video", "body": "a.mp4", "url": format!("mxc://example.org/{id}"), "info": {"mimetype": "video/mp4"}});
    let mut second = film("b");
    second["info"]["thumbnail_url"] = json!("mxc://example.org/c");
    second["info"]["thumbnail_info"] =
        json!({"mimetype": "image/jpeg", "w": 32, "h": 18, "size": 2000});
    let content =
        json!({"msgtype": "dm.filament.gallery", "body": "x", "itemtypes": [film("a"), second]});
    for link in linked(&service, &world, content).await.iter().take(2) {
        let page = page(&service, link).await;
        assert!(!page.contains("og:image"), "{page}");
    }
    service.stop().await;
}

#[tokio::test]
async fn an_encrypted_picture_is_previewed_by_a_thumbnail_of_ours() {
    let world = World::new().await;
    let service = world.service("usage: {mode: never}").await;
    let (file, secret) = encrypted_file(&world, &picture(1000, 500, ImageFormat::Png)).await;
    let link = json!({"file": file, "content_token": secret, "room_id": world.room_id, "mimetype": "image/png"});
    let link = service.issue(link).await;
    let page = page(&service, &link).await;
    let preview = property(&page, "og:image").expect("a preview");
    assert!(preview.contains("/t/"), "{preview}");
    assert_eq!(sides_at(&service, &preview).await, (800, 400));
    // A page does not wait long for a thumbnail that is still being made.
    let told = eventually("the sides of a thumbnail", async || {
        sides(&self::page(&service, &link).await)
    });
    assert_eq!(told.await, (800, 400));
    service.stop().await;
}

#[tokio::test]
async fn a_preview_does_not_use_up_a_link() {
    let world = World::new().await;
    let service = world.service("usage: {mode: never}").await;
    let (mxc, secret) = world
        .upload(picture(20, 10, ImageFormat::Png), "image/png")
        .await;
    let link = json!({"mxc": mxc, "content_token": secret, "room_id": world.room_id, "mimetype": "image/png", "max_follows": 1});
    let link = service.issue(link).await;
    for _ in 0..2 {
        assert!(!page(&service, &link).await.contains("og:image"));
    }
    assert_eq!(world.requests("media.thumbnail").await, 0);
    assert_eq!(service.follow(&link).await.status(), 200);
    service.stop().await;
}

#[tokio::test]
async fn fetchers_of_previews_are_let_in_and_crawlers_are_not() {
    let world = World::new().await;
    let service = world.service("").await;
    let robots = service.client.get(format!("{}/robots.txt", service.public));
    let robots = robots
        .send()
        .await
        .expect("an answer")
        .text()
        .await
        .expect("text");
    let groups: Vec<(Vec<&str>, &str)> = robots
        .split("\n\n")
        .map(|group| {
            let (names, rule) = group
                .trim_end()
                .rsplit_once('\n')
                .expect("names and a rule");
            let names = names
                .lines()
                .filter_map(|line| line.strip_prefix("User-agent: "));
            (names.collect(), rule)
        })
        .collect();
    let rule_for = |name: &str| {
        let group = groups.iter().find(|(names, _)| names.contains(&name));
        group
            .or(groups.iter().find(|(names, _)| names == &["*"]))
            .map(|(_, rule)| *rule)
    };
    for fetcher in [
        "Twitterbot",
        "facebookexternalhit",
        "LinkedInBot",
        "Discordbot",
        "WhatsApp",
    ] {
        assert_eq!(rule_for(fetcher), Some("Allow: /"), "{fetcher}");
    }
    for crawler in ["Googlebot", "bingbot", "GPTBot", "Applebot"] {
        assert_eq!(rule_for(crawler), Some("Disallow: /"), "{crawler}");
    }
    service.stop().await;
}
