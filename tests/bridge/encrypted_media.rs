//! Media of encrypted rooms: decrypted on its way, and never whole unless it is what was sent.

use serde_json::{Value, json};
use support::{
    Service, World,
    encrypted::{described, encrypted},
    raw, url,
};

/// Uploads these bytes as they are, and describes them as an `EncryptedFile` whose ciphertext is
/// `ciphertext`; a link to it.
async fn link_to(
    world: &World,
    service: &Service,
    uploaded: &[u8],
    ciphertext: &[u8],
    form: &str,
) -> Value {
    let (mxc, token) = world.upload(uploaded, "application/octet-stream").await;
    let file = described(&mxc, ciphertext);
    service
        .issue(json!({"file": file, "room_id": world.room_id, "content_token": token, "mimetype": "image/png", "filename": "cat.png", "form": form}))
        .await
}

async fn scene() -> (World, Service) {
    let world = World::new().await;
    let service = world.service("").await;
    (world, service)
}

#[tokio::test]
async fn encrypted_media_arrives_decrypted() {
    let (world, service) = scene().await;
    let long: Vec<u8> = (0..=255).cycle().take(1_000_003).collect();
    let png = [&b"\x89PNG\r\n\x1a\n"[..], &long].concat();
    for form in ["short", "self_contained"] {
        // A type is believed where the decrypted bytes agree.
        for (plaintext, content_type) in [
            (&png[..], "image/png"),
            (&long, "application/octet-stream"),
            (b"x", "application/octet-stream"),
            (b"sixteen bytes ok", "application/octet-stream"),
            (b"", "application/octet-stream"),
        ] {
            let ciphertext = encrypted(plaintext);
            let link = link_to(&world, &service, &ciphertext, &ciphertext, form).await;
            let response = service.follow(&link).await;
            assert_eq!(response.status(), 200);
            assert_eq!(response.headers()["content-type"], content_type);
            assert_eq!(
                response.headers()["content-length"],
                plaintext.len().to_string()
            );
            assert_eq!(response.bytes().await.expect("whole"), plaintext);
        }
    }
    service.stop().await;
}

#[tokio::test]
async fn tampered_media_never_arrives_whole() {
    let (world, service) = scene().await;
    for length in [1, 100, 300_000] {
        let plaintext = vec![5; length];
        let ciphertext = encrypted(&plaintext);
        for place in [0, length / 2, length - 1] {
            let mut tampered = ciphertext.clone();
            tampered[place] ^= 1;
            let link = link_to(&world, &service, &tampered, &ciphertext, "short").await;
            let answer = raw::get(&url(&link)).await;
            assert!(
                !answer.is_complete || answer.status == 502,
                "{length} {place}"
            );
            if length == 1 {
                assert_eq!(answer.status, 502, "nothing was sent yet, so it is told");
            }
        }
        for cut in [&ciphertext[..length - 1], &[&ciphertext[..], b"x"].concat()] {
            let link = link_to(&world, &service, cut, &ciphertext, "short").await;
            let answer = raw::get(&url(&link)).await;
            assert!(!answer.is_complete || answer.status == 502, "{length} cut");
        }
    }
    let link = link_to(&world, &service, b"x", b"", "short").await;
    assert_eq!(raw::get(&url(&link)).await.status, 502);
    let link = link_to(&world, &service, b"", b"x", "short").await;
    assert_eq!(raw::get(&url(&link)).await.status, 502);
    service.stop().await;
}

#[tokio::test]
async fn a_range_of_encrypted_media_is_given_once_it_is_verified_in_the_cache() {
    let (world, service) = scene().await;
    let plaintext: Vec<u8> = (0..=255).cycle().take(300_000).collect();
    let ciphertext = encrypted(&plaintext);
    let link = link_to(&world, &service, &ciphertext, &ciphertext, "short").await;
    for (range, from, to) in [
        ("bytes=0-4", 0, 4),
        ("bytes=70001-200017", 70_001, 200_017),
        ("bytes=-3", 299_997, 299_999),
        ("bytes=299999-", 299_999, 299_999),
    ] {
        let request = service.client.get(url(&link)).header("Range", range);
        let response = request.send().await.expect("an answer");
        assert_eq!(response.status(), 206, "{range}");
        let body = response.bytes().await.expect("a part");
        assert_eq!(body, &plaintext[from..=to], "{range}");
    }
    let mut tampered = ciphertext.clone();
    tampered[0] ^= 1;
    let link = link_to(&world, &service, &tampered, &ciphertext, "short").await;
    let request = service.client.get(url(&link)).header("Range", "bytes=-3");
    assert_eq!(request.send().await.expect("an answer").status(), 502);
    service.stop().await;
}

#[tokio::test]
async fn without_a_cache_no_range_of_encrypted_media_is_given() {
    let world = World::with(matrix_test_server::Options {
        ranges: true,
        ..Default::default()
    })
    .await;
    let service = world.service("media: {cache: null}").await;
    let ciphertext = encrypted(b"hello world");
    let link = link_to(&world, &service, &ciphertext, &ciphertext, "short").await;
    let request = service.client.get(url(&link)).header("Range", "bytes=0-4");
    let response = request.send().await.expect("an answer");
    assert_eq!(response.status(), 200);
    assert!(!response.headers().contains_key("accept-ranges"));
    assert_eq!(response.bytes().await.expect("whole"), "hello world");
    service.stop().await;
}

#[tokio::test]
async fn type_and_name_of_encrypted_media_are_those_of_the_event() {
    let (world, service) = scene().await;
    let ciphertext = encrypted(b"<script>");
    let (mxc, token) = world.upload(ciphertext.clone(), "text/html").await;
    let file = described(&mxc, &ciphertext);
    let link = service
        .issue(json!({"file": file, "room_id": world.room_id, "content_token": token}))
        .await;
    let response = service.follow(&link).await;
    assert_eq!(
        response.headers()["content-type"],
        "application/octet-stream"
    );
    assert_eq!(response.headers()["content-disposition"], "attachment");
    service.stop().await;
}
