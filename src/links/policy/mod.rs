//! What rooms allow: a state event, which whoever may send state sets, and which bounds the links
//! that bridges get for the room.

mod apply;
mod ask;
mod content;

pub use content::POLICY_EVENT_TYPE;
pub(super) use content::permitted;
