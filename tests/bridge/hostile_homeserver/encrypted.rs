//! Encrypted media of such a homeserver.

use aes::cipher::{KeyIvInit, StreamCipher};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use support::url;

use super::{
    play::Play,
    upstream::{Upstream, ok, response},
};

fn encrypted(plaintext: &[u8]) -> (Vec<u8>, Value) {
    let (key, iv) = ([3_u8; 32], [5_u8; 16]);
    let mut ciphertext = plaintext.to_vec();
    ctr::Ctr128BE::<aes::Aes256>::new(&key.into(), &iv.into()).apply_keystream(&mut ciphertext);
    let sha256 = STANDARD_NO_PAD.encode(Sha256::digest(&ciphertext));
    let file = json!({
        "url": "mxc://example.org/abc", "v": "v2", "iv": STANDARD_NO_PAD.encode(iv), "hashes": {"sha256": sha256},
        "key": {"kty": "oct", "alg": "A256CTR", "k": URL_SAFE_NO_PAD.encode(key)},
    });
    (ciphertext, file)
}

#[tokio::test]
async fn encrypted_media_arrives_whole_and_right_or_not_whole() {
    for length in [0, 1, 70_000] {
        let plaintext: Vec<u8> = (0..=255).cycle().take(length).collect();
        let (ciphertext, file) = encrypted(&plaintext);
        let whole = ciphertext.clone();
        let serve = move |bytes: Vec<u8>| {
            Upstream::start(false, move |_| {
                let mut answer = response(200, "", "");
                let head = String::from_utf8(answer.clone()).expect("text").replacen(
                    "Content-Length: 0",
                    &format!("Content-Length: {}", bytes.len()),
                    1,
                );
                answer = head.into_bytes();
                answer.extend_from_slice(&bytes);
                answer
            })
        };
        let play = Play::new(
            serve(whole).await,
            "",
            json!({"file": file, "mimetype": "image/png"}),
        )
        .await;
        let response = play.service.follow(&play.link).await;
        assert_eq!(response.status(), 200);
        assert_eq!(response.bytes().await.expect("a body"), plaintext);

        let mut tampered = ciphertext;
        match tampered.last_mut() {
            Some(last) => *last ^= 1,
            None => tampered.push(1),
        }
        play.service.stop().await;
        let play = Play::new(serve(tampered).await, "", json!({"file": file})).await;
        // A piece that is held back whole leaves nothing to send: the connection ends at once.
        if let Ok(response) = play.service.client.get(url(&play.link)).send().await {
            assert!(
                response.status() == 502 || response.bytes().await.is_err(),
                "{length} bytes"
            );
        }
        play.service.stop().await;
    }
    let (_, file) = encrypted(b"something");
    let play = Play::new(
        Upstream::start(false, |_| ok("Content-Length: 0\r\n", "")).await,
        "",
        json!({"file": file}),
    )
    .await;
    assert_eq!(
        play.status().await.0,
        502,
        "nothing is not what was encrypted"
    );
    play.service.stop().await;
}
