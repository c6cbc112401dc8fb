//! The homeserver: the only place that calls it.

mod away;
mod client;
mod connections;
mod copies;
mod deletions;
mod diagnosis;
mod downloads;
mod error;
mod features;
mod history;
mod media;
mod media_request;
mod ping;
mod power;
mod quarantine;
mod redirects;
mod reports;
mod request_secrets;
mod rooms;
mod sending;
mod uploads;

pub use client::Homeserver;
pub use connections::DownloadBody;
pub(crate) use connections::{Connector, connector};
pub use downloads::Download;
pub use error::HomeserverError;
pub use features::{
    FEATURES, Features, LINKED_MEDIA, MEDIA_DELETION, RESTRICTED_UPLOADS, announces,
};
pub(crate) use history::MAX_HISTORY_PAGES;
pub use history::{EventState, HistoryEvent, HistoryPage};
pub use media::MediaClient;
pub use media_request::{MediaRequest, MediaVariant};
pub use power::{POWER_LEVELS, is_creator, power_for_event, power_for_state, power_of};
pub use quarantine::QuarantineChanges;
pub(crate) use redirects::Resolver;
pub use sending::{Device, EventToSend, attachable_at_once};
pub use uploads::{Upload, Uploaded};
