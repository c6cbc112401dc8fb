//! `EncryptedFile`: the description of an encrypted attachment in an event
//! (Client-Server API, "Sending encrypted attachments").

use std::fmt;

use base64::{
    Engine, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use serde::Deserialize;
use zeroize::{Zeroize, ZeroizeOnDrop};

use super::mxc::MxcUri;

/// The specification asks for unpadded base64; padding is tolerated, as most clients do.
const STANDARD: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(
    &alphabet::URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The keys of an encrypted attachment: AES-256-CTR key, first counter block and the SHA-256 of the
/// ciphertext. Hidden from `Debug`; wiped when dropped.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct FileKeys {
    /// The AES-256 key.
    pub key: [u8; 32],
    /// The first counter block.
    pub iv: [u8; 16],
    /// The SHA-256 of the ciphertext.
    pub sha256: [u8; 32],
}

impl fmt::Debug for FileKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FileKeys(…)")
    }
}

/// An encrypted attachment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncryptedFile {
    /// The address of the ciphertext.
    pub url: MxcUri,
    /// The keys that decrypt and verify it.
    pub keys: FileKeys,
}

/// Why an `EncryptedFile` object cannot be used. Never repeats a value of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a usable EncryptedFile: {0}")]
pub struct EncryptedFileError(String);

/// The object as events carry it; fields that decryption does not need are ignored.
#[derive(Deserialize)]
struct Wire {
    url: String,
    key: WireKey,
    iv: String,
    hashes: WireHashes,
    v: String,
}

#[derive(Deserialize)]
struct WireKey {
    kty: String,
    alg: String,
    k: String,
}

#[derive(Deserialize)]
struct WireHashes {
    sha256: String,
}

impl EncryptedFile {
    /// Reads the object of an event: `v` must be `v2`, `key.kty` `oct`, `key.alg` `A256CTR`.
    ///
    /// # Errors
    /// If a part is missing, of another algorithm, or of the wrong length.
    pub fn from_json(value: &serde_json::Value) -> Result<Self, EncryptedFileError> {
        let refuse = |why: &str| EncryptedFileError(why.to_owned());
        let wire = Wire::deserialize(value).map_err(|_| {
            refuse("it needs url, key {kty, alg, k}, iv, hashes {sha256} and v, all of them texts")
        })?;
        if wire.v != "v2" {
            return Err(refuse("v has to be \"v2\""));
        }
        if wire.key.kty != "oct" || wire.key.alg != "A256CTR" {
            return Err(refuse("key.kty has to be \"oct\" and key.alg \"A256CTR\""));
        }
        let url =
            MxcUri::parse(&wire.url).map_err(|e| EncryptedFileError(format!("url is {e}")))?;
        let keys = FileKeys {
            key: decode(&URL_SAFE, &wire.key.k)
                .ok_or_else(|| refuse("key.k has to be 32 bytes of base64url"))?,
            iv: decode(&STANDARD, &wire.iv)
                .ok_or_else(|| refuse("iv has to be 16 bytes of base64"))?,
            sha256: decode(&STANDARD, &wire.hashes.sha256)
                .ok_or_else(|| refuse("hashes.sha256 has to be 32 bytes of base64"))?,
        };
        Ok(Self { url, keys })
    }
}

fn decode<const N: usize>(engine: &GeneralPurpose, text: &str) -> Option<[u8; N]> {
    let mut bytes = engine.decode(text).ok()?;
    let array = <[u8; N]>::try_from(bytes.as_slice()).ok();
    bytes.zeroize();
    array
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn sample() -> serde_json::Value {
        json!({
            "url": "mxc://example.org/abc",
            "key": {"kty": "oct", "alg": "A256CTR", "ext": true, "key_ops": ["encrypt", "decrypt"],
                    "k": "aWF6-32KGYaC3A_FEUCk1Bt0JA37zP0wrStgmdCaW-0"},
            "iv": "w+sE15fzSc0AAAAAAAAAAA",
            "hashes": {"sha256": "fdSLu/YkRx3Wyh3KQabP3rd6+SFiKg5lsJZQHtkSAYA"},
            "v": "v2"
        })
    }

    #[test]
    fn the_object_of_the_specification_is_read() {
        let file = EncryptedFile::from_json(&sample()).expect("valid");
        assert_eq!(file.url.to_string(), "mxc://example.org/abc");
        assert_eq!(file.keys.iv[8..], [0; 8]);
        assert!(
            !format!("{file:?}").contains("105"),
            "no key bytes in Debug"
        );
    }

    #[test]
    fn missing_and_different_fields_are_refused() {
        for (path, value) in [
            ("/v", json!("v1")),
            ("/key/alg", json!("A128CTR")),
            ("/key/k", json!("short")),
            ("/iv", json!("AAAA")),
            ("/hashes/sha256", json!("")),
            ("/hashes", json!({})),
            ("/url", json!("https://example.org")),
            ("/url", json!(7)),
        ] {
            let mut object = sample();
            *object.pointer_mut(path).expect("path") = value;
            assert!(EncryptedFile::from_json(&object).is_err(), "{path}");
        }
        assert!(EncryptedFile::from_json(&json!([])).is_err());
    }
}
