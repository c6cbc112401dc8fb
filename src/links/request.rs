//! Requests for links, and their outcomes.

use std::{
    collections::BTreeSet,
    fmt,
    sync::{Arc, OnceLock},
};

use serde_json::Value;

use crate::{
    config::Lifetime,
    denials::Denied,
    limits::Limited,
    storage::{StorageError, links::LinkRow},
};
use medialink_event::{Appearance, media_of};
use medialink_link::{
    ClaimsError, LinkClaims, LinkForm,
    matrix::{EventId, MxcUri, UserId},
};

/// A request for a link. Fields that the bridge left out are `None`.
#[derive(Debug, Clone)]
pub struct IssueRequest {
    /// Media, room and event, with the secrets to get the media.
    pub claims: LinkClaims,
    /// The user who shared the media.
    pub sender: Option<UserId>,
    /// The size of the media in bytes.
    pub size: Option<i64>,
    /// How its event presents the media.
    pub appearance: Option<Appearance>,
    /// How long the link is to live.
    pub lifetime: Option<Lifetime>,
    /// Which form the link is to have.
    pub form: Option<LinkForm>,
    /// How often the link may be followed.
    pub max_follows: Option<i64>,
    /// The edit that brought the media, if one did: its redaction ends the link as well.
    pub shown_by: Option<EventId>,
    /// The event that shared the media, decrypted where it was encrypted.
    pub event: Option<SubmittedEvent>,
}

/// An event as a bridge has it. Hidden from `Debug`, since it may hold keys.
#[derive(Clone)]
pub struct SubmittedEvent(Arc<EventWithMedia>);

struct EventWithMedia {
    event: Value,
    media: OnceLock<BTreeSet<MxcUri>>,
}

impl SubmittedEvent {
    /// An event, of one link or of many.
    #[must_use]
    pub fn new(event: Value) -> Self {
        Self(Arc::new(EventWithMedia {
            event,
            media: OnceLock::new(),
        }))
    }

    /// The event.
    #[must_use]
    pub fn event(&self) -> &Value {
        &self.0.event
    }

    /// The media that its content names.
    #[must_use]
    pub fn media(&self) -> &BTreeSet<MxcUri> {
        self.0
            .media
            .get_or_init(|| media_of(self.0.event.get("content").unwrap_or(&Value::Null)))
    }
}

impl fmt::Debug for SubmittedEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SubmittedEvent(…)")
    }
}

/// The link that a request has led to.
#[derive(Debug, Clone)]
pub struct IssuedLink {
    /// The link as it is recorded.
    pub link: LinkRow,
    /// Whether it is new, or one that the bridge had already.
    pub is_new: bool,
}

/// What comes of a request.
pub(super) type Outcome = Result<IssuedLink, IssueError>;

/// Why no link was issued.
#[derive(Debug, thiserror::Error)]
pub enum IssueError {
    /// Its event was redacted.
    #[error("the event was redacted")]
    Redacted,
    /// Its event may be redacted.
    #[error(
        "the event may have been redacted, which the homeserver has not told yet; the request can be repeated later"
    )]
    Doubted,
    /// The policy of its room allows no links.
    #[error("the room's policy allows no links to its media")]
    RoomForbids,
    /// The policy of its room allows media up to this size only, in bytes.
    #[error("the room's policy allows links to media of up to {0} bytes only")]
    TooLargeForRoom(i64),
    /// The request lacks a field without which it cannot be seen that the event shares the media.
    #[error("{0}")]
    Incomplete(&'static str),
    /// The event does not show that it shares the media.
    #[error("{0}")]
    Unproven(&'static str),
    /// The event could not be looked up; the reason.
    #[error("the homeserver could not be asked for the event: {0}")]
    EventLookup(String),
    /// The bridge, the room or the sender has had too many links.
    #[error(transparent)]
    Limited(#[from] Limited),
    /// The operator denies it.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// The claims do not fit into a link.
    #[error(transparent)]
    Claims(#[from] ClaimsError),
    /// The database failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}
