//! Counting how often links are followed. All of this fails only if the database does.

use medialink_link::LinkState;

use super::super::{
    StorageError,
    engine::{Connection, Kind, QueryBuilder, Rows, query_as},
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

/// What was counted of a link in memory.
#[derive(Debug, Clone, Copy)]
pub struct Counted<'a> {
    /// The link's ID.
    pub link_id: &'a str,
    /// How often it was followed.
    pub follows: i64,
    /// How many bytes it has served.
    pub bytes: i64,
    /// When it was followed last, in milliseconds since the epoch.
    pub last: i64,
}

/// Adds follows and bytes that were counted in memory, of each link once. Follows of links with a limited number of
/// them are counted when they are taken.
pub async fn add_follows(
    connection: &mut Connection,
    counted: impl IntoIterator<Item = Counted<'_>>,
) -> Result<(), StorageError> {
    let mut rows = Rows::new(&[
        ("counted", Kind::Text),
        ("more", Kind::Integer),
        ("bytes", Kind::Integer),
        ("last", Kind::Integer),
    ]);
    for one in counted {
        rows.push([
            one.link_id.into(),
            one.follows.into(),
            one.bytes.into(),
            one.last.into(),
        ]);
    }
    let mut query = QueryBuilder::new(
        "UPDATE links SET bytes_served = bytes_served + here.bytes, \
         follows = CASE WHEN max_follows IS NULL THEN follows + here.more ELSE follows END, \
         last_followed_at = CASE WHEN here.more > 0 AND COALESCE(last_followed_at, 0) < here.last THEN here.last \
         ELSE last_followed_at END FROM ",
    );
    query
        .push_rows(rows)
        .push(" AS here WHERE link_id = here.counted");
    query.build().execute(connection).await?;
    Ok(())
}
