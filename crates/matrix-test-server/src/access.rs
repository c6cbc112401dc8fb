//! Who may see a medium (MSC3911).

/// Whom a medium is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Access {
    /// Every user: it was uploaded the old way.
    Everybody,
    /// Its uploader, until it is attached; it is restricted media.
    Uploader,
    /// Whoever may see the event it is attached to.
    Event { room_id: String, event_id: String },
}
