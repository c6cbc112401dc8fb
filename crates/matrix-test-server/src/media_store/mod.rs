//! The media of this server, with the counts of their references (MSC3910) and the events that they
//! are attached to (MSC3911). No I/O but the removal of a file when its last entry lets go of it.

mod medium;
mod store;
#[cfg(test)]
mod tests;

pub(crate) use medium::{Description, Medium, Source};
pub(crate) use store::MediaStore;
