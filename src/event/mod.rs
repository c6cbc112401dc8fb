//! What a Matrix event shares: its media, and how they are described. No I/O.

mod describe;
mod find;
mod read;
mod shared;

pub use read::{EventError, Given};
pub use shared::{Appearance, MediaDetails, MediaKind, SharedEvent, SharedMedia, Warning};
