//! Media of every kind as Synapse gives it.

use aes::cipher::{KeyIvInit, StreamCipher};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};
use reqwest::Method;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use support::url;

use super::side::{ALWAYS, Side};

#[tokio::test(flavor = "multi_thread")]
async fn encrypted_media_arrives_as_it_was_and_unknown_media_is_not_found() {
    let Some(side) = Side::new(ALWAYS).await else {
        return;
    };
    let mut plaintext: Vec<u8> = (0..=255).rev().cycle().take(200_001).collect();
    plaintext[..8].copy_from_slice(b"\x89PNG\r\n\x1a\n");
    let (key, iv) = ([3_u8; 32], [5_u8; 16]);
    let mut ciphertext = plaintext.clone();
    ctr::Ctr128BE::<aes::Aes256>::new(&key.into(), &iv.into()).apply_keystream(&mut ciphertext);
    let sha256 = STANDARD_NO_PAD.encode(Sha256::digest(&ciphertext));
    let mxc = side
        .alice
        .upload(ciphertext, "application/octet-stream", "x")
        .await
        .expect("uploaded");
    let file = json!({
        "url": mxc, "v": "v2", "iv": STANDARD_NO_PAD.encode(iv), "hashes": {"sha256": sha256},
        "key": {"kty": "oct", "alg": "A256CTR", "ext": true, "key_ops": ["encrypt", "decrypt"], "k": URL_SAFE_NO_PAD.encode(key)},
    });
    let link = side
        .process
        .issue(json!({"file": file, "room_id": side.room_id, "mimetype": "image/png"}))
        .await;
    let response = side
        .process
        .client
        .get(url(&link))
        .send()
        .await
        .expect("an answer");
    assert_eq!(response.headers()["content-type"], "image/png");
    assert_eq!(response.bytes().await.expect("a body"), plaintext);
    let unknown = side
        .process
        .issue(json!({"mxc": "mxc://example.org/nothing", "room_id": side.room_id}))
        .await;
    assert_eq!(side.status(&unknown).await, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn ranges_and_thumbnails_are_given_beside_synapse_and_kept() {
    let Some(mut side) = Side::new(ALWAYS).await else {
        return;
    };
    let pixels = image::RgbImage::from_fn(1000, 500, |x, y| image::Rgb([x as u8, y as u8, 7]));
    let mut png = std::io::Cursor::new(Vec::new());
    pixels
        .write_to(&mut png, image::ImageFormat::Png)
        .expect("encodes");
    let png = png.into_inner();
    let mxc = side.alice.upload(png.clone(), "image/png", "cat.png").await;
    let link = json!({"mxc": mxc.expect("uploaded"), "room_id": side.room_id});
    let link = side.process.issue(link).await;
    let thumbnail = url(&link).replace("/m/", "/t/") + "?width=300&height=200&method=scale";
    for round in 0..2 {
        if round == 1 {
            // What was followed once is there without it.
            side.synapse.stop().await.expect("stops");
        }
        let get = |url: &str| side.process.client.get(url.to_owned());
        let part = get(&url(&link)).header("Range", "bytes=1000-1999");
        let part = part.send().await.expect("an answer");
        assert_eq!(part.status(), 206);
        assert!(part.bytes().await.expect("a part") == png[1000..2000]);
        let small = get(&thumbnail).send().await.expect("an answer");
        assert_eq!(small.status(), 200);
        let small = small.bytes().await.expect("whole");
        let small = image::load_from_memory(&small).expect("an image");
        assert_eq!((small.width(), small.height()), (320, 160));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn media_that_is_not_uploaded_yet_is_asked_for_again_later() {
    let Some(mut side) = Side::new(ALWAYS).await else {
        return;
    };
    // Synapse waits 20 seconds for the upload: longer than the harness is patient.
    let path = side.process.folder.join("bridge.yaml");
    let text = std::fs::read_to_string(&path).expect("reads");
    std::fs::write(&path, text.replacen("first_byte: 5s", "first_byte: 60s", 1)).expect("written");
    side.process.kill();
    side.process.start().await;

    let create = ["_matrix", "media", "v1", "create"];
    let create = side.alice.request(Method::POST, &create).expect("request");
    let created = crate::synapse::succeed(create.json(&json!({})))
        .await
        .expect("created");
    let mxc = created["content_uri"].as_str().expect("a URI");
    let link = side
        .process
        .issue(json!({"mxc": mxc, "room_id": side.room_id}))
        .await;
    let early = side.process.client.get(url(&link)).send().await;
    let early = early.expect("an answer");
    assert_eq!(early.status(), 503);
    assert!(early.headers().contains_key("retry-after"));
    let told: Value = early.json().await.expect("JSON");
    assert_eq!(told["errcode"], "M_NOT_YET_UPLOADED");

    let (_, media_id) = mxc.rsplit_once('/').expect("an mxc URI");
    let upload = ["_matrix", "media", "v3", "upload", "example.org", media_id];
    let upload = side.alice.request(Method::PUT, &upload).expect("request");
    let upload = upload.header("Content-Type", "text/plain").body("words");
    crate::synapse::succeed(upload).await.expect("uploaded");
    assert_eq!(side.status(&link).await, 200);
}
