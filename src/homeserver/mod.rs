//! The homeserver: the only place that calls it.

mod client;
mod error;
mod events;
mod media;
mod redirects;

pub use client::Homeserver;
pub use error::HomeserverError;
pub use events::Device;
pub use media::{Download, MediaAnswer, MediaKind, MediaRequest};
