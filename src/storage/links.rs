//! Links.

use std::sync::Arc;

use sqlx::{
    FromRow, QueryBuilder, Row, Sqlite, SqliteConnection, SqliteExecutor, SqlitePool,
    sqlite::SqliteRow,
};

use medialink_event::{Appearance, Warning};
use medialink_link::{
    Form, KeyId, LinkClaims, LinkState,
    matrix::{ContentToken, EventId, FileKeys, MxcUri, RoomId},
};

use super::{StorageError, media_references::UsageState, room_policies::RoomPolicy};

/// A link as the database holds it.
#[derive(Debug, Clone)]
pub struct LinkRow {
    /// The row.
    pub id: i64,
    /// Names it in the API.
    pub link_id: String,
    /// Which form it has.
    pub form: Form,
    /// The key that signed it; `None`: none of ours.
    pub key_id: Option<KeyId>,
    /// Of a self-contained link: nonce and lifetime in seconds.
    pub sealed: Option<([u8; 12], u32)>,
    /// Who asked for it.
    pub bridge: String,
    /// The usage of media that it is part of.
    pub media_reference_id: i64,
    /// What it promises.
    pub claims: Arc<LinkClaims>,
    /// Who shared the media.
    pub sender: Option<String>,
    /// The size that the bridge told, in bytes.
    pub size: Option<i64>,
    /// What its event says of the media.
    pub appearance: Appearance,
    /// Of what an edit has brought: that edit.
    pub shown_by: Option<EventId>,
    /// Milliseconds since the epoch.
    pub issued_at: i64,
    /// Milliseconds since the epoch; `None`: never.
    pub expires_at: Option<i64>,
    /// How often it may be followed.
    pub max_follows: Option<i64>,
    /// How large its media may be by the policy of its room, in bytes.
    pub max_size: Option<i64>,
    /// Whether its room wants people to be led to the page.
    pub pages_only: bool,
    /// As stored: see [`LinkRow::state_at`].
    pub state: LinkState,
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
    /// That its media is a text of the bridge, which we have uploaded.
    pub paste: Option<Paste>,
}

/// What a link to a paste says beyond its media.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paste {
    /// The language of the text, as its bridge named it.
    pub language: Option<String>,
}

impl LinkRow {
    /// The state at a time: a link is over from its expiry on, noted down or not.
    #[must_use]
    pub fn state_at(&self, now: i64) -> LinkState {
        match (self.state, self.expires_at) {
            (LinkState::Live, Some(end)) if end <= now => LinkState::Expired,
            (state, _) => state,
        }
    }
}

/// A new link.
#[derive(Debug, Clone)]
pub struct NewLink {
    /// Names it in the API.
    pub link_id: String,
    /// Which form it has.
    pub form: Form,
    /// The key that signed it; `None`: none of ours.
    pub key_id: Option<KeyId>,
    /// Of a self-contained link: nonce and lifetime in seconds.
    pub sealed: Option<([u8; 12], u32)>,
    /// Who asked for it.
    pub bridge: String,
    /// The usage of media that it is part of.
    pub media_reference_id: i64,
    /// What it promises.
    pub claims: LinkClaims,
    /// Who shared the media.
    pub sender: Option<String>,
    /// The size that the bridge told, in bytes.
    pub size: Option<i64>,
    /// What its event says of the media.
    pub appearance: Appearance,
    /// Of what an edit has brought: that edit.
    pub shown_by: Option<EventId>,
    /// Milliseconds since the epoch.
    pub issued_at: i64,
    /// Milliseconds since the epoch; `None`: never.
    pub expires_at: Option<i64>,
    /// How often it may be followed.
    pub max_follows: Option<i64>,
    /// How large its media may be by the policy of its room, in bytes.
    pub max_size: Option<i64>,
    /// Whether its room wants people to be led to the page.
    pub pages_only: bool,
    /// Live, or how it was over before it was first seen.
    pub state: LinkState,
    /// That its media is a text of the bridge, which we have uploaded.
    pub paste: Option<NewPaste>,
}

/// A paste that is to be linked.
#[derive(Debug, Clone)]
pub struct NewPaste {
    /// A keyed digest of what was asked for.
    pub digest: [u8; 32],
    /// The language of the text, as its bridge names it.
    pub language: Option<String>,
}

/// Which links are meant: all that match every given criterion.
#[derive(Debug, Clone, Default)]
pub struct Criteria {
    /// Their room.
    pub room_id: Option<String>,
    /// Their event.
    pub event_id: Option<String>,
    /// Their media.
    pub mxc: Option<String>,
    /// Who shared the media.
    pub sender: Option<String>,
    /// Issued before this time, in milliseconds since the epoch.
    pub issued_before: Option<i64>,
    /// Their state at the time of asking.
    pub state: Option<LinkState>,
}

impl Criteria {
    /// Whether nothing is asked for, so that every link would be meant.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.room_id.is_none()
            && self.event_id.is_none()
            && self.mxc.is_none()
            && self.sender.is_none()
            && self.issued_before.is_none()
    }
}

const SELECT: &str = "SELECT l.*, r.state AS usage_state, r.copy_mxc, m.event_id AS usage_event_id \
     FROM links l JOIN media_references r ON r.id = l.media_reference_id \
     LEFT JOIN meta_events m ON m.id = r.counted_by ";

/// The key ID of links that none of our keys has signed.
const NO_KEY: i64 = -1;

fn file_bytes(file: &FileKeys) -> Vec<u8> {
    [file.key.as_slice(), &file.iv, &file.sha256].concat()
}

fn file_keys(bytes: &[u8]) -> Option<FileKeys> {
    Some(FileKeys {
        key: bytes.get(..32)?.try_into().ok()?,
        iv: bytes.get(32..48)?.try_into().ok()?,
        sha256: bytes.get(48..80)?.try_into().ok()?,
    })
}

fn non_empty(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

fn appearance(row: &SqliteRow) -> Result<Appearance, sqlx::Error> {
    let warning: Option<String> = row.try_get("warning")?;
    let is_spoiler = row.try_get::<i64, _>("is_spoiler")? != 0;
    Ok(Appearance {
        width: row.try_get("width")?,
        height: row.try_get("height")?,
        duration_ms: row
            .try_get::<Option<i64>, _>("duration_ms")?
            .and_then(|duration| u64::try_from(duration).ok()),
        blurhash: row.try_get("blurhash")?,
        warning: warning.map(|reason| Warning {
            is_spoiler,
            reason: non_empty(reason),
        }),
    })
}

fn duration(appearance: &Appearance) -> Option<i64> {
    appearance
        .duration_ms
        .and_then(|duration| i64::try_from(duration).ok())
}

fn is_spoiler(appearance: &Appearance) -> bool {
    let warning = appearance.warning.as_ref();
    warning.is_some_and(|warning| warning.is_spoiler)
}

fn warning(appearance: &Appearance) -> Option<&str> {
    let warning = appearance.warning.as_ref()?;
    Some(warning.reason.as_deref().unwrap_or_default())
}

impl FromRow<'_, SqliteRow> for LinkRow {
    fn from_row(row: &SqliteRow) -> Result<Self, sqlx::Error> {
        let corrupt =
            |column: &'static str| sqlx::Error::Decode(Box::new(StorageError::Corrupt(column)));
        let event_id: String = row.try_get("event_id")?;
        let content_token: String = row.try_get("content_token")?;
        let file: Option<Vec<u8>> = row.try_get("file")?;
        let nonce: Option<Vec<u8>> = row.try_get("nonce")?;
        let lifetime_s: Option<i64> = row.try_get("lifetime_s")?;
        let sealed = match (nonce, lifetime_s) {
            (Some(nonce), Some(lifetime)) => Some((
                nonce.as_slice().try_into().map_err(|_| corrupt("nonce"))?,
                u32::try_from(lifetime).map_err(|_| corrupt("lifetime"))?,
            )),
            _ => None,
        };
        let claims = LinkClaims {
            room_id: match row.try_get("room_id")? {
                "" => RoomId::none(),
                id => RoomId::parse(id).map_err(|_| corrupt("room ID"))?,
            },
            event_id: match event_id.as_str() {
                "" => None,
                id => Some(EventId::parse(id).map_err(|_| corrupt("event ID"))?),
            },
            mxc: MxcUri::parse(row.try_get("mxc")?).map_err(|_| corrupt("mxc URI"))?,
            content_token: match content_token.as_str() {
                "" => None,
                text => Some(ContentToken::parse(text).map_err(|_| corrupt("content token"))?),
            },
            file: match file {
                None => None,
                Some(bytes) => Some(file_keys(&bytes).ok_or_else(|| corrupt("file key"))?),
            },
            mimetype: row.try_get("mimetype")?,
            filename: row.try_get("filename")?,
        };
        Ok(Self {
            id: row.try_get("id")?,
            link_id: row.try_get("link_id")?,
            form: Form::parse(row.try_get("form")?).ok_or_else(|| corrupt("form"))?,
            key_id: match row.try_get::<i64, _>("key_id")? {
                NO_KEY => None,
                id => Some(KeyId::try_from(id).map_err(|_| corrupt("key ID"))?),
            },
            sealed,
            bridge: row.try_get("bridge")?,
            media_reference_id: row.try_get("media_reference_id")?,
            claims: Arc::new(claims),
            sender: non_empty(row.try_get("sender")?),
            size: row.try_get("size")?,
            appearance: appearance(row)?,
            shown_by: match row.try_get("shown_by")? {
                "" => None,
                id => Some(EventId::parse(id).map_err(|_| corrupt("event ID"))?),
            },
            issued_at: row.try_get("issued_at")?,
            expires_at: row.try_get("expires_at")?,
            max_follows: row.try_get("max_follows")?,
            max_size: row.try_get("max_size")?,
            pages_only: row.try_get::<i64, _>("pages_only")? != 0,
            state: LinkState::parse(row.try_get("state")?).ok_or_else(|| corrupt("link state"))?,
            follows: row.try_get("follows")?,
            bytes_served: row.try_get("bytes_served")?,
            last_followed_at: row.try_get("last_followed_at")?,
            usage_state: UsageState::parse(row.try_get("usage_state")?)
                .ok_or_else(|| corrupt("usage state"))?,
            usage_event_id: row.try_get("usage_event_id")?,
            copy: match row.try_get::<Option<&str>, _>("copy_mxc")? {
                None => None,
                Some(mxc) => Some(MxcUri::parse(mxc).map_err(|_| corrupt("copy's mxc URI"))?),
            },
            paste: match row.try_get::<Option<&[u8]>, _>("paste_digest")? {
                None => None,
                Some(_) => Some(Paste {
                    language: row.try_get("language")?,
                }),
            },
        })
    }
}

/// The link with this ID.
///
/// # Errors
/// If the database fails.
pub async fn find(reader: &SqlitePool, link_id: &str) -> Result<Option<LinkRow>, StorageError> {
    let mut query = QueryBuilder::<Sqlite>::new(SELECT);
    query.push("WHERE l.link_id = ").push_bind(link_id);
    Ok(query.build_query_as().fetch_optional(reader).await?)
}

/// The link with this ID, inside a write.
///
/// # Errors
/// If the database fails.
pub async fn find_in(
    connection: &mut SqliteConnection,
    link_id: &str,
) -> Result<Option<LinkRow>, StorageError> {
    let mut query = QueryBuilder::<Sqlite>::new(SELECT);
    query.push("WHERE l.link_id = ").push_bind(link_id);
    Ok(query.build_query_as().fetch_optional(connection).await?)
}

/// The link with this ID, which was stored in this write.
pub async fn stored(
    connection: &mut SqliteConnection,
    link_id: &str,
) -> Result<LinkRow, StorageError> {
    find_in(connection, link_id)
        .await?
        .ok_or(StorageError::Corrupt("link, gone as soon as it was stored"))
}

/// The links to a medium that a bridge has made by itself.
///
/// # Errors
/// If the database fails.
pub async fn legacy_in(
    connection: &mut SqliteConnection,
    bridge: &str,
    mxc: &MxcUri,
) -> Result<Vec<LinkRow>, StorageError> {
    let mut query = QueryBuilder::<Sqlite>::new(SELECT);
    query
        .push("WHERE l.form = 'legacy' AND l.mxc = ")
        .push_bind(mxc.to_string())
        .push(" AND l.bridge = ")
        .push_bind(bridge.to_owned());
    Ok(query.build_query_as().fetch_all(connection).await?)
}

/// Links that were part of a usage, one for each file that they promise: attachments with
/// different keys may share an mxc URI.
///
/// # Errors
/// If the database fails.
pub async fn of_usage(
    reader: &SqlitePool,
    media_reference_id: i64,
) -> Result<Vec<LinkRow>, StorageError> {
    let mut query = QueryBuilder::<Sqlite>::new(SELECT);
    query
        .push("WHERE l.id IN (SELECT MAX(id) FROM links WHERE media_reference_id = ")
        .push_bind(media_reference_id)
        .push(" GROUP BY file)");
    Ok(query.build_query_as().fetch_all(reader).await?)
}

/// The live links of an event, of every bridge.
///
/// # Errors
/// If the database fails.
pub async fn of_event<'e>(
    reader: impl SqliteExecutor<'e>,
    room_id: &str,
    event_id: &str,
) -> Result<Vec<LinkRow>, StorageError> {
    let mut query = QueryBuilder::<Sqlite>::new(SELECT);
    query
        .push("WHERE l.state = 'live' AND l.room_id = ")
        .push_bind(room_id)
        .push(" AND l.event_id = ")
        .push_bind(event_id);
    Ok(query.build_query_as().fetch_all(reader).await?)
}

/// The newest live link that the same bridge asked for before: same room, event, media and form,
/// not one of those with a limited number of follows.
///
/// # Errors
/// If the database fails.
pub async fn find_repeated(
    connection: &mut SqliteConnection,
    bridge: &str,
    claims: &LinkClaims,
    form: Form,
    now: i64,
) -> Result<Option<LinkRow>, StorageError> {
    let mut query = QueryBuilder::<Sqlite>::new(SELECT);
    query
        .push("WHERE l.bridge = ")
        .push_bind(bridge)
        .push(" AND l.mxc = ")
        .push_bind(claims.mxc.to_string())
        .push(" AND l.room_id = ")
        .push_bind(claims.room_id.as_str())
        .push(" AND l.event_id = ")
        .push_bind(claims.event_id.as_ref().map_or("", EventId::as_str))
        .push(" AND l.form = ")
        .push_bind(form.as_str())
        .push(" AND l.state = 'live' AND l.max_follows IS NULL AND (l.expires_at IS NULL OR l.expires_at > ")
        .push_bind(now)
        .push(") ORDER BY l.id DESC LIMIT 1");
    Ok(query.build_query_as().fetch_optional(connection).await?)
}

/// The newest live link to the paste of this digest. One whose text was never attached to an event
/// and was uploaded before `attached_or_since` has lost it, and is left out (MSC3911).
///
/// # Errors
/// If the database fails.
pub async fn find_paste(
    connection: &mut SqliteConnection,
    digest: &[u8; 32],
    attached_or_since: i64,
    now: i64,
) -> Result<Option<LinkRow>, StorageError> {
    let mut query = QueryBuilder::<Sqlite>::new(SELECT);
    query
        .push("WHERE l.paste_digest = ")
        .push_bind(digest.to_vec())
        .push(" AND l.state = 'live' AND (l.expires_at IS NULL OR l.expires_at > ")
        .push_bind(now)
        .push(") AND (r.own_upload_at IS NULL OR r.copy_mxc IS NOT NULL OR r.own_upload_at > ")
        .push_bind(attached_or_since)
        .push(") ORDER BY l.id DESC LIMIT 1");
    Ok(query.build_query_as().fetch_optional(connection).await?)
}

/// Stores a new link.
///
/// # Errors
/// A unique violation if the link ID is taken; otherwise if the database fails.
pub async fn insert(connection: &mut SqliteConnection, link: &NewLink) -> Result<(), StorageError> {
    let claims = &link.claims;
    sqlx::query(
        "INSERT INTO links (link_id, form, key_id, nonce, lifetime_s, bridge, media_reference_id, \
         room_id, event_id, sender, mxc, content_token, file, filename, mimetype, size, issued_at, \
         expires_at, max_follows, state, max_size, pages_only, paste_digest, language, width, height, duration_ms, \
         blurhash, warning, is_spoiler, shown_by) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, \
         $22, $23, $24, $25, $26, $27, $28, $29, $30, $31)",
    )
    .bind(&link.link_id)
    .bind(link.form.as_str())
    .bind(link.key_id.map_or(NO_KEY, i64::from))
    .bind(link.sealed.map(|(nonce, _)| nonce.to_vec()))
    .bind(link.sealed.map(|(_, lifetime)| i64::from(lifetime)))
    .bind(&link.bridge)
    .bind(link.media_reference_id)
    .bind(claims.room_id.as_str())
    .bind(claims.event_id.as_ref().map_or("", EventId::as_str))
    .bind(link.sender.as_deref().unwrap_or(""))
    .bind(claims.mxc.to_string())
    .bind(claims.content_token.as_ref().map_or("", ContentToken::expose))
    .bind(claims.file.as_ref().map(file_bytes))
    .bind(&claims.filename)
    .bind(&claims.mimetype)
    .bind(link.size)
    .bind(link.issued_at)
    .bind(link.expires_at)
    .bind(link.max_follows)
    .bind(link.state.as_str())
    .bind(link.max_size)
    .bind(i64::from(link.pages_only))
    .bind(link.paste.as_ref().map(|paste| paste.digest.to_vec()))
    .bind(link.paste.as_ref().and_then(|paste| paste.language.as_deref()))
    .bind(link.appearance.width)
    .bind(link.appearance.height)
    .bind(duration(&link.appearance))
    .bind(&link.appearance.blurhash)
    .bind(warning(&link.appearance))
    .bind(i64::from(is_spoiler(&link.appearance)))
    .bind(link.shown_by.as_ref().map_or("", EventId::as_str))
    .execute(connection)
    .await?;
    Ok(())
}

/// What a repeated issue leaves of a link.
#[derive(Debug)]
pub struct Renewal<'a> {
    /// What it promises.
    pub claims: &'a LinkClaims,
    /// What its event says of the media.
    pub appearance: &'a Appearance,
    /// Of what an edit has brought: that edit.
    pub shown_by: Option<&'a EventId>,
    /// The usage of media that it is part of.
    pub media_reference_id: i64,
    /// Milliseconds since the epoch; `None`: never.
    pub expires_at: Option<i64>,
    /// Since when its lifetime counts, where it was given anew.
    pub renewed_at: Option<i64>,
}

/// Replaces what a repeated issue gave anew.
///
/// # Errors
/// If the database fails.
pub(super) async fn update(
    connection: &mut SqliteConnection,
    id: i64,
    renewal: &Renewal<'_>,
) -> Result<(), StorageError> {
    let Renewal {
        claims, appearance, ..
    } = renewal;
    sqlx::query(
        "UPDATE links SET content_token = $1, file = $2, filename = $3, mimetype = $4, \
         media_reference_id = $5, expires_at = $6, renewed_at = COALESCE($7, renewed_at), \
         width = $8, height = $9, duration_ms = $10, blurhash = $11, warning = $12, is_spoiler = $13, shown_by = $14 WHERE id = $15",
    )
    .bind(
        claims
            .content_token
            .as_ref()
            .map_or("", ContentToken::expose),
    )
    .bind(claims.file.as_ref().map(file_bytes))
    .bind(&claims.filename)
    .bind(&claims.mimetype)
    .bind(renewal.media_reference_id)
    .bind(renewal.expires_at)
    .bind(renewal.renewed_at)
    .bind(appearance.width)
    .bind(appearance.height)
    .bind(duration(appearance))
    .bind(&appearance.blurhash)
    .bind(warning(appearance))
    .bind(i64::from(is_spoiler(appearance)))
    .bind(renewal.shown_by.map_or("", EventId::as_str))
    .bind(id)
    .execute(connection)
    .await?;
    Ok(())
}

/// Ends the live links to what an edit has brought, of every bridge; the usages that they were part of.
///
/// # Errors
/// If the database fails.
pub(super) async fn end_shown_by(
    connection: &mut SqliteConnection,
    room_id: &str,
    edit: &str,
    now: i64,
) -> Result<Vec<i64>, StorageError> {
    let ended = sqlx::query_scalar(
        "UPDATE links SET state = 'redacted', ended_at = $1 \
         WHERE state = 'live' AND room_id = $2 AND shown_by = $3 AND shown_by <> '' \
         RETURNING media_reference_id",
    )
    .bind(now)
    .bind(room_id)
    .bind(edit)
    .fetch_all(connection)
    .await?;
    Ok(ended)
}

/// Has a link that has expired, or whose event was redacted, live on.
///
/// # Errors
/// If the database fails.
pub async fn revive(connection: &mut SqliteConnection, id: i64) -> Result<(), StorageError> {
    sqlx::query(
        "UPDATE links SET state = 'live', ended_at = NULL \
         WHERE id = $1 AND state IN ('expired', 'redacted')",
    )
    .bind(id)
    .execute(connection)
    .await?;
    Ok(())
}

/// Bounds the live links of a room, of every bridge, by its policy: their expiry comes no later,
/// the rest is as the policy says now.
///
/// # Errors
/// If the database fails.
pub async fn bound_by(
    connection: &mut SqliteConnection,
    room_id: &str,
    policy: &RoomPolicy,
) -> Result<(), StorageError> {
    sqlx::query(
        "UPDATE links SET max_size = $1, pages_only = $2, expires_at = CASE \
         WHEN $3 IS NULL OR expires_at <= COALESCE(renewed_at, issued_at) + $3 THEN expires_at \
         ELSE COALESCE(renewed_at, issued_at) + $3 END \
         WHERE room_id = $4 AND state = 'live'",
    )
    .bind(policy.max_size)
    .bind(i64::from(policy.pages_only))
    .bind(policy.max_lifetime_s().map(|seconds| seconds * 1000))
    .bind(room_id)
    .execute(connection)
    .await?;
    Ok(())
}

/// One page of a bridge's links (of all bridges: `None`), newest first; `before`: the row that the
/// page before ended with.
///
/// # Errors
/// If the database fails.
pub async fn list(
    reader: &SqlitePool,
    bridge: Option<&str>,
    criteria: &Criteria,
    before: Option<i64>,
    limit: i64,
    now: i64,
) -> Result<Vec<LinkRow>, StorageError> {
    let mut query = QueryBuilder::<Sqlite>::new(SELECT);
    query.push("WHERE 1 = 1");
    push_criteria(&mut query, bridge, criteria, now);
    if let Some(before) = before {
        query.push(" AND l.id < ").push_bind(before);
    }
    query.push(" ORDER BY l.id DESC LIMIT ").push_bind(limit);
    Ok(query.build_query_as().fetch_all(reader).await?)
}

fn push_criteria(
    query: &mut QueryBuilder<Sqlite>,
    bridge: Option<&str>,
    criteria: &Criteria,
    now: i64,
) {
    let mut equal = |column: &'static str, value: Option<&str>| {
        if let Some(value) = value {
            query
                .push(" AND l.")
                .push(column)
                .push(" = ")
                .push_bind(value.to_owned());
        }
    };
    equal("bridge", bridge);
    equal("room_id", criteria.room_id.as_deref());
    equal("event_id", criteria.event_id.as_deref());
    equal("mxc", criteria.mxc.as_deref());
    equal("sender", criteria.sender.as_deref());
    if let Some(issued_before) = criteria.issued_before {
        // When a link was issued that a bridge has made by itself, nobody knows.
        query
            .push(" AND (l.issued_at < ")
            .push_bind(issued_before)
            .push(" OR l.form = 'legacy')");
    }
    match criteria.state {
        None => {}
        Some(LinkState::Live) => {
            query
                .push(" AND l.state = 'live' AND (l.expires_at IS NULL OR l.expires_at > ")
                .push_bind(now)
                .push(")");
        }
        Some(LinkState::Expired) => {
            query
                .push(" AND (l.state = 'expired' OR (l.state = 'live' AND l.expires_at <= ")
                .push_bind(now)
                .push("))");
        }
        Some(state) => {
            query.push(" AND l.state = ").push_bind(state.as_str());
        }
    }
}

/// Ends all live links that match, of one bridge or of all; returns how many there were and the
/// usages that they were part of.
///
/// # Errors
/// If the database fails.
pub(super) async fn end(
    connection: &mut SqliteConnection,
    bridge: Option<&str>,
    criteria: &Criteria,
    state: LinkState,
    now: i64,
) -> Result<Vec<i64>, StorageError> {
    let mut query = QueryBuilder::<Sqlite>::new("UPDATE links AS l SET state = ");
    query
        .push_bind(state.as_str())
        .push(", ended_at = ")
        .push_bind(now)
        .push(" WHERE 1 = 1");
    let live = Criteria {
        state: Some(LinkState::Live),
        ..criteria.clone()
    };
    push_criteria(&mut query, bridge, &live, now);
    query.push(" RETURNING media_reference_id");
    Ok(query.build_query_scalar().fetch_all(connection).await?)
}

/// Ends one live link; returns the usage that it was part of, if it was live.
///
/// # Errors
/// If the database fails.
pub(super) async fn end_one(
    connection: &mut SqliteConnection,
    id: i64,
    state: LinkState,
    now: i64,
) -> Result<Option<i64>, StorageError> {
    Ok(sqlx::query_scalar(
        "UPDATE links SET state = $1, ended_at = $2 WHERE id = $3 AND state = 'live' \
         AND (expires_at IS NULL OR expires_at > $2) RETURNING media_reference_id",
    )
    .bind(state.as_str())
    .bind(now)
    .bind(id)
    .fetch_optional(connection)
    .await?)
}

/// Revokes a link that a bridge has made by itself, also one that is over: of all its ends, only
/// this one cannot be undone. Returns the usage that it is part of, if it was not revoked before.
///
/// # Errors
/// If the database fails.
pub(super) async fn revoke_legacy(
    connection: &mut SqliteConnection,
    id: i64,
    now: i64,
) -> Result<Option<i64>, StorageError> {
    Ok(sqlx::query_scalar(
        "UPDATE links SET state = 'revoked', ended_at = $1 \
         WHERE id = $2 AND form = 'legacy' AND state <> 'revoked' RETURNING media_reference_id",
    )
    .bind(now)
    .bind(id)
    .fetch_optional(connection)
    .await?)
}

/// Ends all live links that a key has signed.
///
/// # Errors
/// If the database fails.
pub(super) async fn end_of_key(
    connection: &mut SqliteConnection,
    key_id: KeyId,
    now: i64,
) -> Result<Vec<i64>, StorageError> {
    Ok(sqlx::query_scalar(
        "UPDATE links SET state = 'revoked', ended_at = $1 WHERE key_id = $2 AND state = 'live' \
         AND (expires_at IS NULL OR expires_at > $1) RETURNING media_reference_id",
    )
    .bind(now)
    .bind(i64::from(key_id))
    .fetch_all(connection)
    .await?)
}

/// Notes down up to `limit` links whose time is over; returns the usages that they were part of.
///
/// # Errors
/// If the database fails.
pub(super) async fn expire(
    connection: &mut SqliteConnection,
    now: i64,
    limit: i64,
) -> Result<Vec<i64>, StorageError> {
    Ok(sqlx::query_scalar(
        "UPDATE links SET state = 'expired', ended_at = expires_at WHERE id IN \
         (SELECT id FROM links WHERE state = 'live' AND expires_at IS NOT NULL AND expires_at <= $1 LIMIT $2) \
         RETURNING media_reference_id",
    )
    .bind(now)
    .bind(limit)
    .fetch_all(connection)
    .await?)
}

/// Takes one of a limited number of follows; returns the state of the link then, and its usage.
/// `None`: none was left, or the link has ended.
pub(super) async fn take_follow(
    connection: &mut SqliteConnection,
    id: i64,
    now: i64,
) -> Result<Option<(LinkState, i64)>, StorageError> {
    let taken: Option<(String, i64)> = sqlx::query_as(
        "UPDATE links SET follows = follows + 1, last_followed_at = $1, \
         state = CASE WHEN follows + 1 >= max_follows THEN 'spent' ELSE state END, \
         ended_at = CASE WHEN follows + 1 >= max_follows THEN $1 ELSE ended_at END \
         WHERE id = $2 AND state = 'live' AND follows < max_follows \
         AND (expires_at IS NULL OR expires_at > $1) RETURNING state, media_reference_id",
    )
    .bind(now)
    .bind(id)
    .fetch_optional(connection)
    .await?;
    match taken {
        None => Ok(None),
        Some((state, usage)) => {
            let state = LinkState::parse(&state).ok_or(StorageError::Corrupt("link state"))?;
            Ok(Some((state, usage)))
        }
    }
}

/// Adds follows and bytes that were counted in memory. Follows of links with a limited number of
/// them are counted when they are taken.
///
/// # Errors
/// If the database fails.
pub async fn add_follows(
    connection: &mut SqliteConnection,
    link_id: &str,
    follows: i64,
    bytes: i64,
    last: i64,
) -> Result<(), StorageError> {
    sqlx::query(
        "UPDATE links SET bytes_served = bytes_served + $1, \
         follows = CASE WHEN max_follows IS NULL THEN follows + $2 ELSE follows END, \
         last_followed_at = CASE WHEN $2 > 0 THEN $3 ELSE last_followed_at END WHERE link_id = $4",
    )
    .bind(bytes)
    .bind(follows)
    .bind(last)
    .bind(link_id)
    .execute(connection)
    .await?;
    Ok(())
}

/// How many live links a key has signed.
///
/// # Errors
/// If the database fails.
pub async fn count_of_key(
    reader: &SqlitePool,
    key_id: KeyId,
    now: i64,
) -> Result<i64, StorageError> {
    Ok(sqlx::query_scalar(
        "SELECT COUNT(*) FROM links WHERE key_id = $1 AND state = 'live' \
         AND (expires_at IS NULL OR expires_at > $2)",
    )
    .bind(i64::from(key_id))
    .bind(now)
    .fetch_one(reader)
    .await?)
}

/// The highest ID of a key that a link was ever signed with.
///
/// # Errors
/// If the database fails.
pub async fn highest_key(reader: &SqlitePool) -> Result<Option<KeyId>, StorageError> {
    let highest: Option<i64> = sqlx::query_scalar("SELECT MAX(key_id) FROM links")
        .fetch_one(reader)
        .await?;
    Ok(highest.and_then(|id| KeyId::try_from(id).ok()))
}
