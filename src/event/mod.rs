//! What a Matrix event shares: its media, and how they are described. No I/O.

mod shared;

pub use shared::{MediaDetails, MediaKind, SharedEvent, SharedMedia, Warning};
