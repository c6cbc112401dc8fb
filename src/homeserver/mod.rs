//! The homeserver: the only place that calls it.

mod client;
mod connections;
mod copies;
mod error;
mod events;
mod features;
mod history;
mod media;
mod redirects;
mod uploads;

pub use client::Homeserver;
pub use connections::DownloadBody;
pub(crate) use connections::{Connector, connector};
pub use error::HomeserverError;
pub use events::{Device, EventToSend};
pub use features::{Features, LINKED_MEDIA, announces_linked_media};
pub(crate) use history::MAX_HISTORY_PAGES;
pub use history::{EventState, HistoryEvent, HistoryPage};
pub use media::{Download, MediaClient, MediaKind, MediaRequest};
pub(crate) use redirects::Resolver;
pub use uploads::{Upload, Uploaded};
