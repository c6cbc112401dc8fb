//! Policies of rooms: a state event, set by users who may send state, bounds the links that bridges get
//! for the room.

mod apply;
mod ask;
mod content;
mod read;
mod set;

pub(super) use content::permitted;
pub use content::{POLICY_EVENT_TYPE, read as read_policy};
pub(super) use read::PolicyReader;
pub use set::{PolicyEvent, SetPolicyError};
