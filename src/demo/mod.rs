//! The demo: everything with nothing configured.

pub mod homeserver;
