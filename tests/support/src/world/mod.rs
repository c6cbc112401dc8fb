//! An embedded homeserver with a room, in which the bridge's user and Alice are.

mod media;
mod rooms;
mod start;

pub use start::{Gone, World, appservice};
