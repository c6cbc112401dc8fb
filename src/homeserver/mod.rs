//! The homeserver: the only place that calls it.

mod client;
mod connections;
mod error;
mod events;
mod media;
mod redirects;

pub use client::Homeserver;
pub use connections::DownloadBody;
pub(crate) use connections::{Connector, connector};
pub use error::HomeserverError;
pub use events::Device;
pub use media::{Download, MediaClient, MediaKind, MediaRequest};
pub(crate) use redirects::Resolver;
