//! Events that have shown media: links that bridges make by themselves live by them. Every function
//! here fails only if the database does.

use medialink_link::matrix::{ContentToken, MxcUri};

use super::{
    StorageError,
    engine::{Connection, Kind, On, QueryBuilder, Rows, query, query_as, query_scalar},
    sealer::Secret,
};

/// A medium that an event has shown to a bridge.
#[derive(Debug, Clone)]
pub struct SeenMedium<'a> {
    /// The bridge that has received the event.
    pub bridge: &'a str,
    /// The room.
    pub room_id: &'a str,
    /// The event; of an edit, the one that it edits.
    pub event_id: &'a str,
    /// The event itself, or its edit.
    pub shown_by: &'a str,
    /// The medium.
    pub mxc: &'a MxcUri,
    /// The content token that the event has for it.
    pub content_token: Option<&'a ContentToken>,
}

/// Whether events show a medium that was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Visibility {
    /// No event shows it any more.
    Hidden,
    /// Every event that shows it may be redacted, which the homeserver has not told yet.
    Doubted,
    /// Some event shows it.
    Shown {
        /// When it was shown last, in milliseconds since the epoch.
        seen_at: i64,
        /// The newest content token that an event had for it.
        content_token: Option<ContentToken>,
    },
}

/// A medium, and the bridge that it was shown to.
pub type BridgeMedium = (String, MxcUri);

/// Notes that an event shows a medium. An event that has ceased to show it stays so.
pub async fn note(
    connection: &mut Connection,
    seen: &SeenMedium<'_>,
    now: i64,
) -> Result<(), StorageError> {
    query(
        "INSERT INTO seen_media (bridge, mxc, room_id, event_id, shown_by, content_token, seen_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (bridge, mxc, room_id, shown_by) \
         DO UPDATE SET seen_at = $7, content_token = $6 WHERE seen_media.gone_at IS NULL",
    )
    .bind(seen.bridge)
    .bind(seen.mxc.to_string())
    .bind(seen.room_id)
    .bind(seen.event_id)
    .bind(seen.shown_by)
    .bind(Secret::token(
        seen.mxc.to_string(),
        seen.content_token.map_or("", ContentToken::expose),
    ))
    .bind(now)
    .execute(connection)
    .await?;
    Ok(())
}

/// Whether events show a medium; `None`: none ever has to this bridge.
pub async fn find<'e>(
    reader: impl Into<On<'e>>,
    bridge: &str,
    mxc: &MxcUri,
) -> Result<Option<Visibility>, StorageError> {
    type Row = (bool, bool, Option<i64>, Option<String>);
    let (on, mxc) = (reader.into(), mxc.to_string());
    let sealing = on.sealing;
    let (is_seen, is_doubted, seen_at, content_token): Row = query_as(
        "SELECT EXISTS (SELECT 1 FROM seen_media WHERE bridge = $1 AND mxc = $2), \
         EXISTS (SELECT 1 FROM seen_media WHERE bridge = $1 AND mxc = $2 AND gone_at IS NULL \
         AND is_doubted = 1), \
         (SELECT MAX(seen_at) FROM seen_media WHERE bridge = $1 AND mxc = $2 AND gone_at IS NULL \
         AND is_doubted = 0), \
         (SELECT content_token FROM seen_media WHERE bridge = $1 AND mxc = $2 AND gone_at IS NULL \
         AND is_doubted = 0 AND content_token <> '' ORDER BY seen_at DESC LIMIT 1)",
    )
    .bind(bridge)
    .bind(&mxc)
    .fetch_one(on)
    .await?;
    Ok(match seen_at {
        None if is_doubted => Some(Visibility::Doubted),
        None => is_seen.then_some(Visibility::Hidden),
        Some(seen_at) => Some(Visibility::Shown {
            seen_at,
            content_token: match content_token {
                None => None,
                Some(stored) => Some(
                    ContentToken::parse(&sealing.open_token(&mxc, stored)?)
                        .map_err(|_| StorageError::Corrupt("content token"))?,
                ),
            },
        }),
    })
}

/// The media that an event shows.
pub async fn of_event<'e>(
    reader: impl Into<On<'e>>,
    room_id: &str,
    event_id: &str,
) -> Result<Vec<BridgeMedium>, StorageError> {
    let rows = query_as(
        "SELECT DISTINCT bridge, mxc FROM seen_media \
         WHERE room_id = $1 AND event_id = $2 AND gone_at IS NULL",
    )
    .bind(room_id)
    .bind(event_id)
    .fetch_all(reader)
    .await?;
    media(rows)
}

/// Redacted events, or redacted edits, given by room and ID, show nothing any more. Returns the media that they
/// showed.
pub async fn end_of_events(
    connection: &mut Connection,
    events: &[(String, String)],
    now: i64,
) -> Result<Vec<BridgeMedium>, StorageError> {
    let mut rows = Rows::new(&[("room_id", Kind::Text), ("event_id", Kind::Text)]);
    for (room_id, event_id) in events {
        rows.push([room_id.into(), event_id.into()]);
    }
    let mut query = QueryBuilder::new("UPDATE seen_media SET gone_at = ");
    query
        .push_bind(now)
        .push(" WHERE gone_at IS NULL AND id IN (SELECT s.id FROM ")
        .push_rows(rows.clone())
        .push(" AS gone JOIN seen_media s ON s.room_id = gone.room_id AND s.event_id = gone.event_id UNION SELECT s.id FROM ")
        .push_rows(rows)
        .push(" AS gone JOIN seen_media s ON s.room_id = gone.room_id AND s.shown_by = gone.event_id) RETURNING bridge, mxc");
    media(query.build_query_as().fetch_all(connection).await?)
}

/// An edited event does not show a medium any more, by what a bridge has received.
pub async fn end_dropped(
    connection: &mut Connection,
    bridge: &str,
    room_id: &str,
    event_id: &str,
    mxc: &MxcUri,
    now: i64,
) -> Result<(), StorageError> {
    query(
        "UPDATE seen_media SET gone_at = $1 WHERE room_id = $2 AND event_id = $3 AND mxc = $4 \
         AND bridge = $5 AND gone_at IS NULL",
    )
    .bind(now)
    .bind(room_id)
    .bind(event_id)
    .bind(mxc.to_string())
    .bind(bridge)
    .execute(connection)
    .await?;
    Ok(())
}

/// The events of a room do not count any more for a bridge, or for all (`None`). Returns the media
/// that they showed.
pub async fn end_of_room(
    connection: &mut Connection,
    bridge: Option<&str>,
    room_id: &str,
    now: i64,
) -> Result<Vec<BridgeMedium>, StorageError> {
    let rows = query_as(
        "UPDATE seen_media SET gone_at = $1 WHERE room_id = $2 AND (bridge = $3 OR $3 IS NULL) \
         AND gone_at IS NULL RETURNING bridge, mxc",
    )
    .bind(now)
    .bind(room_id)
    .bind(bridge)
    .fetch_all(connection)
    .await?;
    media(rows)
}

/// An event, or an edit, may be redacted. Returns the media that it shows.
pub(super) async fn doubt_event(
    connection: &mut Connection,
    room_id: &str,
    event_id: &str,
) -> Result<Vec<BridgeMedium>, StorageError> {
    let rows = query_as(
        "UPDATE seen_media SET is_doubted = 1 WHERE room_id = $1 AND gone_at IS NULL \
         AND (event_id = $2 OR shown_by = $2) RETURNING bridge, mxc",
    )
    .bind(room_id)
    .bind(event_id)
    .fetch_all(connection)
    .await?;
    media(rows)
}

/// An edit of an event, given by room and ID, may have taken a medium away, by what a bridge has
/// received.
pub(super) async fn doubt_medium(
    connection: &mut Connection,
    bridge: &str,
    (room_id, event_id): (&str, &str),
    mxc: &MxcUri,
) -> Result<(), StorageError> {
    query(
        "UPDATE seen_media SET is_doubted = 1 WHERE room_id = $1 AND event_id = $2 AND mxc = $3 \
         AND bridge = $4 AND gone_at IS NULL",
    )
    .bind(room_id)
    .bind(event_id)
    .bind(mxc.to_string())
    .bind(bridge)
    .execute(connection)
    .await?;
    Ok(())
}

/// No event of a room may be redacted. Returns the media about which that was in question.
pub(super) async fn trust_room(
    connection: &mut Connection,
    room_id: &str,
) -> Result<Vec<BridgeMedium>, StorageError> {
    let rows = query_as(
        "UPDATE seen_media SET is_doubted = 0 WHERE room_id = $1 AND is_doubted = 1 \
         RETURNING bridge, mxc",
    )
    .bind(room_id)
    .fetch_all(connection)
    .await?;
    media(rows)
}

fn media(rows: Vec<(String, String)>) -> Result<Vec<BridgeMedium>, StorageError> {
    let media = rows.into_iter().map(|(bridge, mxc)| {
        let mxc = MxcUri::parse(&mxc).map_err(|_| StorageError::Corrupt("mxc URI"))?;
        Ok((bridge, mxc))
    });
    media.collect()
}

/// The bridges that media was noted for.
pub async fn bridges(connection: &mut Connection) -> Result<Vec<String>, StorageError> {
    let mut bridges: Vec<String> = Vec::new();
    loop {
        let last = bridges.last().map_or("", String::as_str);
        let next: Option<String> =
            query_scalar("SELECT MIN(bridge) FROM seen_media WHERE bridge > $1")
                .bind(last)
                .fetch_one(&mut *connection)
                .await?;
        match next {
            Some(next) => bridges.push(next),
            None => return Ok(bridges),
        }
    }
}

/// Forgets up to `limit` rows of media that a bridge was shown before `seen_before` (`None`: none), and as many
/// that have been hidden since before `gone_before`; returns how many of the kind of which it were more.
pub async fn forget(
    connection: &mut Connection,
    bridge: &str,
    seen_before: Option<i64>,
    gone_before: i64,
    limit: i64,
) -> Result<u64, StorageError> {
    let seen = "DELETE FROM seen_media WHERE id IN \
         (SELECT id FROM seen_media WHERE bridge = $1 AND seen_at < $2 LIMIT $3) AND seen_at < $2";
    let gone = "DELETE FROM seen_media WHERE id IN \
         (SELECT id FROM seen_media WHERE bridge = $1 AND gone_at < $2 LIMIT $3) AND gone_at < $2";
    let mut most = 0;
    for (statement, before) in [(seen, seen_before), (gone, Some(gone_before))] {
        let forgotten = query(statement).bind(bridge).bind(before).bind(limit);
        most = most.max(forgotten.execute(&mut *connection).await?);
    }
    Ok(most)
}
