//! Who may see a medium (MSC3911).

/// The users who may see a medium.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Access {
    /// Every user: it was uploaded the old way.
    Everybody,
    /// Its uploader, until it is attached; it is restricted media.
    Uploader,
    /// Every user who may see the event that it is attached to.
    Event { room_id: String, event_id: String },
}
