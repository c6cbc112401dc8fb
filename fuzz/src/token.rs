//! Tokens of links, as people send them: forged ones, and signed ones of any content.

use aes::Aes256;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ctr::{
    Ctr128BE,
    cipher::{KeyIvInit, StreamCipher},
};
use hmac::{Hmac, KeyInit, Mac};
use medialink_link::{
    KeyFile, KeyRing, LinkId, VerifiedLink, decide_self_contained, sign_self_contained,
};
use sha2::Sha256;

/// The key of `link-vectors.json`.
const KEY_FILE: &str = r#"{"keys": [{"id": 1, "secret": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8",
    "state": "active", "created": "2026-01-01T00:00:00Z"}]}"#;
/// The keys derived from it, as the same file has them.
const MAC_KEY: &str = "-ESWWXN_6_E5axcdOa_oe7kj-kUtqu_Dt7YtSYMW0QM";
const ENC_KEY: &str = "aXO1BtkPsmO-332tYcWkGbE_TgJVoNkG8feozLLkFY4";

/// A self-contained token that verifies is the one that signing its content makes: each link has one
/// spelling. Takes the text of a token, or the content of one to sign: see [`signed`].
pub fn check(data: &[u8]) {
    let file: KeyFile = serde_json::from_str(KEY_FILE).expect("a key file");
    let ring = KeyRing::from_entries(file.keys).expect("a key ring");
    if let Ok(text) = str::from_utf8(data) {
        check_text(&ring, text);
    }
    check_text(&ring, &signed(data));
}

fn check_text(ring: &KeyRing, text: &str) {
    let Ok(link) = ring.verify(text) else {
        return;
    };
    let link_id = link.link_id().to_string();
    assert_eq!(LinkId::parse(&link_id).as_ref(), Some(link.link_id()));
    let VerifiedLink::SelfContained(link) = link else {
        return;
    };
    let has_ended = decide_self_contained(&link, i64::MAX).is_err();
    assert_eq!(has_ended, link.lifetime_s() != 0, "{text}");
    let key = ring.get(link.key_id()).expect("the key that has verified");
    let (issued_at_s, lifetime_s) = (link.issued_at_s(), link.lifetime_s());
    let again = sign_self_contained(key, link.claims(), issued_at_s, lifetime_s, link.nonce());
    assert_eq!(again.expect("claims of a link").expose(), text);
}

/// A token with a genuine signature, so that what is behind it is reached: of the first byte, and four
/// bytes for the time of issue. In the self-contained form, four more are the lifetime, and the rest
/// is the body, which is encrypted here.
fn signed(data: &[u8]) -> String {
    let Some(([first, issued_at @ ..], rest)) = data.split_first_chunk::<5>() else {
        return String::new();
    };
    let mut bytes = [&[*first, 1], issued_at.as_slice()].concat();
    match rest.split_first_chunk::<4>() {
        Some((lifetime, body)) if *first == 0x10 => {
            let mut body = body.to_vec();
            let key: [u8; 32] = decoded(ENC_KEY);
            Ctr128BE::<Aes256>::new(&key.into(), &[0; 16].into()).apply_keystream(&mut body);
            bytes.extend([lifetime.as_slice(), &[0; 12], &body].concat());
        }
        _ => bytes.extend(rest),
    }
    let key: [u8; 32] = decoded(MAC_KEY);
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).expect("any length is a key");
    mac.update(&bytes);
    bytes.extend(&mac.finalize().into_bytes()[..16]);
    URL_SAFE_NO_PAD.encode(bytes)
}

fn decoded(text: &str) -> [u8; 32] {
    let bytes = URL_SAFE_NO_PAD.decode(text).expect("base64url");
    bytes.try_into().expect("32 bytes")
}
