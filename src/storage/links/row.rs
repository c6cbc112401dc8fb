//! A link as the database holds it.

use std::sync::Arc;

use sqlx::FromRow;

use medialink_event::Appearance;
use medialink_link::{
    KeyId, LinkClaims, LinkForm, LinkState,
    matrix::{ContentToken, EventId, MxcUri, RoomId},
};

use super::{
    super::{
        StorageError,
        engine::Opened,
        sealer::{Sealing, SecretKind},
        usage_state::UsageState,
    },
    columns::{AppearanceColumns, NO_KEY, file_keys},
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
    /// How it has ended by a decision that its row does not show yet.
    pub decided: Option<LinkState>,
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
    /// Whether it is noted that the homeserver did not have such media when it was last asked.
    pub may_be_missing: bool,
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
    /// The state at a time: a link has ended from its expiry on, noted or not, from a decision on, and as
    /// long as its event may be redacted.
    #[must_use]
    pub fn state_at(&self, now: i64) -> LinkState {
        match (self.state, self.decided, self.expires_at) {
            (LinkState::Live, Some(state), _) => state,
            (LinkState::Live, None, Some(end)) if end <= now => LinkState::Expired,
            (LinkState::Live, None, _) if self.is_doubted => LinkState::Redacted,
            (state, _, _) => state,
        }
    }
}

/// Reads a [`LinkRow`]; a condition follows.
pub(super) const SELECT: &str = concat!(
    "SELECT l.id, l.link_id, l.form, l.key_id, l.nonce, l.lifetime_s, l.bridge, \
     l.media_reference_id, room.matrix_id AS room_id, l.event_id, sender.matrix_id AS sender, r.mxc, r.content_token, \
     l.file, l.filename, l.mimetype, l.size, l.width, l.height, l.duration_ms, l.blurhash, l.warning, \
     CAST(l.is_spoiler AS BIGINT) AS is_spoiler, l.shown_by, l.issued_at, l.expires_at, l.max_follows, l.max_size, \
     CAST(l.pages_only AS BIGINT) AS pages_only, l.state, CAST(l.is_doubted AS BIGINT) AS is_doubted, l.follows, \
     l.bytes_served, l.last_followed_at, l.paste_digest, l.language, \
     r.state AS usage_state, r.copy_mxc, m.event_id AS usage_event_id, \
     EXISTS (SELECT 1 FROM missing_media x WHERE x.bridge = r.bridge AND x.mxc = r.mxc) AS may_be_missing, (",
    decided_end!(),
    " ORDER BY e.id LIMIT 1) AS decided \
     FROM links l JOIN media_references r ON r.id = l.media_reference_id JOIN matrix_ids room ON room.id = l.room \
     LEFT JOIN matrix_ids sender ON sender.id = l.sender LEFT JOIN meta_events m ON m.id = r.counted_by "
);

/// The columns of a [`LinkRow`], as both databases give them.
#[derive(FromRow)]
pub struct Columns {
    id: i64,
    link_id: String,
    form: String,
    key_id: i64,
    nonce: Option<Vec<u8>>,
    lifetime_s: Option<i64>,
    bridge: String,
    media_reference_id: i64,
    room_id: String,
    event_id: String,
    sender: Option<String>,
    mxc: String,
    content_token: String,
    file: Option<Vec<u8>>,
    filename: Option<String>,
    mimetype: Option<String>,
    size: Option<i64>,
    #[sqlx(flatten)]
    appearance: AppearanceColumns,
    shown_by: String,
    issued_at: i64,
    expires_at: Option<i64>,
    max_follows: Option<i64>,
    max_size: Option<i64>,
    pages_only: i64,
    state: String,
    is_doubted: i64,
    decided: Option<String>,
    follows: i64,
    bytes_served: i64,
    last_followed_at: Option<i64>,
    usage_state: String,
    usage_event_id: Option<String>,
    copy_mxc: Option<String>,
    may_be_missing: bool,
    paste_digest: Option<Vec<u8>>,
    language: Option<String>,
}

type Read<T> = Result<T, StorageError>;

/// A text that is empty where there is none.
fn optional<T, E>(
    text: &str,
    name: &'static str,
    parse: impl Fn(&str) -> Result<T, E>,
) -> Read<Option<T>> {
    match text {
        "" => Ok(None),
        text => parse(text)
            .map(Some)
            .map_err(|_| StorageError::Corrupt(name)),
    }
}

/// Of a self-contained link: nonce and lifetime.
fn sealed(nonce: Option<Vec<u8>>, lifetime_s: Option<i64>) -> Read<Option<([u8; 12], u32)>> {
    let (Some(nonce), Some(lifetime)) = (nonce, lifetime_s) else {
        return Ok(None);
    };
    let nonce = nonce
        .try_into()
        .map_err(|_| StorageError::Corrupt("nonce"))?;
    let lifetime = u32::try_from(lifetime).map_err(|_| StorageError::Corrupt("lifetime"))?;
    Ok(Some((nonce, lifetime)))
}

impl TryFrom<Columns> for LinkRow {
    type Error = StorageError;

    fn try_from(columns: Columns) -> Read<Self> {
        use StorageError::Corrupt;
        let claims = LinkClaims {
            room_id: optional(&columns.room_id, "room ID", RoomId::parse)?
                .unwrap_or_else(RoomId::none),
            event_id: optional(&columns.event_id, "event ID", EventId::parse)?,
            mxc: MxcUri::parse(&columns.mxc).map_err(|_| Corrupt("mxc URI"))?,
            content_token: match columns.content_token.as_str() {
                wiped if wiped.starts_with(' ') => None,
                token => optional(token, "content token", ContentToken::parse)?,
            },
            file: match columns.file {
                None => None,
                Some(bytes) => Some(file_keys(&bytes).ok_or(Corrupt("file key"))?),
            },
            mimetype: columns.mimetype,
            filename: columns.filename,
        };
        let copy = columns.copy_mxc.unwrap_or_default();
        let language = columns.language;
        Ok(Self {
            id: columns.id,
            link_id: columns.link_id,
            form: LinkForm::parse(&columns.form).ok_or(Corrupt("form"))?,
            key_id: match columns.key_id {
                NO_KEY => None,
                id => Some(KeyId::try_from(id).map_err(|_| Corrupt("key ID"))?),
            },
            sealed: sealed(columns.nonce, columns.lifetime_s)?,
            bridge: columns.bridge,
            media_reference_id: columns.media_reference_id,
            claims: Arc::new(claims),
            sender: columns.sender,
            size: columns.size,
            appearance: columns.appearance.into(),
            shown_by: optional(&columns.shown_by, "event ID", EventId::parse)?,
            issued_at: columns.issued_at,
            expires_at: columns.expires_at,
            max_follows: columns.max_follows,
            max_size: columns.max_size,
            pages_only: columns.pages_only != 0,
            state: LinkState::parse(&columns.state).ok_or(Corrupt("link state"))?,
            is_doubted: columns.is_doubted != 0,
            decided: match columns.decided {
                None => None,
                Some(word) => Some(LinkState::parse(&word).ok_or(Corrupt("link state"))?),
            },
            follows: columns.follows,
            bytes_served: columns.bytes_served,
            last_followed_at: columns.last_followed_at,
            usage_state: UsageState::parse(&columns.usage_state).ok_or(Corrupt("usage state"))?,
            usage_event_id: columns.usage_event_id,
            copy: optional(&copy, "copy's mxc URI", MxcUri::parse)?,
            may_be_missing: columns.may_be_missing,
            paste: columns.paste_digest.map(|_| Paste { language }),
        })
    }
}

impl Opened for LinkRow {
    type Row = Columns;

    fn open(mut columns: Columns, sealing: &Sealing) -> Read<Self> {
        columns.content_token = sealing.open_token(&columns.mxc, columns.content_token)?;
        if let Some(file) = columns.file {
            let usage = columns.media_reference_id.to_string();
            columns.file = Some(sealing.open_bytes(SecretKind::FileKeys, &usage, file)?);
        }
        Self::try_from(columns)
    }
}
