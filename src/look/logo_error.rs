//! Why a file is no logo.

use super::logo_kind::{LogoKind, MAX_LOGO_BYTES, MAX_SIDE};

/// Why a file is no logo, in words that go on after its name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LogoError {
    /// There is nothing in it.
    #[error("is empty; allowed is a picture of 1 to {MAX_LOGO_BYTES} bytes")]
    Empty,
    /// There is too much in it.
    #[error("is longer than {MAX_LOGO_BYTES} bytes, which is the most that is allowed")]
    TooLong,
    /// It has too many pixels.
    #[error("is {width} by {height} pixels; allowed are sides of {MAX_SIDE} pixels at most")]
    TooLarge {
        /// Its width.
        width: u32,
        /// Its height.
        height: u32,
    },
    /// It is broken, or something else.
    #[error("is no picture that can be read: {why}; allowed is {kind}")]
    Unreadable {
        /// What it was taken for.
        kind: LogoKind,
        /// What the reader says of it.
        why: String,
    },
    /// It is SVG without a shape.
    #[error(
        "has no proportion of its sides; allowed is <svg> with a viewBox such as \"0 0 120 32\", or with width and height \
         in numbers"
    )]
    Shapeless,
}

impl LogoError {
    /// What a reader says of a picture, of which a part suffices: it may repeat what stands there.
    pub(super) fn unreadable(kind: LogoKind, why: &impl std::fmt::Display) -> Self {
        let why = why.to_string();
        let why = why.chars().filter(|character| !character.is_control());
        Self::Unreadable {
            kind,
            why: why.take(120).collect(),
        }
    }
}
