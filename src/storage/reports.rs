//! Reports of readers, and to whom each has been told.
//!
//! Every function here fails with [`StorageError`] if the database does.

use super::{
    StorageError,
    engine::{Connection, Reader, query, query_as, query_scalar},
};

/// A report of a reader.
#[derive(Debug, Clone)]
pub struct NewReport {
    /// The link.
    pub link_id: String,
    /// A keyed digest of the reader's network.
    pub reporter: String,
    /// The link's bridge.
    pub bridge: String,
    /// The link's room.
    pub room_id: String,
    /// The link's event; empty: it belongs to none.
    pub event_id: String,
    /// Who shared the media; empty: not known.
    pub sender: String,
    /// The media.
    pub mxc: String,
    /// One of the words of the form.
    pub reason: &'static str,
    /// What the reader has written; may be empty.
    pub note: String,
}

/// Who is told of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// The homeserver of the room.
    Homeserver,
    /// The operator.
    Operator,
}

impl Target {
    /// As the database and metrics spell it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Homeserver => "homeserver",
            Self::Operator => "operator",
        }
    }
}

/// Takes a report, which is to be told to these; `false`: the reader has reported the link before.
pub async fn take(
    connection: &mut Connection,
    report: &NewReport,
    targets: &[Target],
    now: i64,
) -> Result<bool, StorageError> {
    let id: Option<i64> = query_scalar(
        "INSERT INTO reports (link_id, reporter, bridge, room_id, event_id, sender, mxc, reason, note, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (link_id, reporter) DO NOTHING RETURNING id",
    )
    .bind(&report.link_id)
    .bind(&report.reporter)
    .bind(&report.bridge)
    .bind(&report.room_id)
    .bind(&report.event_id)
    .bind(&report.sender)
    .bind(&report.mxc)
    .bind(report.reason)
    .bind(&report.note)
    .bind(now)
    .fetch_optional(&mut *connection)
    .await?;
    let Some(id) = id else {
        return Ok(false);
    };
    for target in targets {
        query(
            "INSERT INTO report_deliveries (report_id, target, txn_id, next_attempt_at) VALUES ($1, $2, $3, $4)",
        )
        .bind(id)
        .bind(target.as_str())
        .bind(crate::random::id())
        .bind(now)
        .execute(&mut *connection)
        .await?;
    }
    Ok(true)
}

/// A report that somebody is to be told of.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct DueDelivery {
    /// The report.
    pub report_id: i64,
    /// Who is told: see [`Target::as_str`].
    pub target: String,
    /// The transaction ID of its message.
    pub txn_id: String,
    /// How many attempts have failed.
    pub attempts: i64,
    /// The link.
    pub link_id: String,
    /// The link's bridge.
    pub bridge: String,
    /// The link's room.
    pub room_id: String,
    /// The link's event; empty: it belongs to none.
    pub event_id: String,
    /// Who shared the media; empty: not known.
    pub sender: String,
    /// The media.
    pub mxc: String,
    /// One of the words of the form.
    pub reason: String,
    /// What the reader has written.
    pub note: String,
}

/// Up to `limit` reports that somebody is to be told of now, the longest due first.
pub async fn due(reader: &Reader, now: i64, limit: i64) -> Result<Vec<DueDelivery>, StorageError> {
    query_as(
        "SELECT d.report_id, d.target, d.txn_id, d.attempts, r.link_id, r.bridge, r.room_id, r.event_id, r.sender, \
         r.mxc, r.reason, r.note FROM report_deliveries d JOIN reports r ON r.id = d.report_id \
         WHERE d.next_attempt_at <= $1 ORDER BY d.next_attempt_at LIMIT $2",
    )
    .bind(now)
    .bind(limit)
    .fetch_all(reader)
    .await
}

/// Notes that somebody was told of a report, or cannot be.
pub async fn settle(
    connection: &mut Connection,
    report_id: i64,
    target: &str,
    is_told: bool,
) -> Result<(), StorageError> {
    query(
        "UPDATE report_deliveries SET outcome = $1, next_attempt_at = NULL WHERE report_id = $2 AND target = $3",
    )
    .bind(if is_told { "told" } else { "failed" })
    .bind(report_id)
    .bind(target)
    .execute(connection)
    .await?;
    Ok(())
}

/// Notes an attempt that has failed, and when the next one is due.
pub async fn postpone(
    connection: &mut Connection,
    report_id: i64,
    target: &str,
    next_attempt_at: i64,
) -> Result<(), StorageError> {
    query(
        "UPDATE report_deliveries SET attempts = attempts + 1, next_attempt_at = $1 \
         WHERE report_id = $2 AND target = $3",
    )
    .bind(next_attempt_at)
    .bind(report_id)
    .bind(target)
    .execute(connection)
    .await?;
    Ok(())
}

/// A report as an operator reads it.
#[derive(Debug, Clone, sqlx::FromRow, serde::Serialize)]
pub struct ReportSummary {
    /// Its number.
    pub id: i64,
    /// When it was made, in milliseconds since the epoch.
    #[serde(rename = "created_ts")]
    pub created_at: i64,
    /// The link.
    pub link_id: String,
    /// The link's bridge.
    pub bridge: String,
    /// The link's room.
    pub room_id: String,
    /// The link's event; empty: it belongs to none.
    pub event_id: String,
    /// Who shared the media; empty: not known.
    pub sender: String,
    /// The media.
    pub mxc: String,
    /// One of the words of the form.
    pub reason: String,
    /// What the reader has written.
    pub note: String,
    /// Whether the homeserver was told: waiting, told or failed; `None`: it is not to be.
    pub homeserver: Option<String>,
    /// The same of the operator.
    pub operator: Option<String>,
    /// When an operator has marked it as seen to, in milliseconds since the epoch.
    #[serde(rename = "handled_ts")]
    pub handled_at: Option<i64>,
}

/// The newest reports.
pub async fn list(reader: &Reader, limit: i64) -> Result<Vec<ReportSummary>, StorageError> {
    query_as(
        "SELECT r.id, r.created_at, r.link_id, r.bridge, r.room_id, r.event_id, r.sender, r.mxc, r.reason, r.note, r.handled_at, \
         (SELECT d.outcome FROM report_deliveries d WHERE d.report_id = r.id AND d.target = 'homeserver') AS homeserver, \
         (SELECT d.outcome FROM report_deliveries d WHERE d.report_id = r.id AND d.target = 'operator') AS operator \
         FROM reports r WHERE r.id >= 0 ORDER BY r.id DESC LIMIT $1",
    )
    .bind(limit)
    .fetch_all(reader)
    .await
}

/// Marks a report as seen to; `false`: there is none that is not.
pub async fn mark(connection: &mut Connection, id: i64, now: i64) -> Result<bool, StorageError> {
    let marked = query("UPDATE reports SET handled_at = $1 WHERE id = $2 AND handled_at IS NULL")
        .bind(now)
        .bind(id)
        .execute(connection)
        .await?;
    Ok(marked > 0)
}
