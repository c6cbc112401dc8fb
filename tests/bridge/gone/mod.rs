//! Media that the homeserver has deleted or quarantined is gone here as well.

mod answers;
mod away;
mod copies;
mod scene;
mod touches;
mod twice;
