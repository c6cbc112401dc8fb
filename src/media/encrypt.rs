//! Encrypts uploads for encrypted rooms (Client-Server API, "Sending encrypted attachments").

use bytes::Bytes;
use sha2::{Digest, Sha256};

use medialink_link::matrix::FileKeys;

use super::decrypt::Keystream;

/// Encrypts a file under a key and the first half of the counter block, both of which must be random
/// and never used again. The other half counts, from zero.
#[must_use]
pub fn encrypt(plaintext: Bytes, key: [u8; 32], nonce: [u8; 8]) -> (FileKeys, Bytes) {
    let mut iv = [0; 16];
    iv[..8].copy_from_slice(&nonce);
    let mut keys = FileKeys {
        key,
        iv,
        sha256: [0; 32],
    };
    let ciphertext = Keystream::at(&keys, 0).decrypt(plaintext);
    keys.sha256 = Sha256::digest(&ciphertext).into();
    (keys, ciphertext)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::decrypt::Decryption;

    #[test]
    fn an_encrypted_file_differs_from_its_plaintext_and_decrypts_to_it() {
        for length in [1, 15, 16, 17, 70_000] {
            let plaintext = Bytes::from(vec![b'x'; length]);
            let (keys, ciphertext) = encrypt(plaintext.clone(), [7; 32], [9; 8]);
            assert_eq!(keys.iv, [9, 9, 9, 9, 9, 9, 9, 9, 0, 0, 0, 0, 0, 0, 0, 0]);
            assert!(ciphertext.len() == length && ciphertext != plaintext);
            let mut decryption = Decryption::new(&keys);
            assert!(decryption.push(ciphertext).is_none());
            assert_eq!(decryption.finish(), Some(Some(plaintext)));
        }
    }
}
