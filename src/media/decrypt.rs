//! Encrypted attachments: AES-256-CTR and SHA-256 over a stream (Client-Server API, "Sending
//! encrypted attachments").

use aes::Aes256;
use bytes::{Bytes, BytesMut};
use ctr::{
    Ctr128BE,
    cipher::{KeyIvInit, StreamCipher, StreamCipherSeek},
};
use hkdf::Hkdf;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use medialink_link::matrix::FileKeys;

/// Decrypts a stream piece by piece, always one piece behind: the last one is released only once the
/// digest of the whole is known to be right, so that tampered media never arrives whole.
pub struct Decryption {
    cipher: Ctr128BE<Aes256>,
    digest: Sha256,
    expected: [u8; 32],
    held_back: Option<Bytes>,
}

impl Decryption {
    /// Begins a ciphertext at its first byte.
    #[must_use]
    pub fn new(keys: &FileKeys) -> Self {
        Self {
            cipher: Ctr128BE::<Aes256>::new((&keys.key).into(), (&keys.iv).into()),
            digest: Sha256::new(),
            expected: keys.sha256,
            held_back: None,
        }
    }

    /// Takes a piece of ciphertext; returns the plaintext of the one before it.
    pub fn push(&mut self, ciphertext: Bytes) -> Option<Bytes> {
        if ciphertext.is_empty() {
            return None;
        }
        self.digest.update(&ciphertext);
        let mut plaintext = BytesMut::from(ciphertext);
        self.cipher.apply_keystream(&mut plaintext);
        self.held_back.replace(plaintext.freeze())
    }

    /// Ends the stream: returns the last piece (`Some(None)`: there was none), or `None` if the
    /// digest is wrong.
    #[must_use]
    pub fn finish(self) -> Option<Option<Bytes>> {
        bool::from(self.digest.finalize().ct_eq(&self.expected)).then_some(self.held_back)
    }
}

/// Keys for thumbnails of encrypted media, different for each purpose: thumbnails are ciphertext in
/// the cache too, and the media's own keys open them.
pub(super) fn derived_keys(keys: &FileKeys, purpose: &str) -> FileKeys {
    let mut okm = Zeroizing::new([0; 48]);
    Hkdf::<Sha256>::new(Some(&keys.sha256), &[&keys.key[..], &keys.iv].concat())
        .expand(purpose.as_bytes(), &mut okm[..])
        .expect("48 bytes are not too many");
    let (mut key, mut iv) = ([0; 32], [0; 16]);
    key.copy_from_slice(&okm[..32]);
    iv.copy_from_slice(&okm[32..]);
    FileKeys {
        key,
        iv,
        sha256: [0; 32],
    }
}

/// Decrypts ciphertext that has been verified, from any offset on.
pub(super) struct Keystream(Ctr128BE<Aes256>);

impl Keystream {
    /// Begins at an offset of the ciphertext, in bytes.
    pub(super) fn at(keys: &FileKeys, offset: u64) -> Self {
        let mut cipher = Ctr128BE::<Aes256>::new((&keys.key).into(), (&keys.iv).into());
        cipher.seek(offset);
        Self(cipher)
    }

    /// Decrypts the next piece; encrypting is the same.
    pub(super) fn decrypt(&mut self, ciphertext: Bytes) -> Bytes {
        let mut plaintext = BytesMut::from(ciphertext);
        self.0.apply_keystream(&mut plaintext);
        plaintext.freeze()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encrypted(plaintext: &[u8]) -> (FileKeys, Vec<u8>) {
        let mut keys = FileKeys {
            key: [7; 32],
            iv: [9; 16],
            sha256: [0; 32],
        };
        let mut ciphertext = plaintext.to_vec();
        Ctr128BE::<Aes256>::new((&keys.key).into(), (&keys.iv).into())
            .apply_keystream(&mut ciphertext);
        keys.sha256 = Sha256::digest(&ciphertext).into();
        (keys, ciphertext)
    }

    #[test]
    fn the_plaintext_comes_out_whatever_the_pieces() {
        let plaintext: Vec<u8> = (0..=255).cycle().take(1000).collect();
        let (keys, ciphertext) = encrypted(&plaintext);
        for size in [1, 7, 16, 333, 1000, 2000] {
            let mut decryption = Decryption::new(&keys);
            let mut out = Vec::new();
            for piece in ciphertext.chunks(size) {
                out.extend(
                    decryption
                        .push(Bytes::copy_from_slice(piece))
                        .unwrap_or_default(),
                );
                assert!(out.len() < plaintext.len(), "the last piece is held back");
            }
            out.extend(
                decryption
                    .finish()
                    .expect("right digest")
                    .unwrap_or_default(),
            );
            assert_eq!(out, plaintext);
        }
    }

    #[test]
    fn tampered_media_never_arrives_whole() {
        let (keys, mut ciphertext) = encrypted(&[1; 100]);
        ciphertext[50] ^= 1;
        let mut decryption = Decryption::new(&keys);
        assert!(decryption.push(Bytes::from(ciphertext)).is_none());
        assert!(decryption.finish().is_none());
    }

    #[test]
    fn any_offset_can_be_decrypted() {
        let plaintext: Vec<u8> = (0..=255).cycle().take(1000).collect();
        let (keys, ciphertext) = encrypted(&plaintext);
        for offset in [0, 1, 15, 16, 17, 512, 999] {
            let mut keystream = Keystream::at(&keys, offset as u64);
            let (a, b) = ciphertext[offset..].split_at((1000 - offset) / 3);
            let out = [a, b].map(|part| keystream.decrypt(Bytes::copy_from_slice(part)));
            assert_eq!(out.concat(), &plaintext[offset..], "{offset}");
        }
    }

    #[test]
    fn an_empty_file_has_a_digest_too() {
        let (keys, _) = encrypted(&[]);
        assert_eq!(Decryption::new(&keys).finish(), Some(None));
        let (keys, _) = encrypted(&[1]);
        assert_eq!(Decryption::new(&keys).finish(), None);
    }
}
