//! Randomness from the operating system.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

/// Random bytes.
///
/// # Panics
/// If the operating system has no randomness to give, which leaves nothing safe to do.
#[must_use]
pub fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    #[expect(clippy::disallowed_methods, reason = "the source of all randomness")]
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    bytes
}

/// Sixteen random bytes as 22 characters of base64url: an ID that nobody else has.
#[must_use]
pub fn id() -> String {
    URL_SAFE_NO_PAD.encode(bytes::<16>())
}
