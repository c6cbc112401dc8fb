//! New meta events.

use crate::storage::{
    StorageError,
    engine::{Connection, Kind, QueryBuilder, Rows, query, query_scalar},
    sealer::{Open, Secret, SecretKind},
};

/// A meta event to be sent.
#[derive(Debug, Clone)]
pub struct NewMetaEvent {
    /// The bridge as whose user it is sent.
    pub bridge: String,
    /// The room into which it is sent.
    pub room_id: String,
    /// Its Matrix event type.
    pub event_type: String,
    /// Its content as JSON.
    pub content: String,
    /// The content's unique `batch`.
    pub batch: String,
    /// The device that sends it; empty: none.
    pub device_id: String,
    /// The usages that it counts.
    pub members: Vec<i64>,
    /// Whether it is sent with copies of its media.
    pub has_copy: bool,
}

/// Queues a meta event; returns its row's ID. From now on its usages wait for it alone.
pub async fn insert(
    connection: &mut Connection,
    event: &NewMetaEvent,
    now: i64,
) -> Result<i64, StorageError> {
    let id: i64 = query_scalar(
        "INSERT INTO meta_events (bridge, room_id, state, event_type, batch, txn_id, device_id, \
         has_copy, named, next_attempt_at, created_at) VALUES ($1, $2, 'waiting', $3, $4, $5, $6, $7, $8, $9, $9) RETURNING id",
    )
    .bind(&event.bridge)
    .bind(&event.room_id)
    .bind(&event.event_type)
    .bind(&event.batch)
    .bind(crate::random::id())
    .bind(&event.device_id)
    .bind(i64::from(event.has_copy))
    .bind(i64::try_from(event.members.len()).unwrap_or(i64::MAX))
    .bind(now)
    .fetch_one(&mut *connection)
    .await?;
    query("INSERT INTO meta_event_bodies (id, batch, content) VALUES ($1, $2, $3)")
        .bind(id)
        .bind(&event.batch)
        .bind(Secret::new(
            SecretKind::MetaEvent,
            &event.batch,
            Open::Text(event.content.clone()),
        ))
        .execute(&mut *connection)
        .await?;
    // Some day its room is compared with what is recorded.
    query(
        "INSERT INTO compared_rooms (bridge, room_id, compared_at) VALUES ($1, $2, $3) \
         ON CONFLICT (bridge, room_id) DO NOTHING",
    )
    .bind(&event.bridge)
    .bind(&event.room_id)
    .bind(now)
    .execute(&mut *connection)
    .await?;
    let members = || Rows::of(&[("id", Kind::Integer)], &event.members);
    if event.has_copy {
        // Its copies are noted there.
        let mut named = QueryBuilder::new(
            "INSERT INTO meta_event_members (meta_event_id, media_reference_id) SELECT ",
        );
        named.push_bind(id).push(", id FROM ").push_rows(members());
        named.push(" AS member WHERE TRUE");
        named.build().execute(&mut *connection).await?;
    }
    let mut queued = QueryBuilder::new("UPDATE media_references SET queued_in = ");
    queued
        .push_bind(id)
        .push(" WHERE id IN ")
        .push_rows(members());
    queued.build().execute(connection).await?;
    Ok(id)
}
