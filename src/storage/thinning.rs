//! Links, usages and meta events that ended long ago are deleted, some at a time. Of links, their tombstones stay.
//!
//! A pass looks at what has ended, the oldest first. What something still needs is passed over, and looked at again
//! by the next pass. Every function here fails only if the database does.

use medialink_link::{LinkForm, LinkState};

use super::{
    StorageError,
    engine::{Connection, Kind, Lock, QueryBuilder, Rows, pick, query_as},
    held_usages,
    tombstones::{self, Name, Tombstone},
};

/// How far a pass has come: the time of an end in milliseconds since the epoch, and a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place(i64, i64);

impl Place {
    /// Where a pass begins.
    pub const START: Self = Self(i64::MIN, 0);
}

/// What a piece of a pass has come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Thinned {
    /// How many links, or meta events, were deleted.
    pub ended: usize,
    /// How many usages went with them.
    pub usages: u64,
    /// Where the next piece begins; `None`: nothing else has ended so long ago.
    pub next: Option<Place>,
}

/// A usage that nothing counts, nor is to: `r` is its row.
macro_rules! is_released {
    () => {
        "r.state IN ('released', 'disabled', 'failed') AND r.counted_by IS NULL AND r.queued_in IS NULL"
    };
}

/// Links that have ended, of which `$which`, and whether nothing needs their rows any more: neither the homeserver,
/// nor the cache, which finds media by the keys of its links.
macro_rules! ended_links {
    ($which:literal, $rest:literal) => {
        concat!(
            "SELECT l.id, l.link_id, l.bridge, l.form, l.state, l.ended_at, l.media_reference_id, \
             ((",
            is_released!(),
            " OR EXISTS (SELECT 1 FROM links o WHERE o.media_reference_id = r.id AND o.state = 'live')) \
             AND NOT EXISTS (SELECT 1 FROM cache_purges p WHERE p.media_reference_id = r.id) \
             AND NOT EXISTS (SELECT 1 FROM front_purges f WHERE f.media_reference_id = r.id) \
             AND (l.file IS NULL OR EXISTS (SELECT 1 FROM links o WHERE o.media_reference_id = r.id \
             AND o.state = 'live' AND o.file = l.file))) AS is_over \
             FROM links l JOIN media_references r ON r.id = l.media_reference_id \
             WHERE l.state <> 'live' AND ",
            $which,
            $rest
        )
    };
}

#[derive(sqlx::FromRow)]
struct EndedLink {
    id: i64,
    link_id: String,
    bridge: String,
    form: String,
    state: String,
    ended_at: i64,
    media_reference_id: i64,
    is_over: bool,
}

impl EndedLink {
    fn buried(&self) -> Result<(Name, Tombstone), StorageError> {
        let state = LinkState::parse(&self.state).ok_or(StorageError::Corrupt("link state"))?;
        let tombstone = Tombstone {
            state,
            is_legacy: LinkForm::parse(&self.form) == Some(LinkForm::Legacy),
            ended_at_s: self.ended_at / 1000,
        };
        Ok((Name::of(&self.bridge, &self.link_id), tombstone))
    }
}

/// Those that ended before a time, the oldest first.
macro_rules! ended_before {
    ($rest:literal) => {
        ended_links!(
            "(l.ended_at, l.id) > ($1, $2) AND l.ended_at < $3 ORDER BY l.ended_at, l.id LIMIT $4",
            $rest
        )
    };
}

/// Those of a user, and of a room unless `$3` is empty.
macro_rules! ended_of_user {
    ($rest:literal) => {
        ended_links!(
            "l.sender = (SELECT id FROM matrix_ids WHERE matrix_id = $1) AND l.id > $2 \
             AND ($3 = '' OR l.room = (SELECT id FROM matrix_ids WHERE matrix_id = $3)) ORDER BY l.id LIMIT $4",
            $rest
        )
    };
}

/// Those of a room.
macro_rules! ended_of_room {
    ($rest:literal) => {
        ended_links!(
            "l.room = (SELECT id FROM matrix_ids WHERE matrix_id = $1) AND l.id > $2 ORDER BY l.id LIMIT $3",
            $rest
        )
    };
}

/// Looks at up to `limit` links that ended before a time.
pub async fn links(
    connection: &mut Connection,
    from: Place,
    ended_before: i64,
    limit: i64,
) -> Result<Thinned, StorageError> {
    connection.lock(&[Lock::Tombstones]).await?;
    let ended: Vec<EndedLink> =
        query_as(pick(ended_before!(""), ended_before!(" FOR UPDATE OF l")))
            .bind(from.0)
            .bind(from.1)
            .bind(ended_before)
            .bind(limit)
            .fetch_all(&mut *connection)
            .await?;
    thin(connection, ended).await
}

/// Whose links are looked at.
#[derive(Debug, Clone)]
pub struct Whose {
    /// The user who shared their media; `None`: any.
    pub user_id: Option<String>,
    /// Their room; `None`: any, if there is a user.
    pub room_id: Option<String>,
}

/// Looks at up to `limit` ended links of a user or a room, from a row on.
pub async fn links_of(
    connection: &mut Connection,
    whose: &Whose,
    from: Place,
    limit: i64,
) -> Result<Thinned, StorageError> {
    connection.lock(&[Lock::Tombstones]).await?;
    let room_id = whose.room_id.as_deref().unwrap_or_default();
    let ended = match &whose.user_id {
        Some(user_id) => {
            let text = pick(ended_of_user!(""), ended_of_user!(" FOR UPDATE OF l"));
            query_as(text).bind(user_id).bind(from.1).bind(room_id)
        }
        None => {
            let text = pick(ended_of_room!(""), ended_of_room!(" FOR UPDATE OF l"));
            query_as(text).bind(room_id).bind(from.1)
        }
    };
    let ended = ended.bind(limit).fetch_all(&mut *connection).await?;
    thin(connection, ended).await
}

async fn thin(connection: &mut Connection, ended: Vec<EndedLink>) -> Result<Thinned, StorageError> {
    let last = ended.last().map(|link| Place(link.ended_at, link.id));
    let over: Vec<EndedLink> = ended.into_iter().filter(|link| link.is_over).collect();
    let tombstones: Vec<_> = over
        .iter()
        .map(EndedLink::buried)
        .collect::<Result<_, _>>()?;
    tombstones::bury(connection, &tombstones).await?;
    let rows = over.iter().map(|link| link.id);
    delete(
        connection,
        "DELETE FROM links WHERE state <> 'live' AND id IN ",
        rows,
    )
    .await?;
    let usages = over.iter().map(|link| link.media_reference_id).collect();
    Ok(Thinned {
        ended: over.len(),
        usages: forget_usages(connection, usages).await?,
        next: last,
    })
}

/// Looks at up to `limit` meta events that were redacted, or given up, before a time.
pub async fn meta_events(
    connection: &mut Connection,
    from: Place,
    ended_before: i64,
    limit: i64,
) -> Result<Thinned, StorageError> {
    let ended: Vec<(i64, i64, bool)> = query_as(
        "SELECT e.id, COALESCE(e.redacted_at, e.created_at), \
         NOT EXISTS (SELECT 1 FROM media_references r WHERE r.counted_by = e.id) \
         AND NOT EXISTS (SELECT 1 FROM media_references r WHERE r.queued_in = e.id) \
         FROM meta_events e WHERE e.state IN ('redacted', 'lost', 'failed', 'dropped') \
         AND e.next_attempt_at IS NULL AND (COALESCE(e.redacted_at, e.created_at), e.id) > ($1, $2) \
         AND COALESCE(e.redacted_at, e.created_at) < $3 \
         ORDER BY COALESCE(e.redacted_at, e.created_at), e.id LIMIT $4",
    )
    .bind(from.0)
    .bind(from.1)
    .bind(ended_before)
    .bind(limit)
    .fetch_all(&mut *connection)
    .await?;
    let last = ended.last().map(|(id, at, _)| Place(*at, *id));
    let over = ended.into_iter().filter(|(_, _, is_over)| *is_over);
    let over: Vec<i64> = over.map(|(id, ..)| id).collect();
    let usages = delete_members(connection, over.iter().copied()).await?;
    let events = "DELETE FROM meta_events WHERE state IN ('redacted', 'lost', 'failed', 'dropped') AND id IN ";
    delete(connection, events, over.iter().copied()).await?;
    Ok(Thinned {
        ended: over.len(),
        usages: forget_usages(connection, usages).await?,
        next: last,
    })
}

async fn delete(
    connection: &mut Connection,
    statement: &'static str,
    rows: impl Iterator<Item = i64>,
) -> Result<(), StorageError> {
    let mut query = QueryBuilder::new(statement);
    query.push_rows(Rows::of(&[("id", Kind::Integer)], rows));
    query.build().execute(connection).await?;
    Ok(())
}

/// Deletes what notes the usages of meta events; returns these.
async fn delete_members(
    connection: &mut Connection,
    meta_events: impl Iterator<Item = i64>,
) -> Result<Vec<i64>, StorageError> {
    let mut query = QueryBuilder::new("DELETE FROM meta_event_members WHERE meta_event_id IN ");
    query
        .push_rows(Rows::of(&[("id", Kind::Integer)], meta_events))
        .push(" RETURNING media_reference_id");
    query.build_query_scalar().fetch_all(connection).await
}

/// Deletes those of these usages to which nothing refers any more; returns how many.
async fn forget_usages(connection: &mut Connection, usages: Vec<i64>) -> Result<u64, StorageError> {
    if usages.is_empty() {
        return Ok(0);
    }
    held_usages::hold(connection, &usages).await?;
    let mut query = QueryBuilder::new(
        "DELETE FROM media_references WHERE id IN (SELECT r.id FROM media_references r WHERE r.id IN ",
    );
    query
        .push_rows(Rows::of(&[("id", Kind::Integer)], usages))
        .push(concat!(
            " AND ",
            is_released!(),
            " AND NOT EXISTS (SELECT 1 FROM links l WHERE l.media_reference_id = r.id) \
             AND NOT EXISTS (SELECT 1 FROM meta_event_members m WHERE m.media_reference_id = r.id) \
             AND NOT EXISTS (SELECT 1 FROM cache_purges p WHERE p.media_reference_id = r.id))"
        ));
    query.build().execute(connection).await
}
