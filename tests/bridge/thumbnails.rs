//! Thumbnails: the homeserver's, in configured sizes; of encrypted images our own.

use std::io::Cursor;

use aes::Aes256;
use base64::{
    Engine,
    engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};
use ctr::{
    Ctr128BE,
    cipher::{KeyIvInit, StreamCipher},
};
use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use reqwest::Response;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use support::{
    Service, World, answer, client, eventually,
    raw::{RawServer, say_all, say_error},
    url,
};

const KEY: [u8; 32] = [41; 32];
const IV: [u8; 16] = [17, 5, 9, 3, 8, 1, 2, 6, 0, 0, 0, 0, 0, 0, 0, 0];

fn picture(width: u32, height: u32, format: ImageFormat) -> Vec<u8> {
    let pixels = RgbImage::from_fn(width, height, |x, y| {
        Rgb([(x % 256) as u8, (y % 256) as u8, (x * y % 256) as u8])
    });
    let mut bytes = Cursor::new(Vec::new());
    let image = DynamicImage::ImageRgb8(pixels);
    image.write_to(&mut bytes, format).expect("encodes");
    bytes.into_inner()
}

/// The address of a thumbnail, of a link of the API.
fn thumbnail_url(link: &Value, query: &str) -> String {
    let url = url(link).replace("/m/", "/t/");
    let (before, token_and_name) = url.split_once("/t/").expect("a link");
    let token = token_and_name.split('/').next().expect("a token");
    format!("{before}/t/{token}{query}")
}

async fn get(link: &Value, query: &str) -> Response {
    let request = client().get(thumbnail_url(link, query));
    request.send().await.expect("an answer")
}

fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    let value = response.headers().get(name);
    value.map_or("", |value| value.to_str().expect("text"))
}

async fn encrypted(world: &World, service: &Service, plaintext: &[u8], mimetype: &str) -> Value {
    let mut ciphertext = plaintext.to_vec();
    Ctr128BE::<Aes256>::new((&KEY).into(), (&IV).into()).apply_keystream(&mut ciphertext);
    let digest = STANDARD_NO_PAD.encode(Sha256::digest(&ciphertext));
    let (mxc, token) = world.upload(ciphertext, "application/octet-stream").await;
    let file = json!({
        "v": "v2", "url": mxc, "iv": STANDARD_NO_PAD.encode(IV),
        "key": {"kty": "oct", "alg": "A256CTR", "ext": true, "key_ops": ["encrypt", "decrypt"], "k": URL_SAFE_NO_PAD.encode(KEY)},
        "hashes": {"sha256": digest},
    });
    let link = json!({"file": file, "room_id": world.room_id, "content_token": token, "mimetype": mimetype, "filename": "cat.webp"});
    service.issue(link).await
}

#[tokio::test]
async fn a_thumbnail_moves_where_it_is_asked_to() {
    let homeserver = RawServer::start(|head| {
        let (_, moving) = head.split_once("animated=").expect("it is always told");
        let bytes = if moving.starts_with("true") {
            &b"GIF89a moves"[..]
        } else {
            b"GIF89a stands still"
        };
        say_all("200 OK\r\nContent-Type: image/gif", bytes)
    })
    .await;
    let folder = tempfile::tempdir().expect("a folder");
    let more = "usage: {mode: never, touch: never}";
    let service = Service::start(folder.path(), &homeserver.url, more).await;
    let link = json!({"mxc": "mxc://example.org/abc", "room_id": "!r:example.org"});
    let link = service.issue(link).await;
    for _ in 0..2 {
        for (query, moves) in [
            ("&animated=true", true),
            ("&animated=false", false),
            ("", false),
        ] {
            let response = get(&link, &format!("?width=96&height=96{query}")).await;
            let bytes = response.bytes().await.expect("whole");
            assert_eq!(bytes.ends_with(b"moves"), moves, "{query}");
        }
    }
    assert_eq!(homeserver.heads().len(), 2, "each is in the cache");
    for wrong in ["1", "TRUE", "", "yes"] {
        let refused = get(&link, &format!("?width=96&height=96&animated={wrong}")).await;
        assert_eq!(refused.status(), 400, "{wrong}");
    }
    service.stop().await;
}

#[tokio::test]
async fn a_thumbnail_that_is_made_here_stands_still() {
    let world = World::new().await;
    let service = world.service("").await;
    let png = picture(200, 100, ImageFormat::Png);
    let link = encrypted(&world, &service, &png, "image/png").await;
    let still = get(&link, "?width=96&height=96").await;
    let moving = get(&link, "?width=96&height=96&animated=true").await;
    assert_eq!(
        (still.status().as_u16(), moving.status().as_u16()),
        (200, 200)
    );
    assert_eq!(header(&still, "etag"), header(&moving, "etag"));
    service.stop().await;
}

#[tokio::test]
async fn the_homeserver_is_asked_once_for_the_next_larger_configured_size() {
    let png = picture(64, 64, ImageFormat::Png);
    let body = png.clone();
    let homeserver =
        RawServer::start(move |_| say_all("200 OK\r\nContent-Type: image/png", &body)).await;
    let folder = tempfile::tempdir().expect("a folder");
    let more = "usage: {mode: never, touch: never}\nmedia: {thumbnails: [96x96, 320x240, 800x600]}";
    let service = Service::start(folder.path(), &homeserver.url, more).await;
    let link = json!({"mxc": "mxc://example.org/abc", "room_id": "!r:example.org", "content_token": "a-token", "filename": "cat.gif"});
    let link = service.issue(link).await;
    for query in [
        "?width=100&height=90&method=crop",
        "?width=320&height=240&method=crop",
        "?height=1&width=97&method=crop",
    ] {
        let response = get(&link, query).await;
        assert_eq!(response.status(), 200);
        assert_eq!(header(&response, "content-type"), "image/png");
        assert_eq!(header(&response, "content-disposition"), "inline");
        assert_eq!(header(&response, "accept-ranges"), "bytes");
        assert!(response.bytes().await.expect("whole") == png);
    }
    let heads = homeserver.heads();
    let [head] = heads.as_slice() else {
        panic!("one request: {heads:?}");
    };
    assert!(head.starts_with("get /_matrix/client/v1/media/thumbnail/example.org/abc?"));
    assert!(head.contains("width=320&height=240&method=crop"), "{head}");
    assert!(head.contains("x-matrix-content-token: a-token"), "{head}");

    // Another method, another size and the media itself are other bytes.
    let etag = header(&get(&link, "?width=9&height=9").await, "etag").to_owned();
    assert_ne!(
        header(&get(&link, "?width=9&height=9&method=crop").await, "etag"),
        etag
    );
    assert_ne!(
        header(&get(&link, "?width=999&height=9").await, "etag"),
        etag
    );
    assert_ne!(header(&service.follow(&link).await, "etag"), etag);
    assert_eq!(homeserver.heads().len(), 5);
    let request = client().get(thumbnail_url(&link, "?width=9&height=9"));
    let unchanged = request.header("If-None-Match", etag).send().await;
    assert_eq!(unchanged.expect("an answer").status(), 304);
    eventually("the follow of the media itself, and no other", async || {
        (service.link(&link).await["follows"] == 1).then_some(())
    })
    .await;
    service.stop().await;
}

#[tokio::test]
async fn a_size_that_is_none_is_refused_in_words() {
    let world = World::new().await;
    let service = world.service("").await;
    let (mxc, token) = world.upload("text", "text/plain").await;
    let link = json!({"mxc": mxc, "content_token": token, "room_id": world.room_id});
    let link = service.issue(link).await;
    for (query, status, errcode) in [
        ("", 400, "M_MISSING_PARAM"),
        ("?width=5", 400, "M_MISSING_PARAM"),
        ("?height=5", 400, "M_MISSING_PARAM"),
        ("?width=0&height=5", 400, "M_INVALID_PARAM"),
        ("?width=-1&height=5", 400, "M_INVALID_PARAM"),
        ("?width=5&height=99999999999", 400, "M_INVALID_PARAM"),
        ("?width=5&height=5&method=stretch", 400, "M_INVALID_PARAM"),
        ("?width=5&width=6&height=5", 400, "M_INVALID_PARAM"),
        // Of text there is none.
        ("?width=5&height=5", 404, "M_NOT_FOUND"),
    ] {
        let (found, error) = answer(client().get(thumbnail_url(&link, query))).await;
        assert_eq!(found, status, "{query}");
        assert_eq!(error["errcode"], errcode, "{query}");
        let page = client().get(thumbnail_url(&link, query));
        let page = page.header("Accept", "text/html").send().await;
        let page = page.expect("an answer").text().await.expect("a page");
        assert!(page.contains("preview"), "{page}");
    }
    service.stop().await;
    let service = world.service("media: {thumbnails: []}").await;
    let link = service.link(&link).await;
    let moved = thumbnail_url(&link, "?width=5&height=5");
    let (found, error) = answer(client().get(moved)).await;
    assert_eq!(
        (found.as_u16(), &error["errcode"]),
        (404, &json!("M_NOT_FOUND"))
    );
    service.stop().await;
}

#[tokio::test]
async fn thumbnails_end_with_their_link_and_are_no_follows() {
    let world = World::new().await;
    let service = world.service("").await;
    let (mxc, token) = world
        .upload(picture(200, 100, ImageFormat::Png), "image/png")
        .await;
    let link =
        json!({"mxc": mxc, "content_token": token, "room_id": world.room_id, "max_follows": 1});
    let link = service.issue(link).await;
    for _ in 0..2 {
        let response = get(&link, "?width=96&height=96").await;
        assert_eq!(response.status(), 200);
        assert_eq!(header(&response, "cache-control"), "no-store");
    }
    assert_eq!(service.follow(&link).await.status(), 200);
    assert_eq!(get(&link, "?width=96&height=96").await.status(), 410);
    let forged = thumbnail_url(&link, "?width=96&height=96").replace("/t/E", "/t/F");
    assert_eq!(
        client()
            .get(forged)
            .send()
            .await
            .expect("an answer")
            .status(),
        404
    );
    service.stop().await;
}

#[tokio::test]
async fn of_an_encrypted_image_a_thumbnail_is_made_and_kept_as_ciphertext() {
    let world = World::new().await;
    let service = world.service("").await;
    let original = picture(1000, 500, ImageFormat::WebP);
    let link = encrypted(&world, &service, &original, "image/webp").await;
    let mut whole = Vec::new();
    for round in 0..2 {
        let response = get(&link, "?width=300&height=200").await;
        assert_eq!(response.status(), 200);
        assert_eq!(header(&response, "content-type"), "image/jpeg");
        let bytes = response.bytes().await.expect("whole").to_vec();
        let made = image::load_from_memory(&bytes).expect("an image");
        assert_eq!((made.width(), made.height()), (320, 160));
        assert!(round == 0 || bytes == whole);
        whole = bytes;
    }
    let request = client().get(thumbnail_url(&link, "?width=300&height=200"));
    let part = request.header("Range", "bytes=100-199").send().await;
    let part = part.expect("an answer");
    assert_eq!(part.status(), 206);
    assert!(part.bytes().await.expect("a part") == whole[100..200]);
    let cropped = get(&link, "?width=96&height=96&method=crop").await;
    let cropped = cropped.bytes().await.expect("whole");
    let cropped = image::load_from_memory(&cropped).expect("an image");
    assert_eq!((cropped.width(), cropped.height()), (96, 96));
    assert_eq!(world.requests("media.download").await, 1);
    assert_eq!(world.requests("media.thumbnail").await, 0);

    // The original and two thumbnails; none of the files tells what it shows.
    let cache = world.folder.path().join("data/cache");
    let files = eventually("the files", async || {
        // A file that is being put in its place has another name a moment later.
        let files = support::files(&cache).0;
        let files: Result<Vec<_>, _> = files.iter().map(std::fs::read).collect();
        files.ok().filter(|files| files.len() == 3)
    })
    .await;
    for bytes in files {
        assert!(!bytes.starts_with(&whole[..8]) && !bytes.starts_with(&original[..8]));
        assert!(image::load_from_memory(&bytes).is_err());
    }
    // After a restart the thumbnail is still there, although the homeserver is gone.
    service.stop().await;
    let service = world.service("").await;
    let link = service.link(&link).await;
    let _gone = world.stop_homeserver().await;
    let again = get(&link, "?width=300&height=200").await;
    assert_eq!(again.status(), 200);
    assert!(again.bytes().await.expect("whole") == whole);
    service.stop().await;
}

#[tokio::test]
async fn without_a_cache_thumbnails_are_made_each_time() {
    let world = World::new().await;
    let service = world.service("media: {cache: null}").await;
    let link = encrypted(
        &world,
        &service,
        &picture(50, 40, ImageFormat::Png),
        "image/png",
    )
    .await;
    let response = get(&link, "?width=300&height=200").await;
    assert_eq!(response.status(), 200);
    let bytes = response.bytes().await.expect("whole");
    let made = image::load_from_memory(&bytes).expect("an image");
    assert_eq!(
        (made.width(), made.height()),
        (50, 40),
        "never larger than it was"
    );
    let head = client().head(thumbnail_url(&link, "?width=300&height=200"));
    let head = head.send().await.expect("an answer");
    assert_eq!(header(&head, "content-length"), bytes.len().to_string());
    let part = client().get(thumbnail_url(&link, "?width=300&height=200"));
    let part = part
        .header("Range", "bytes=-9")
        .send()
        .await
        .expect("an answer");
    assert_eq!(part.status(), 206);
    assert!(part.bytes().await.expect("a part") == bytes[bytes.len() - 9..]);
    service.stop().await;
}

#[tokio::test]
async fn floods_of_pixels_and_tampered_images_have_no_thumbnail() {
    let world = World::new().await;
    let service = world.service("").await;
    // 64 million pixels in few bytes.
    let flood = DynamicImage::ImageLuma8(image::GrayImage::new(8000, 8000));
    let mut bytes = Cursor::new(Vec::new());
    flood
        .write_to(&mut bytes, ImageFormat::Png)
        .expect("encodes");
    for plaintext in [
        &bytes.into_inner()[..],
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"",
    ] {
        let link = encrypted(&world, &service, plaintext, "image/png").await;
        let (status, error) = answer(client().get(thumbnail_url(&link, "?width=9&height=9"))).await;
        assert_eq!(
            (status.as_u16(), &error["errcode"]),
            (404, &json!("M_NOT_FOUND"))
        );
    }
    let image = picture(500, 500, ImageFormat::Jpeg);
    let mut link = encrypted(&world, &service, &image, "image/jpeg").await;
    assert_eq!(get(&link, "?width=9&height=9").await.status(), 200);
    // The same bytes behind a digest that is not theirs.
    let (mxc, token) = world.upload(image, "application/octet-stream").await;
    let file = json!({
        "v": "v2", "url": mxc, "iv": STANDARD_NO_PAD.encode(IV),
        "key": {"kty": "oct", "alg": "A256CTR", "ext": true, "key_ops": ["encrypt", "decrypt"], "k": URL_SAFE_NO_PAD.encode(KEY)},
        "hashes": {"sha256": STANDARD_NO_PAD.encode([0; 32])},
    });
    let body = json!({"file": file, "room_id": world.room_id, "content_token": token, "mimetype": "image/jpeg"});
    link = service.issue(body).await;
    assert_eq!(get(&link, "?width=9&height=9").await.status(), 502);
    service.stop().await;
}

#[tokio::test]
async fn a_homeserver_that_has_no_thumbnail_says_so() {
    for (status, errcode, told) in [
        ("400 Bad Request", "M_UNKNOWN", 404),
        ("404 Not Found", "M_NOT_FOUND", 404),
        ("413 Content Too Large", "M_TOO_LARGE", 502),
        ("500 Internal Server Error", "M_UNKNOWN", 502),
    ] {
        let homeserver = RawServer::start(move |_| say_error(status, errcode)).await;
        let folder = tempfile::tempdir().expect("a folder");
        let more = "usage: {mode: never, touch: never}";
        let service = Service::start(folder.path(), &homeserver.url, more).await;
        let link = json!({"mxc": "mxc://example.org/abc", "room_id": "!r:example.org"});
        let link = service.issue(link).await;
        assert_eq!(
            get(&link, "?width=9&height=9").await.status(),
            told,
            "{status}"
        );
        service.stop().await;
    }
}
