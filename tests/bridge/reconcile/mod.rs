//! The books are compared with the rooms: whatever was redacted, forgotten or brought back by
//! others, the count is right in the end.

mod differences;
mod room;
mod runs;
