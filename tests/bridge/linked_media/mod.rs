//! A homeserver that links media to events (MSC3911): links serve copies, which live as long as
//! the meta event does.

mod copies;
mod faults;
mod many;
mod play;
mod sight;
