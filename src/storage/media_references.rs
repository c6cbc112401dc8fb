//! Usages of media. A usage begins when its first link is issued, and is released when its last one
//! ends, in the commit of the link. Every function here fails only if the database does.

use std::collections::BTreeSet;

use sqlx::SqliteConnection;

use medialink_link::LinkClaims;
use medialink_link::matrix::ContentToken;

use super::{StorageError, cache_purges};

pub use super::usage_state::UsageState;

/// How soon the end of a usage's last link is acted on.
#[derive(Debug, Clone, Copy)]
pub struct ReleaseDelays {
    /// Revoked and redacted: gathered for that long, in milliseconds.
    pub batch_window_ms: i64,
    /// Expired beside live media: may stay counted for that long, in milliseconds.
    pub release_after_ms: i64,
}

/// Why the last link of a usage has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EndCause {
    /// It was revoked, redacted or spent, or is part of another usage now.
    Wanted,
    /// Its time was over.
    Expired,
}

/// Notes that a link of `bridge` uses this media in this room; returns the usage. `counted`:
/// whether it is to be counted by a meta event.
pub async fn note_usage(
    connection: &mut SqliteConnection,
    bridge: &str,
    claims: &LinkClaims,
    counted: bool,
    now: i64,
) -> Result<i64, StorageError> {
    let fresh = if counted {
        UsageState::Pending
    } else {
        UsageState::Disabled
    };
    let (id, state, counted_by): (i64, String, Option<i64>) = sqlx::query_as(
        "INSERT INTO media_references (bridge, room_id, mxc, content_token, state, pending_at) \
         VALUES ($1, $2, $3, $4, $5, $6) \
         ON CONFLICT (bridge, room_id, mxc, content_token) DO UPDATE SET bridge = excluded.bridge \
         RETURNING id, state, counted_by",
    )
    .bind(bridge)
    .bind(claims.room_id.as_str())
    .bind(claims.mxc.to_string())
    .bind(
        claims
            .content_token
            .as_ref()
            .map_or("", ContentToken::expose),
    )
    .bind(fresh.as_str())
    .bind(counted.then_some(now))
    .fetch_one(&mut *connection)
    .await?;
    match UsageState::parse(&state).ok_or(StorageError::Corrupt("usage state"))? {
        UsageState::Pending => {}
        UsageState::Counted => keep_counted(connection, id, counted_by, now).await?,
        UsageState::Disabled | UsageState::Failed | UsageState::Released => {
            set_fresh(connection, id, fresh, counted.then_some(now)).await?;
        }
    }
    Ok(id)
}

/// Notes that we have uploaded the media of a usage at this time, to be attached to the meta event
/// that counts it (MSC3911).
pub async fn note_own_upload(
    connection: &mut SqliteConnection,
    id: i64,
    uploaded_at: i64,
) -> Result<(), StorageError> {
    sqlx::query("UPDATE media_references SET own_upload_at = $1 WHERE id = $2")
        .bind(uploaded_at)
        .bind(id)
        .execute(connection)
        .await?;
    Ok(())
}

async fn set_fresh(
    connection: &mut SqliteConnection,
    id: i64,
    state: UsageState,
    pending_at: Option<i64>,
) -> Result<(), StorageError> {
    sqlx::query(
        "UPDATE media_references SET state = $1, pending_at = $2, counted_by = NULL, copy_mxc = NULL \
         WHERE id = $3",
    )
    .bind(state.as_str())
    .bind(pending_at)
    .bind(id)
    .execute(connection)
    .await?;
    Ok(())
}

/// A counted usage has a link again. If its meta event is about to be redacted and no attempt was
/// made yet, the redaction is called off; otherwise the usage has to be counted again.
async fn keep_counted(
    connection: &mut SqliteConnection,
    id: i64,
    counted_by: Option<i64>,
    now: i64,
) -> Result<(), StorageError> {
    let state: Option<String> = sqlx::query_scalar("SELECT state FROM meta_events WHERE id = $1")
        .bind(counted_by)
        .fetch_optional(&mut *connection)
        .await?;
    if state.as_deref() == Some("sent") {
        return Ok(());
    }
    let called_off = sqlx::query(
        "UPDATE meta_events SET state = 'sent', redact_txn_id = NULL, next_attempt_at = NULL, review_at = $1 \
         WHERE id = $2 AND state = 'redacting' AND attempts = 0 AND claimed_until IS NULL",
    )
    .bind(now)
    .bind(counted_by)
    .execute(&mut *connection)
    .await?
    .rows_affected();
    if called_off == 0 {
        set_fresh(connection, id, UsageState::Pending, Some(now)).await?;
    }
    Ok(())
}

/// Releases those of these usages that have no live link: at once if they were never counted,
/// otherwise by a review of their meta event.
pub(super) async fn release(
    connection: &mut SqliteConnection,
    usages: Vec<i64>,
    cause: EndCause,
    delays: ReleaseDelays,
    now: i64,
) -> Result<(), StorageError> {
    let mut to_review = BTreeSet::new();
    for id in usages.into_iter().collect::<BTreeSet<_>>() {
        let unused: Option<(String, Option<i64>, Option<i64>)> = sqlx::query_as(
            "SELECT state, counted_by, queued_in FROM media_references WHERE id = $1 AND NOT EXISTS \
             (SELECT 1 FROM links WHERE media_reference_id = $1 AND state = 'live')",
        )
        .bind(id)
        .fetch_optional(&mut *connection)
        .await?;
        let Some((state, counted_by, queued_in)) = unused else {
            continue;
        };
        if cause == EndCause::Wanted {
            cache_purges::wish(connection, id, now).await?;
        }
        if let Some(meta_event) = counted_by {
            to_review.insert(meta_event);
        } else if queued_in.is_none() && state != UsageState::Disabled.as_str() {
            set_fresh(connection, id, UsageState::Released, None).await?;
        }
    }
    for meta_event in to_review {
        let review_at = match cause {
            EndCause::Wanted => now + delays.batch_window_ms,
            EndCause::Expired if counts_live_media(connection, meta_event).await? => {
                now + delays.release_after_ms
            }
            EndCause::Expired => now,
        };
        super::meta_events::review_by(connection, meta_event, review_at).await?;
    }
    Ok(())
}

/// Whether any media that this meta event counts still has a live link.
async fn counts_live_media(
    connection: &mut SqliteConnection,
    meta_event: i64,
) -> Result<bool, StorageError> {
    let live: i64 = sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM media_references r JOIN links l ON l.media_reference_id = r.id \
         WHERE r.counted_by = $1 AND l.state = 'live')",
    )
    .bind(meta_event)
    .fetch_one(connection)
    .await?;
    Ok(live != 0)
}

/// A usage that a meta event is to count, with what that event says about it.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Usage {
    /// The usage.
    pub id: i64,
    /// The media.
    pub mxc: String,
    /// Its content token; empty: it has none.
    pub content_token: String,
    /// How many live links it has.
    pub links: i64,
    /// How many of them end.
    pub ending: i64,
    /// When the last of those ends, in milliseconds since the epoch.
    pub last_expiry: Option<i64>,
    /// The event of its first live link; empty: none.
    pub event_id: Option<String>,
}

const USAGE: &str = "SELECT r.id, r.mxc, r.content_token, \
     (SELECT COUNT(*) FROM links l WHERE l.media_reference_id = r.id AND l.state = 'live') AS links, \
     (SELECT COUNT(l.expires_at) FROM links l WHERE l.media_reference_id = r.id AND l.state = 'live') AS ending, \
     (SELECT MAX(l.expires_at) FROM links l WHERE l.media_reference_id = r.id AND l.state = 'live') AS last_expiry, \
     (SELECT l.event_id FROM links l WHERE l.media_reference_id = r.id AND l.state = 'live' ORDER BY l.id LIMIT 1) AS event_id \
     FROM media_references r ";

/// Rooms in which usages of a bridge have waited to be gathered since before `before`.
pub async fn rooms_to_gather(
    connection: &mut SqliteConnection,
    bridge: &str,
    before: i64,
) -> Result<Vec<String>, StorageError> {
    Ok(sqlx::query_scalar(
        "SELECT DISTINCT room_id FROM media_references \
         WHERE bridge = $1 AND state = 'pending' AND queued_in IS NULL AND pending_at <= $2",
    )
    .bind(bridge)
    .bind(before)
    .fetch_all(connection)
    .await?)
}

/// All usages of a room that wait to be gathered, the oldest first. Those whose links have all ended
/// meanwhile are released, and left out.
pub async fn gather(
    connection: &mut SqliteConnection,
    bridge: &str,
    room_id: &str,
) -> Result<Vec<Usage>, StorageError> {
    let mut query = sqlx::QueryBuilder::<sqlx::Sqlite>::new(USAGE);
    query
        .push("WHERE r.bridge = ")
        .push_bind(bridge)
        .push(" AND r.room_id = ")
        .push_bind(room_id)
        .push(" AND r.state = 'pending' AND r.queued_in IS NULL ORDER BY r.pending_at, r.id");
    let usages: Vec<Usage> = query.build_query_as().fetch_all(&mut *connection).await?;
    let (live, unused): (Vec<_>, Vec<_>) = usages.into_iter().partition(|usage| usage.links > 0);
    for usage in unused {
        set_fresh(connection, usage.id, UsageState::Released, None).await?;
    }
    Ok(live)
}

/// The usages with these IDs that have a live link.
pub async fn live(
    connection: &mut SqliteConnection,
    ids: &[i64],
) -> Result<Vec<Usage>, StorageError> {
    let mut usages = Vec::with_capacity(ids.len());
    for id in ids {
        let mut query = sqlx::QueryBuilder::<sqlx::Sqlite>::new(USAGE);
        query.push("WHERE r.id = ").push_bind(*id);
        let usage: Option<Usage> = query
            .build_query_as()
            .fetch_optional(&mut *connection)
            .await?;
        usages.extend(usage.filter(|usage| usage.links > 0));
    }
    Ok(usages)
}

/// Makes failed usages with live links wait again, of a bridge's room or all; returns how many.
pub async fn retry_failed(
    connection: &mut SqliteConnection,
    of_room: Option<(&str, &str)>,
    now: i64,
) -> Result<u64, StorageError> {
    let mut query = sqlx::QueryBuilder::<sqlx::Sqlite>::new(
        "UPDATE media_references SET state = 'pending', pending_at = ",
    );
    query.push_bind(now).push(
        " WHERE state = 'failed' AND EXISTS (SELECT 1 FROM links l \
         WHERE l.media_reference_id = media_references.id AND l.state = 'live')",
    );
    if let Some((bridge, room_id)) = of_room {
        query.push(" AND bridge = ").push_bind(bridge.to_owned());
        query.push(" AND room_id = ").push_bind(room_id.to_owned());
    }
    Ok(query.build().execute(connection).await?.rows_affected())
}

/// Has usages with live links counted that are not counted by events so far; returns how many.
/// Media that is linked without a room cannot be counted.
pub async fn count_disabled(
    connection: &mut SqliteConnection,
    now: i64,
) -> Result<u64, StorageError> {
    Ok(sqlx::query(
        "UPDATE media_references SET state = 'pending', pending_at = $1 WHERE state = 'disabled' \
         AND room_id <> '' AND EXISTS (SELECT 1 FROM links l WHERE l.media_reference_id = media_references.id AND l.state = 'live')",
    )
    .bind(now)
    .execute(connection)
    .await?
    .rows_affected())
}
