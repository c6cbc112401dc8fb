//! Random IDs.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// `bytes` random bytes as base64url.
pub(super) fn random_id(bytes: usize) -> String {
    URL_SAFE_NO_PAD.encode(random_bytes(bytes))
}

/// `length` random letters.
pub(super) fn random_letters(length: usize) -> String {
    let letters = random_bytes(length).into_iter();
    letters.map(|byte| char::from(b'a' + byte % 26)).collect()
}

fn random_bytes(count: usize) -> Vec<u8> {
    let mut bytes = vec![0; count];
    getrandom::fill(&mut bytes).expect("the operating system has randomness");
    bytes
}
