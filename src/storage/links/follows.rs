//! Counting how often links are followed. All of this fails only if the database does.

use medialink_link::LinkState;

use super::super::{
    StorageError,
    engine::{Connection, query, query_as},
};

/// Takes one of a limited number of follows; returns the state of the link then, and its usage.
/// `None`: none was left, or the link has ended.
pub(in crate::storage) async fn take_follow(
    connection: &mut Connection,
    id: i64,
    now: i64,
) -> Result<Option<(LinkState, i64)>, StorageError> {
    let taken: Option<(String, i64)> = query_as(concat!(
        "UPDATE links AS l SET follows = follows + 1, last_followed_at = $1, \
             state = CASE WHEN follows + 1 >= max_follows THEN 'spent' ELSE state END, \
             ended_at = CASE WHEN follows + 1 >= max_follows THEN $1 ELSE ended_at END \
             WHERE id = $2 AND state = 'live' AND is_doubted = 0 AND follows < max_follows \
             AND (expires_at IS NULL OR expires_at > $1) AND NOT EXISTS (",
        decided_end!(),
        ") RETURNING state, media_reference_id"
    ))
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
pub async fn add_follows(
    connection: &mut Connection,
    link_id: &str,
    follows: i64,
    bytes: i64,
    last: i64,
) -> Result<(), StorageError> {
    query(
        "UPDATE links SET bytes_served = bytes_served + $1, \
         follows = CASE WHEN max_follows IS NULL THEN follows + $2 ELSE follows END, \
         last_followed_at = CASE WHEN $2 > 0 AND COALESCE(last_followed_at, 0) < $3 THEN $3 \
         ELSE last_followed_at END WHERE link_id = $4",
    )
    .bind(bytes)
    .bind(follows)
    .bind(last)
    .bind(link_id)
    .execute(connection)
    .await?;
    Ok(())
}
