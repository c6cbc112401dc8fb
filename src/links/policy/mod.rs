//! Policies of rooms: a state event, set by users who may send state, bounds the links that bridges get
//! for the room.

mod apply;
mod ask;
mod content;
mod read;

pub use content::POLICY_EVENT_TYPE;
pub(super) use content::permitted;
pub(super) use read::PolicyReader;
