//! Usage is compared with the rooms: whatever is redacted, forgotten or brought back by
//! others, the count is right in the end.

mod differences;
mod room;
mod runs;
