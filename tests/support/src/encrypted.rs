//! Media as clients encrypt it before they upload it.

use aes::Aes256;
use base64::{
    Engine,
    engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};
use ctr::{
    Ctr128BE,
    cipher::{KeyIvInit, StreamCipher},
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::world::World;

const KEY: [u8; 32] = [41; 32];
const IV: [u8; 16] = [17, 5, 9, 3, 8, 1, 2, 6, 0, 0, 0, 0, 0, 0, 0, 0];

/// Media with this ciphertext as an `EncryptedFile`.
pub fn described(mxc: &str, ciphertext: &[u8]) -> Value {
    json!({
        "v": "v2", "url": mxc, "iv": STANDARD_NO_PAD.encode(IV),
        "key": {"kty": "oct", "alg": "A256CTR", "ext": true, "key_ops": ["encrypt", "decrypt"], "k": URL_SAFE_NO_PAD.encode(KEY)},
        "hashes": {"sha256": STANDARD_NO_PAD.encode(Sha256::digest(ciphertext))},
    })
}

/// Uploads something encrypted; its `EncryptedFile`, and its content token.
pub async fn encrypted_file(world: &World, plaintext: &[u8]) -> (Value, String) {
    let ciphertext = encrypted(plaintext);
    let (mxc, token) = world
        .upload(&ciphertext[..], "application/octet-stream")
        .await;
    (described(&mxc, &ciphertext), token)
}

/// The ciphertext.
pub fn encrypted(plaintext: &[u8]) -> Vec<u8> {
    let mut bytes = plaintext.to_vec();
    Ctr128BE::<Aes256>::new((&KEY).into(), (&IV).into()).apply_keystream(&mut bytes);
    bytes
}
