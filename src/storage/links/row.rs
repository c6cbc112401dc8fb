//! A link as the database holds it.

use std::sync::Arc;

use sqlx::{FromRow, Row, sqlite::SqliteRow};

use medialink_event::Appearance;
use medialink_link::{
    KeyId, LinkClaims, LinkForm, LinkState,
    matrix::{ContentToken, EventId, MxcUri, RoomId},
};

use super::{
    super::{StorageError, usage_state::UsageState},
    columns::{NO_KEY, appearance, file_keys, non_empty},
};

/// A link as the database holds it.
#[derive(Debug, Clone)]
pub struct LinkRow {
    /// The row's number, by which links are listed.
    pub id: i64,
    /// Its name in the API and in logs; it does not open the link.
    pub link_id: String,
    /// Its form.
    pub form: LinkForm,
    /// The key that signed it; `None`: none of ours.
    pub key_id: Option<KeyId>,
    /// Of a self-contained link: nonce and lifetime in seconds.
    pub sealed: Option<([u8; 12], u32)>,
    /// The bridge that asked for it.
    pub bridge: String,
    /// The usage of media that it is part of.
    pub media_reference_id: i64,
    /// Media, room and event, with the secrets to get the media.
    pub claims: Arc<LinkClaims>,
    /// The user who shared the media.
    pub sender: Option<String>,
    /// The size of the media in bytes, by what the bridge said.
    pub size: Option<i64>,
    /// How its event presents the media.
    pub appearance: Appearance,
    /// The edit that brought the media, if one did.
    pub shown_by: Option<EventId>,
    /// Milliseconds since the epoch.
    pub issued_at: i64,
    /// Milliseconds since the epoch; `None`: never.
    pub expires_at: Option<i64>,
    /// How often it may be followed.
    pub max_follows: Option<i64>,
    /// The size that the policy of its room allows, in bytes.
    pub max_size: Option<i64>,
    /// Whether its room wants people to be led to the page.
    pub pages_only: bool,
    /// As stored: see [`LinkRow::state_at`].
    pub state: LinkState,
    /// Whether its event may be redacted, which the homeserver has not told yet.
    pub is_doubted: bool,
    /// How often it was followed.
    pub follows: i64,
    /// How many bytes it has served.
    pub bytes_served: i64,
    /// Milliseconds since the epoch.
    pub last_followed_at: Option<i64>,
    /// How its media is counted.
    pub usage_state: UsageState,
    /// The meta event that counts it.
    pub usage_event_id: Option<String>,
    /// The copy of its media that is attached to that event (MSC3911): served in place of the
    /// media.
    pub copy: Option<MxcUri>,
    /// Set if its media is a text of the bridge that we have uploaded.
    pub paste: Option<Paste>,
}

/// A text of a bridge that a link leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paste {
    /// The language of the text, in the bridge's word.
    pub language: Option<String>,
}

impl LinkRow {
    /// The state at a time: a link has ended from its expiry on, noted or not, and as long as its event
    /// may be redacted.
    #[must_use]
    pub fn state_at(&self, now: i64) -> LinkState {
        match (self.state, self.expires_at) {
            (LinkState::Live, Some(end)) if end <= now => LinkState::Expired,
            (LinkState::Live, _) if self.is_doubted => LinkState::Redacted,
            (state, _) => state,
        }
    }
}

/// Reads a [`LinkRow`]; a condition follows.
pub(super) const SELECT: &str = "SELECT l.*, r.state AS usage_state, r.copy_mxc, m.event_id AS usage_event_id \
     FROM links l JOIN media_references r ON r.id = l.media_reference_id \
     LEFT JOIN meta_events m ON m.id = r.counted_by ";

fn corrupt(column: &'static str) -> sqlx::Error {
    sqlx::Error::Decode(Box::new(StorageError::Corrupt(column)))
}

/// A text that is empty where there is none.
fn optional<T, E>(
    row: &SqliteRow,
    column: &str,
    name: &'static str,
    parse: impl Fn(&str) -> Result<T, E>,
) -> Result<Option<T>, sqlx::Error> {
    match row.try_get::<Option<&str>, _>(column)? {
        None | Some("") => Ok(None),
        Some(text) => parse(text).map(Some).map_err(|_| corrupt(name)),
    }
}

/// Of a self-contained link: nonce and lifetime.
fn sealed(row: &SqliteRow) -> Result<Option<([u8; 12], u32)>, sqlx::Error> {
    let nonce: Option<Vec<u8>> = row.try_get("nonce")?;
    let lifetime_s: Option<i64> = row.try_get("lifetime_s")?;
    let (Some(nonce), Some(lifetime)) = (nonce, lifetime_s) else {
        return Ok(None);
    };
    Ok(Some((
        nonce.as_slice().try_into().map_err(|_| corrupt("nonce"))?,
        u32::try_from(lifetime).map_err(|_| corrupt("lifetime"))?,
    )))
}

fn claims(row: &SqliteRow) -> Result<LinkClaims, sqlx::Error> {
    let file: Option<Vec<u8>> = row.try_get("file")?;
    Ok(LinkClaims {
        room_id: optional(row, "room_id", "room ID", RoomId::parse)?.unwrap_or_else(RoomId::none),
        event_id: optional(row, "event_id", "event ID", EventId::parse)?,
        mxc: MxcUri::parse(row.try_get("mxc")?).map_err(|_| corrupt("mxc URI"))?,
        content_token: optional(row, "content_token", "content token", ContentToken::parse)?,
        file: match file {
            None => None,
            Some(bytes) => Some(file_keys(&bytes).ok_or_else(|| corrupt("file key"))?),
        },
        mimetype: row.try_get("mimetype")?,
        filename: row.try_get("filename")?,
    })
}

impl FromRow<'_, SqliteRow> for LinkRow {
    fn from_row(row: &SqliteRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: row.try_get("id")?,
            link_id: row.try_get("link_id")?,
            form: LinkForm::parse(row.try_get("form")?).ok_or_else(|| corrupt("form"))?,
            key_id: match row.try_get::<i64, _>("key_id")? {
                NO_KEY => None,
                id => Some(KeyId::try_from(id).map_err(|_| corrupt("key ID"))?),
            },
            sealed: sealed(row)?,
            bridge: row.try_get("bridge")?,
            media_reference_id: row.try_get("media_reference_id")?,
            claims: Arc::new(claims(row)?),
            sender: non_empty(row.try_get("sender")?),
            size: row.try_get("size")?,
            appearance: appearance(row)?,
            shown_by: optional(row, "shown_by", "event ID", EventId::parse)?,
            issued_at: row.try_get("issued_at")?,
            expires_at: row.try_get("expires_at")?,
            max_follows: row.try_get("max_follows")?,
            max_size: row.try_get("max_size")?,
            pages_only: row.try_get::<i64, _>("pages_only")? != 0,
            state: LinkState::parse(row.try_get("state")?).ok_or_else(|| corrupt("link state"))?,
            is_doubted: row.try_get::<i64, _>("is_doubted")? != 0,
            follows: row.try_get("follows")?,
            bytes_served: row.try_get("bytes_served")?,
            last_followed_at: row.try_get("last_followed_at")?,
            usage_state: UsageState::parse(row.try_get("usage_state")?)
                .ok_or_else(|| corrupt("usage state"))?,
            usage_event_id: row.try_get("usage_event_id")?,
            copy: optional(row, "copy_mxc", "copy's mxc URI", MxcUri::parse)?,
            paste: match row.try_get::<Option<&[u8]>, _>("paste_digest")? {
                None => None,
                Some(_) => Some(Paste {
                    language: row.try_get("language")?,
                }),
            },
        })
    }
}
