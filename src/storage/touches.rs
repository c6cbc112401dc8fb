//! When media is touched next, for homeservers that count downloads.
//!
//! Every function here fails with [`StorageError`] if the database does.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use super::{
    StorageError,
    engine::{Connection, Kind, Opened, QueryBuilder, Reader, Rows, query},
    missing_media::without,
    sealer::Sealing,
};

/// Media whose touch is due.
#[derive(Clone, sqlx::FromRow)]
pub struct DueTouch {
    /// The URI of the media.
    pub mxc: String,
    /// The bridge of the newest live link to it, of those that are configured; `None`: there is none.
    pub bridge: Option<String>,
    /// The content token of that link; empty: it has none.
    pub content_token: Option<String>,
    /// The copy that the link serves.
    pub copy_mxc: Option<String>,
    /// Whether any link to it is live, of whichever bridge.
    pub is_linked: bool,
    /// When it is due, in milliseconds since the epoch. A link that is made meanwhile changes it.
    pub next_touch_at: i64,
}

impl fmt::Debug for DueTouch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DueTouch")
            .field("mxc", &self.mxc)
            .field("bridge", &self.bridge)
            .field("is_linked", &self.is_linked)
            .finish_non_exhaustive()
    }
}

impl Opened for DueTouch {
    type Row = Self;

    fn open(mut due: Self, sealing: &Sealing) -> Result<Self, StorageError> {
        if let Some(stored) = due.content_token {
            due.content_token = Some(sealing.open_token(&due.mxc, stored)?);
        }
        Ok(due)
    }
}

/// Which touches are asked for.
#[derive(Debug, Clone, Copy)]
pub struct TouchQuery<'a> {
    /// Those that are due at this time.
    pub now: i64,
    /// The bridges that are configured.
    pub bridges: &'a [&'a str],
    /// None of this media.
    pub busy: &'a [&'a str],
    /// None of media of these servers.
    pub busy_servers: &'a [&'a str],
}

/// Has media touched at `at`, unless a touch is planned already.
pub async fn schedule(connection: &mut Connection, mxc: &str, at: i64) -> Result<(), StorageError> {
    schedule_all(connection, BTreeSet::from([mxc.to_owned()]), at).await
}

/// The same for many media.
pub async fn schedule_all(
    connection: &mut Connection,
    media: BTreeSet<String>,
    at: i64,
) -> Result<(), StorageError> {
    if media.is_empty() {
        return Ok(());
    }
    let mut query = QueryBuilder::new("INSERT INTO touches (mxc, next_touch_at) SELECT mxc, ");
    query
        .push_bind(at)
        .push(" FROM ")
        .push_rows(Rows::of(&[("mxc", Kind::Text)], media))
        // One that is due may be about to be forgotten, for want of a link: now there is one.
        .push(
            " AS media WHERE TRUE ON CONFLICT (mxc) DO UPDATE SET next_touch_at = touches.next_touch_at + 1 \
             WHERE touches.waits_for_follow = 0 AND touches.next_touch_at <= ",
        )
        .push_bind(at);
    query.build().execute(connection).await?;
    Ok(())
}

/// The media that is due first, if any is due. A link is over from its expiry on, recorded or not.
pub async fn next_due(
    reader: &Reader,
    asked: TouchQuery<'_>,
) -> Result<Option<DueTouch>, StorageError> {
    let live = "links.state = 'live' AND (expires_at IS NULL OR expires_at > ";
    let mut query = QueryBuilder::new(
        "SELECT t.mxc, t.next_touch_at, l.bridge, r.content_token, r.copy_mxc, \
         EXISTS (SELECT 1 FROM media_references u JOIN links ON media_reference_id = u.id WHERE ",
    );
    query
        .push_same_mxc("u.mxc", "t.mxc")
        .push(" AND ")
        .push(live)
        .push_bind(asked.now)
        .push(
            ")) AS is_linked FROM touches t LEFT JOIN links l ON l.id = \
             (SELECT MAX(links.id) FROM media_references u JOIN links ON media_reference_id = u.id WHERE ",
        )
        .push_same_mxc("u.mxc", "t.mxc")
        .push(" AND ")
        .push(live)
        .push_bind(asked.now)
        .push(") AND u.bridge IN (")
        .push_list(asked.bridges.iter().copied())
        .push(
            ")) LEFT JOIN media_references r ON r.id = l.media_reference_id \
             WHERE t.waits_for_follow = 0 AND t.next_touch_at <= ",
        )
        .push_bind(asked.now);
    without(&mut query, "t.mxc", asked.busy, asked.busy_servers);
    query.push(" ORDER BY t.next_touch_at LIMIT 1");
    query.build_query_opened().fetch_optional(reader).await
}

/// Runs a statement that reads media and a time for each, between its beginning and its end.
async fn run_over(
    connection: &mut Connection,
    media: &BTreeMap<&str, i64>,
    (start, end): (&'static str, &'static str),
) -> Result<(), StorageError> {
    if media.is_empty() {
        return Ok(());
    }
    let mut rows = Rows::new(&[("medium", Kind::Text), ("at", Kind::Integer)]);
    for (mxc, at) in media {
        rows.push([(*mxc).into(), at.into()]);
    }
    let mut query = QueryBuilder::new(start);
    query.push_rows(rows).push(end);
    query.build().execute(connection).await?;
    Ok(())
}

/// Notes that links to this media of other servers were followed at these times without a download: it is touched
/// as soon as its last touch is long enough ago.
pub async fn followed(
    connection: &mut Connection,
    media: &BTreeMap<&str, i64>,
) -> Result<(), StorageError> {
    let statement = (
        "INSERT INTO touches (mxc, next_touch_at) SELECT medium, at FROM ",
        " AS here WHERE TRUE ON CONFLICT (mxc) DO UPDATE SET waits_for_follow = 0",
    );
    run_over(connection, media, statement).await
}

/// Notes touches of media of other servers, or downloads, which are as good: the media is not touched before these
/// times, and only after a link to it was followed again.
pub async fn touched_elsewhere(
    connection: &mut Connection,
    media: &BTreeMap<&str, i64>,
) -> Result<(), StorageError> {
    let statement = (
        "INSERT INTO touches (mxc, next_touch_at, waits_for_follow) SELECT medium, at, 1 FROM ",
        " AS here WHERE TRUE ON CONFLICT (mxc) \
         DO UPDATE SET next_touch_at = excluded.next_touch_at, misses = 0, waits_for_follow = 1",
    );
    run_over(connection, media, statement).await
}

/// Notes touches of local media, or downloads, which are as good: it is touched again at these times.
pub async fn touched(
    connection: &mut Connection,
    media: &BTreeMap<&str, i64>,
) -> Result<(), StorageError> {
    let statement = (
        "UPDATE touches SET next_touch_at = here.at, misses = 0 FROM ",
        " AS here WHERE mxc = here.medium",
    );
    run_over(connection, media, statement).await
}

/// Has media touched later than planned, since that could not be done now.
pub async fn postpone(connection: &mut Connection, mxc: &str, to: i64) -> Result<(), StorageError> {
    query("UPDATE touches SET next_touch_at = $1 WHERE mxc = $2")
        .bind(to)
        .bind(mxc)
        .execute(connection)
        .await?;
    Ok(())
}

/// Stops touching media that no link led to when its touch was due at `due_at`, in milliseconds since the epoch;
/// not if a link was made since.
pub async fn forget(
    connection: &mut Connection,
    mxc: &str,
    due_at: i64,
) -> Result<(), StorageError> {
    query("DELETE FROM touches WHERE mxc = $1 AND next_touch_at = $2")
        .bind(mxc)
        .bind(due_at)
        .execute(connection)
        .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;
    use crate::storage::{engine::query_scalar, test_database::open};

    #[tokio::test]
    async fn a_touch_is_not_forgotten_beside_a_new_link() {
        let (_folder, database) = open().await;
        let plan = |at| {
            let written = database
                .writer()
                .write::<_, StorageError, _>(move |c| schedule(c, "mxc://a/b", at).boxed());
            async { written.await.expect("writes") }
        };
        plan(1).await;
        let asked = TouchQuery {
            now: 2,
            bridges: &["irc"],
            busy: &[],
            busy_servers: &[],
        };
        let due = next_due(database.reader(), asked).await.expect("reads");
        let due = due.expect("is due");
        assert!(!due.is_linked);
        // A link is made now.
        plan(2).await;
        let forget_due = |due_at| {
            let written = database
                .writer()
                .write::<_, StorageError, _>(move |c| forget(c, "mxc://a/b", due_at).boxed());
            async { written.await.expect("writes") }
        };
        forget_due(due.next_touch_at).await;
        let left = || async {
            let left = query_scalar::<i64>("SELECT COUNT(*) FROM touches");
            left.fetch_one(database.reader()).await.expect("reads")
        };
        assert_eq!(left().await, 1);
        let due = next_due(database.reader(), asked).await.expect("reads");
        forget_due(due.expect("is due").next_touch_at).await;
        assert_eq!(left().await, 0);
    }
}
