//! `usage`: how the service reports to the homeserver that media is in use.

use std::time::Duration;

use serde::Deserialize;

use medialink_link::matrix::RoomId;

use super::{
    problems::Problems,
    value::{Lifetime, Rate, Span},
};

/// How usage is reported to the homeserver.
#[derive(Debug, Clone)]
pub struct UsageConfig {
    /// When meta events are sent.
    pub mode: UsageMode,
    /// Their event type.
    pub event_type: String,
    /// How long media of one room is gathered into one event.
    pub batch_window: Duration,
    /// The most media in one event.
    pub batch_size: usize,
    /// How long expired media may stay counted beside live media.
    pub release_after: Duration,
    /// How often live media is touched.
    pub touch: Lifetime,
    /// How many touches at most.
    pub touch_rate: Rate,
    /// Whether meta events are sent into encrypted rooms.
    pub encrypted_rooms: bool,
    /// How often the usage on record is compared with each room.
    pub reconcile: Lifetime,
    /// The room in which usage is counted if the bridge may not send in the media's own room.
    pub fallback_room: Option<RoomId>,
}

/// When meta events are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum UsageMode {
    /// Where they can count: the media has a content token, or the homeserver links media to
    /// events (MSC3911).
    Auto,
    /// For all media.
    Always,
    /// For none.
    Never,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct UsageFile {
    mode: UsageMode,
    event_type: String,
    batch_window: Span,
    batch_size: usize,
    release_after: Span,
    touch: Lifetime,
    touch_rate: Rate,
    encrypted_rooms: bool,
    reconcile: Lifetime,
    fallback_room: Option<String>,
}

impl Default for UsageFile {
    fn default() -> Self {
        Self {
            mode: UsageMode::Auto,
            event_type: "org.matrix.msc3910.media_reference".to_owned(),
            batch_window: Span(Duration::from_secs(2)),
            batch_size: 50,
            release_after: Span(Duration::from_secs(3600)),
            touch: Lifetime::For(Duration::from_secs(7 * 86_400)),
            touch_rate: Rate {
                amount: 5,
                per: Duration::from_secs(1),
            },
            encrypted_rooms: true,
            reconcile: Lifetime::For(Duration::from_secs(6 * 3600)),
            fallback_room: None,
        }
    }
}

impl UsageFile {
    pub(super) fn checked(self, problems: &mut Problems) -> Option<UsageConfig> {
        if !is_own_event_type(&self.event_type) {
            problems.add(
                "usage.event_type",
                format_args!(
                    "found {:?}; allowed is an event type of letters, digits, '.', '_' and '-' that does not begin with m.",
                    self.event_type
                ),
            );
        }
        if !(1..=200).contains(&self.batch_size) {
            problems.add(
                "usage.batch_size",
                format_args!("found {}; allowed are 1 to 200", self.batch_size),
            );
        }
        if let Lifetime::For(span) = self.reconcile
            && span < Duration::from_secs(60)
        {
            problems.add(
                "usage.reconcile",
                "is shorter than a minute; allowed is never, or a longer duration",
            );
        }
        if let Lifetime::For(span) = self.touch
            && span < Duration::from_secs(1)
        {
            problems.add(
                "usage.touch",
                "is shorter than a second; allowed is never, or a longer duration",
            );
        }
        let fallback_room = match self.fallback_room.as_deref().map(RoomId::parse) {
            None => None,
            Some(Ok(room_id)) => Some(room_id),
            Some(Err(error)) => {
                problems.add("usage.fallback_room", error);
                None
            }
        };
        Some(UsageConfig {
            mode: self.mode,
            event_type: self.event_type,
            batch_window: self.batch_window.0,
            batch_size: self.batch_size,
            release_after: self.release_after.0,
            touch: self.touch,
            touch_rate: self.touch_rate,
            encrypted_rooms: self.encrypted_rooms,
            reconcile: self.reconcile,
            fallback_room,
        })
    }
}

/// Whether events of our own may have this type: those that begin with `m.` are the
/// specification's.
fn is_own_event_type(text: &str) -> bool {
    let is_allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
    (1..=255).contains(&text.len()) && text.bytes().all(is_allowed) && !text.starts_with("m.")
}
