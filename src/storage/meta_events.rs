//! The outbox: meta events, from the wish to send them to their redaction.

use sqlx::{SqliteConnection, SqlitePool};

use super::{StorageError, media_references::UsageState};

/// What is to be done with a claimed meta event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Task {
    /// To send it.
    Send,
    /// To redact it.
    Redact,
}

/// A meta event on its way.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct MetaEventRow {
    /// The row.
    pub id: i64,
    /// As whose user it is sent.
    pub bridge: String,
    /// Where it is sent.
    pub room_id: String,
    /// `waiting` or `redacting`.
    pub state: String,
    /// Its type.
    pub event_type: String,
    /// Its body, to the byte.
    pub content: String,
    /// The body's unique value.
    pub batch: String,
    /// The transaction ID of its send.
    pub txn_id: String,
    /// The device that sends it; empty: none.
    pub device_id: String,
    /// Its event ID, once sent.
    pub event_id: Option<String>,
    /// The transaction ID of its redaction.
    pub redact_txn_id: Option<String>,
    /// How often it was tried.
    pub attempts: i64,
    /// Since when the outcome is unknown, in milliseconds since the epoch.
    pub unknown_since: Option<i64>,
    /// When it was made, in milliseconds since the epoch.
    pub created_at: i64,
    /// Whether it is sent with a copy of its one medium.
    pub has_copy: bool,
    /// That copy, once made.
    pub copy_mxc: Option<String>,
    /// When it was made, in milliseconds since the epoch.
    pub copied_at: Option<i64>,
    /// How many copies the homeserver has refused to attach.
    pub copies_refused: i64,
}

impl MetaEventRow {
    /// What is to be done with it.
    #[must_use]
    pub fn task(&self) -> Task {
        if self.state == "redacting" {
            Task::Redact
        } else {
            Task::Send
        }
    }
}

/// A meta event to be sent.
#[derive(Debug, Clone)]
pub struct NewMetaEvent {
    /// As whose user it is sent.
    pub bridge: String,
    /// Where it is sent.
    pub room_id: String,
    /// Its type.
    pub event_type: String,
    /// Its body.
    pub content: String,
    /// The body's unique value.
    pub batch: String,
    /// The device that sends it; empty: none.
    pub device_id: String,
    /// The usages that it counts.
    pub members: Vec<i64>,
    /// Whether it is sent with a copy of its one medium.
    pub has_copy: bool,
}

/// Queues a meta event: from now on its usages wait for it alone.
///
/// # Errors
/// If the database fails.
pub async fn insert(
    connection: &mut SqliteConnection,
    event: &NewMetaEvent,
    now: i64,
) -> Result<i64, StorageError> {
    let id: i64 = sqlx::query_scalar(
        "INSERT INTO meta_events (bridge, room_id, state, event_type, content, batch, txn_id, device_id, \
         has_copy, next_attempt_at, created_at) VALUES ($1, $2, 'waiting', $3, $4, $5, $6, $7, $8, $9, $9) RETURNING id",
    )
    .bind(&event.bridge)
    .bind(&event.room_id)
    .bind(&event.event_type)
    .bind(&event.content)
    .bind(&event.batch)
    .bind(crate::random::id())
    .bind(&event.device_id)
    .bind(event.has_copy)
    .bind(now)
    .fetch_one(&mut *connection)
    .await?;
    for member in &event.members {
        sqlx::query(
            "INSERT INTO meta_event_members (meta_event_id, media_reference_id) VALUES ($1, $2)",
        )
        .bind(id)
        .bind(member)
        .execute(&mut *connection)
        .await?;
        sqlx::query("UPDATE media_references SET queued_in = $1 WHERE id = $2")
            .bind(id)
            .bind(member)
            .execute(&mut *connection)
            .await?;
    }
    Ok(id)
}

/// Whether any meta event could be claimed now.
///
/// # Errors
/// If the database fails.
pub async fn any_due(reader: &SqlitePool, now: i64) -> Result<bool, StorageError> {
    let due: i64 = sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM meta_events WHERE next_attempt_at <= $1 \
         AND (claimed_until IS NULL OR claimed_until <= $1))",
    )
    .bind(now)
    .fetch_one(reader)
    .await?;
    Ok(due != 0)
}

/// How many usages wait for a meta event to be sent.
///
/// # Errors
/// If the database fails.
pub async fn count_queued(connection: &mut SqliteConnection, id: i64) -> Result<i64, StorageError> {
    Ok(
        sqlx::query_scalar("SELECT COUNT(*) FROM media_references WHERE queued_in = $1")
            .bind(id)
            .fetch_one(connection)
            .await?,
    )
}

/// Claims up to `limit` meta events that are due, for `lease` milliseconds: nobody else takes them
/// before that, and after it somebody does if this process has died. An earlier claim that ran out
/// may have been acted on: nobody knows since when it was made.
///
/// # Errors
/// If the database fails.
pub async fn claim(
    connection: &mut SqliteConnection,
    now: i64,
    lease: i64,
    limit: i64,
) -> Result<Vec<MetaEventRow>, StorageError> {
    Ok(sqlx::query_as(
        "UPDATE meta_events SET claimed_until = $2 + $1, attempts = attempts + 1, \
         unknown_since = COALESCE(unknown_since, claimed_until - $1) WHERE id IN \
         (SELECT id FROM meta_events WHERE next_attempt_at <= $2 AND state IN ('waiting', 'redacting') \
          AND (claimed_until IS NULL OR claimed_until <= $2) ORDER BY next_attempt_at LIMIT $3) \
         RETURNING id, bridge, room_id, state, event_type, content, batch, txn_id, device_id, event_id, \
         redact_txn_id, attempts, unknown_since, created_at, has_copy, copy_mxc, copied_at, copies_refused",
    )
    .bind(lease)
    .bind(now)
    .bind(limit)
    .fetch_all(connection)
    .await?)
}

/// Gives up the claims of a process that has ended, each of which held for `lease` milliseconds.
/// What it was about to do it may have done: nobody knows since then. Only for the one service of
/// a database.
///
/// # Errors
/// If the database fails.
pub async fn forget_claims(
    connection: &mut SqliteConnection,
    lease: i64,
) -> Result<(), StorageError> {
    sqlx::query(
        "UPDATE meta_events SET claimed_until = NULL, \
         unknown_since = COALESCE(unknown_since, claimed_until - $1) WHERE claimed_until IS NOT NULL",
    )
    .bind(lease)
    .execute(connection)
    .await?;
    Ok(())
}

/// A meta event was accepted: its usages are counted by it, and by no other any more.
///
/// # Errors
/// If the database fails.
pub async fn settle_sent(
    connection: &mut SqliteConnection,
    id: i64,
    event_id: &str,
    review_dead_at: i64,
    now: i64,
) -> Result<(), StorageError> {
    sqlx::query(
        "UPDATE meta_events SET state = 'sent', event_id = $1, claimed_until = NULL, next_attempt_at = NULL, \
         unknown_since = NULL, last_error = NULL WHERE id = $2 AND state = 'waiting'",
    )
    .bind(event_id)
    .bind(id)
    .execute(&mut *connection)
    .await?;
    let left: Vec<i64> = sqlx::query_scalar(
        "SELECT DISTINCT counted_by FROM media_references WHERE queued_in = $1 AND counted_by IS NOT NULL",
    )
    .bind(id)
    .fetch_all(&mut *connection)
    .await?;
    sqlx::query(
        "UPDATE media_references SET state = 'counted', counted_by = $1, queued_in = NULL, pending_at = NULL, \
         copy_mxc = (SELECT copy_mxc FROM meta_events WHERE id = $1) WHERE queued_in = $1",
    )
    .bind(id)
    .execute(&mut *connection)
    .await?;
    for meta_event in left {
        review_by(connection, meta_event, now).await?;
    }
    let dead: i64 = sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM media_references r WHERE r.counted_by = $1 AND NOT EXISTS \
         (SELECT 1 FROM links l WHERE l.media_reference_id = r.id AND l.state = 'live'))",
    )
    .bind(id)
    .fetch_one(&mut *connection)
    .await?;
    if dead != 0 {
        review_by(connection, id, review_dead_at).await?;
    }
    Ok(())
}

/// A meta event was redacted: what it counted is released.
///
/// # Errors
/// If the database fails.
pub async fn settle_redacted(
    connection: &mut SqliteConnection,
    id: i64,
    now: i64,
) -> Result<(), StorageError> {
    sqlx::query(
        "UPDATE meta_events SET state = 'redacted', redacted_at = $2, claimed_until = NULL, \
         next_attempt_at = NULL, last_error = NULL WHERE id = $1 AND state = 'redacting'",
    )
    .bind(id)
    .bind(now)
    .execute(&mut *connection)
    .await?;
    sqlx::query(
        "UPDATE media_references SET counted_by = NULL, copy_mxc = NULL, \
         state = CASE WHEN queued_in IS NULL THEN 'released' ELSE 'pending' END WHERE counted_by = $1",
    )
    .bind(id)
    .execute(&mut *connection)
    .await?;
    Ok(())
}

/// An attempt did not succeed, another one is made at `next_attempt_at`. `unknown`: the homeserver
/// may have accepted it. `device_id`: as which device it is tried from now on.
///
/// # Errors
/// If the database fails.
pub async fn settle_later(
    connection: &mut SqliteConnection,
    id: i64,
    next_attempt_at: i64,
    unknown_since: Option<i64>,
    error: &str,
) -> Result<(), StorageError> {
    sqlx::query(
        "UPDATE meta_events SET claimed_until = NULL, next_attempt_at = $1, \
         unknown_since = COALESCE(unknown_since, $2), last_error = $3 \
         WHERE id = $4 AND state IN ('waiting', 'redacting')",
    )
    .bind(next_attempt_at)
    .bind(unknown_since)
    .bind(error)
    .bind(id)
    .execute(connection)
    .await?;
    Ok(())
}

/// The meta event is not in the room, and the homeserver has forgotten its transaction: it is
/// sent anew under another transaction ID.
///
/// # Errors
/// If the database fails.
pub async fn send_anew(
    connection: &mut SqliteConnection,
    id: i64,
    now: i64,
) -> Result<(), StorageError> {
    sqlx::query(
        "UPDATE meta_events SET txn_id = $1, claimed_until = NULL, next_attempt_at = $2, unknown_since = NULL \
         WHERE id = $3 AND state = 'waiting'",
    )
    .bind(crate::random::id())
    .bind(now)
    .bind(id)
    .execute(connection)
    .await?;
    Ok(())
}

/// The medium of a meta event that is sent with a copy.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Medium {
    /// The media.
    pub mxc: String,
    /// Its content token; empty: none.
    pub content_token: String,
    /// The copy that is attached to the meta event that counts it now.
    pub copy_mxc: Option<String>,
    /// That we have uploaded it ourselves to be attached, and when, in milliseconds since the epoch.
    pub own_upload_at: Option<i64>,
}

/// The medium of a meta event that is sent with a copy.
///
/// # Errors
/// If the database fails.
pub async fn medium(reader: &SqlitePool, id: i64) -> Result<Option<Medium>, StorageError> {
    Ok(sqlx::query_as(
        "SELECT r.mxc, r.content_token, r.copy_mxc, r.own_upload_at FROM meta_event_members m \
         JOIN media_references r ON r.id = m.media_reference_id WHERE m.meta_event_id = $1 LIMIT 1",
    )
    .bind(id)
    .fetch_optional(reader)
    .await?)
}

/// Notes the copy that a meta event is sent with from now on, made at `copied_at`. One that had a
/// copy before is sent under another transaction ID: another copy is another request. Returns the
/// transaction ID; `None`: it does not wait to be sent any more.
///
/// # Errors
/// If the database fails.
pub async fn note_copy(
    connection: &mut SqliteConnection,
    id: i64,
    copy_mxc: &str,
    copied_at: i64,
) -> Result<Option<String>, StorageError> {
    Ok(sqlx::query_scalar(
        "UPDATE meta_events SET txn_id = CASE WHEN copy_mxc IS NULL THEN txn_id ELSE $1 END, \
         unknown_since = CASE WHEN copy_mxc IS NULL THEN unknown_since END, \
         copy_mxc = $2, copied_at = $3 WHERE id = $4 AND state = 'waiting' RETURNING txn_id",
    )
    .bind(crate::random::id())
    .bind(copy_mxc)
    .bind(copied_at)
    .bind(id)
    .fetch_optional(connection)
    .await?)
}

/// The homeserver did not attach the copy, and the meta event is not in the room: it is sent at
/// `next_attempt_at` with another copy, under another transaction ID.
///
/// # Errors
/// If the database fails.
pub async fn copy_anew(
    connection: &mut SqliteConnection,
    id: i64,
    next_attempt_at: i64,
    error: &str,
) -> Result<(), StorageError> {
    sqlx::query(
        "UPDATE meta_events SET copy_mxc = NULL, copied_at = NULL, copies_refused = copies_refused + 1, \
         txn_id = $1, claimed_until = NULL, unknown_since = NULL, next_attempt_at = $2, last_error = $3 \
         WHERE id = $4 AND state = 'waiting'",
    )
    .bind(crate::random::id())
    .bind(next_attempt_at)
    .bind(error)
    .bind(id)
    .execute(connection)
    .await?;
    Ok(())
}

/// How a meta event that cannot be sent ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GivenUp {
    /// It could not be sent.
    Failed,
    /// It is not wanted in that room.
    Disabled,
    /// Others take its place, and its usages.
    Replaced,
}

/// Gives up a meta event that the homeserver has surely not accepted. Its usages stay counted by
/// an earlier one where there is one, which is looked at again at `review_at`; those whose links have
/// all died meanwhile are released.
///
/// # Errors
/// If the database fails.
pub async fn give_up(
    connection: &mut SqliteConnection,
    id: i64,
    end: GivenUp,
    error: &str,
    review_at: i64,
) -> Result<Vec<i64>, StorageError> {
    let (state, usage, dead) = match end {
        GivenUp::Failed => ("failed", UsageState::Failed, UsageState::Released),
        GivenUp::Disabled => ("dropped", UsageState::Disabled, UsageState::Disabled),
        GivenUp::Replaced => ("dropped", UsageState::Pending, UsageState::Released),
    };
    sqlx::query(
        "UPDATE meta_events SET state = $1, claimed_until = NULL, next_attempt_at = NULL, last_error = $2 \
         WHERE id = $3 AND state = 'waiting'",
    )
    .bind(state)
    .bind(error)
    .bind(id)
    .execute(&mut *connection)
    .await?;
    let earlier: Vec<i64> = sqlx::query_scalar(
        "SELECT DISTINCT counted_by FROM media_references WHERE queued_in = $1 AND counted_by IS NOT NULL",
    )
    .bind(id)
    .fetch_all(&mut *connection)
    .await?;
    let members: Vec<i64> = sqlx::query_scalar(
        "UPDATE media_references SET queued_in = NULL, \
         state = CASE WHEN counted_by IS NOT NULL THEN state \
         WHEN EXISTS (SELECT 1 FROM links l WHERE l.media_reference_id = media_references.id AND l.state = 'live') \
         THEN $1 ELSE $2 END WHERE queued_in = $3 RETURNING id",
    )
    .bind(usage.as_str())
    .bind(dead.as_str())
    .bind(id)
    .fetch_all(&mut *connection)
    .await?;
    if end != GivenUp::Replaced {
        for meta_event in earlier {
            review_by(connection, meta_event, review_at).await?;
        }
    }
    Ok(members)
}

/// Has a sent meta event looked at by a time at the latest.
///
/// # Errors
/// If the database fails.
pub async fn review_by(
    connection: &mut SqliteConnection,
    id: i64,
    at: i64,
) -> Result<(), StorageError> {
    sqlx::query(
        "UPDATE meta_events SET review_at = $1 WHERE id = $2 AND state = 'sent' \
         AND (review_at IS NULL OR review_at > $1)",
    )
    .bind(at)
    .bind(id)
    .execute(connection)
    .await?;
    Ok(())
}

/// A usage as a member of a meta event under review.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Member {
    /// The usage.
    pub id: i64,
    /// Whether this meta event counts it, and no later one.
    pub here: bool,
    /// Whether a later meta event is on its way for it.
    pub queued: bool,
    /// Whether it has a live link.
    pub live: bool,
}

/// Sent meta events whose review is due: row, bridge and room.
///
/// # Errors
/// If the database fails.
pub async fn to_review(
    connection: &mut SqliteConnection,
    now: i64,
    limit: i64,
) -> Result<Vec<(i64, String, String)>, StorageError> {
    Ok(sqlx::query_as(
        "SELECT id, bridge, room_id FROM meta_events WHERE review_at <= $1 AND state = 'sent' \
         ORDER BY review_at LIMIT $2",
    )
    .bind(now)
    .bind(limit)
    .fetch_all(connection)
    .await?)
}

/// The members of a meta event; its review is noted as done.
///
/// # Errors
/// If the database fails.
pub async fn review(
    connection: &mut SqliteConnection,
    id: i64,
) -> Result<Vec<Member>, StorageError> {
    sqlx::query("UPDATE meta_events SET review_at = NULL WHERE id = $1")
        .bind(id)
        .execute(&mut *connection)
        .await?;
    Ok(sqlx::query_as(
        "SELECT r.id, COALESCE(r.counted_by = m.meta_event_id, FALSE) AS here, \
         (r.queued_in IS NOT NULL) AS queued, \
         EXISTS (SELECT 1 FROM links l WHERE l.media_reference_id = r.id AND l.state = 'live') AS live \
         FROM meta_event_members m JOIN media_references r ON r.id = m.media_reference_id \
         WHERE m.meta_event_id = $1",
    )
    .bind(id)
    .fetch_all(connection)
    .await?)
}

/// Queues the redaction of a sent meta event.
///
/// # Errors
/// If the database fails.
pub async fn start_redaction(
    connection: &mut SqliteConnection,
    id: i64,
    now: i64,
) -> Result<(), StorageError> {
    sqlx::query(
        "UPDATE meta_events SET state = 'redacting', redact_txn_id = $1, attempts = 0, unknown_since = NULL, \
         next_attempt_at = $2, review_at = NULL WHERE id = $3 AND state = 'sent'",
    )
    .bind(crate::random::id())
    .bind(now)
    .bind(id)
    .execute(connection)
    .await?;
    Ok(())
}

/// Makes everything that waits in a room due now: what kept it from being done may have gone.
///
/// # Errors
/// If the database fails.
pub async fn try_now(
    connection: &mut SqliteConnection,
    bridge: &str,
    room_id: &str,
    now: i64,
) -> Result<(), StorageError> {
    sqlx::query(
        "UPDATE meta_events SET next_attempt_at = $1 WHERE bridge = $2 AND room_id = $3 \
         AND next_attempt_at > $1 AND state IN ('waiting', 'redacting')",
    )
    .bind(now)
    .bind(bridge)
    .bind(room_id)
    .execute(connection)
    .await?;
    Ok(())
}

/// Has all sent meta events of a bridge in a room looked at now.
///
/// # Errors
/// If the database fails.
pub async fn review_room(
    connection: &mut SqliteConnection,
    bridge: &str,
    room_id: &str,
    now: i64,
) -> Result<(), StorageError> {
    sqlx::query(
        "UPDATE meta_events SET review_at = $1 WHERE bridge = $2 AND room_id = $3 AND state = 'sent'",
    )
    .bind(now)
    .bind(bridge)
    .bind(room_id)
    .execute(connection)
    .await?;
    Ok(())
}

/// A meta event as `usage list` shows it.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct MetaEventSummary {
    /// The row.
    pub id: i64,
    /// As whose user it is sent.
    pub bridge: String,
    /// Where it is sent.
    pub room_id: String,
    /// Its state.
    pub state: String,
    /// Its event ID, once sent.
    pub event_id: Option<String>,
    /// How many media it counts.
    pub media: i64,
    /// How often it was tried.
    pub attempts: i64,
    /// When it is tried next, in milliseconds since the epoch.
    pub next_attempt_at: Option<i64>,
    /// What went wrong last.
    pub last_error: Option<String>,
}

/// The newest meta events, of one state or of all.
///
/// # Errors
/// If the database fails.
pub async fn list(
    reader: &SqlitePool,
    state: Option<&str>,
    limit: i64,
) -> Result<Vec<MetaEventSummary>, StorageError> {
    Ok(sqlx::query_as(
        "SELECT e.id, e.bridge, e.room_id, e.state, e.event_id, e.attempts, e.next_attempt_at, e.last_error, \
         (SELECT COUNT(*) FROM media_references r WHERE r.counted_by = e.id OR r.queued_in = e.id) AS media \
         FROM meta_events e WHERE $1 IS NULL OR e.state = $1 ORDER BY e.id DESC LIMIT $2",
    )
    .bind(state)
    .bind(limit)
    .fetch_all(reader)
    .await?)
}

/// How many usages are in each state.
///
/// # Errors
/// If the database fails.
pub async fn count_usages(reader: &SqlitePool) -> Result<Vec<(String, i64)>, StorageError> {
    Ok(
        sqlx::query_as(
            "SELECT state, COUNT(*) FROM media_references GROUP BY state ORDER BY state",
        )
        .fetch_all(reader)
        .await?,
    )
}

/// How much of the outbox is due: meta events to be sent or redacted or looked at, usages to be
/// gathered, links to be noted down as expired, replaced rooms to be looked at. `gathered_before`:
/// usages that wait since then are due.
///
/// # Errors
/// If the database fails.
pub async fn count_due(
    reader: &SqlitePool,
    gathered_before: i64,
    now: i64,
) -> Result<i64, StorageError> {
    Ok(sqlx::query_scalar(
        "SELECT (SELECT COUNT(*) FROM meta_events WHERE next_attempt_at <= $1 OR claimed_until IS NOT NULL) \
         + (SELECT COUNT(*) FROM meta_events WHERE review_at <= $1 AND state = 'sent') \
         + (SELECT COUNT(*) FROM media_references WHERE state = 'pending' AND queued_in IS NULL AND pending_at <= $2) \
         + (SELECT COUNT(*) FROM links WHERE state = 'live' AND expires_at <= $1) \
         + (SELECT COUNT(*) FROM room_successors WHERE check_at <= $1)",
    )
    .bind(now)
    .bind(gathered_before)
    .fetch_one(reader)
    .await?)
}

/// How many meta events wait to be sent or redacted, and how many reviews and gatherings are
/// still to come.
///
/// # Errors
/// If the database fails.
pub async fn count_waiting(reader: &SqlitePool) -> Result<i64, StorageError> {
    Ok(sqlx::query_scalar(
        "SELECT (SELECT COUNT(*) FROM meta_events WHERE next_attempt_at IS NOT NULL) \
         + (SELECT COUNT(*) FROM meta_events WHERE review_at IS NOT NULL AND state = 'sent') \
         + (SELECT COUNT(*) FROM media_references WHERE state = 'pending' AND queued_in IS NULL)",
    )
    .fetch_one(reader)
    .await?)
}
