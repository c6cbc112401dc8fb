//! Media that we have uploaded ourselves, until it is deleted from the homeserver.
//!
//! Every function here fails with [`StorageError`] if the database does.

use super::{
    StorageError,
    engine::{Connection, QueryBuilder, Reader, query},
};

/// Media that nothing needs any more.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct UnneededUpload {
    /// Its mxc URI.
    pub mxc: String,
    /// The bridge whose user has uploaded it.
    pub bridge: String,
    /// How many attempts to delete it have failed.
    pub attempts: i64,
}

/// Notes media that a bridge's user has uploaded.
pub async fn note(
    connection: &mut Connection,
    mxc: &str,
    bridge: &str,
    now: i64,
) -> Result<(), StorageError> {
    query(
        "INSERT INTO own_uploads (mxc, bridge, next_attempt_at) VALUES ($1, $2, $3) \
         ON CONFLICT (mxc) DO NOTHING",
    )
    .bind(mxc)
    .bind(bridge)
    .bind(now)
    .execute(connection)
    .await?;
    Ok(())
}

/// Media of these bridges to which no link lives, and whose usage is released, where an attempt to
/// delete it is due.
pub async fn unneeded(
    reader: &Reader,
    bridges: &[String],
    now: i64,
    limit: i64,
) -> Result<Vec<UnneededUpload>, StorageError> {
    let mut query = QueryBuilder::new(
        "SELECT u.mxc, u.bridge, u.attempts FROM own_uploads u WHERE u.next_attempt_at <= ",
    );
    query
        .push_bind(now)
        .push(" AND u.bridge IN (")
        .push_list(bridges)
        .push(") AND NOT EXISTS (SELECT 1 FROM media_references r WHERE ")
        .push_same_mxc("r.mxc", "u.mxc")
        .push(
            " AND (r.state NOT IN ('released', 'disabled', 'failed') OR EXISTS \
             (SELECT 1 FROM links l WHERE l.media_reference_id = r.id AND l.state = 'live'))) \
             ORDER BY u.next_attempt_at LIMIT ",
        )
        .push_bind(limit);
    query.build_query_as().fetch_all(reader).await
}

/// Forgets media that has gone.
pub async fn forget(connection: &mut Connection, mxc: &str) -> Result<(), StorageError> {
    query("DELETE FROM own_uploads WHERE mxc = $1")
        .bind(mxc)
        .execute(connection)
        .await?;
    Ok(())
}

/// Notes an attempt that has failed, and when the next one is due.
pub async fn postpone(
    connection: &mut Connection,
    mxc: &str,
    next_attempt_at: i64,
) -> Result<(), StorageError> {
    query("UPDATE own_uploads SET attempts = attempts + 1, next_attempt_at = $1 WHERE mxc = $2")
        .bind(next_attempt_at)
        .bind(mxc)
        .execute(connection)
        .await?;
    Ok(())
}
