//! Usages that get new links.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use medialink_link::{LinkClaims, matrix::ContentToken};

use super::super::{
    StorageError,
    engine::{Connection, Kind, Opened, QueryBuilder, Rows, query},
    matrix_ids,
    sealer::{Sealing, Secret},
    usage_state::{NotedUsage, UsageState},
};

/// What a usage is known by, beside its bridge: the number of its room, mxc URI, content token.
type Key = (i64, String, String);

fn key(claims: &LinkClaims, rooms: &HashMap<String, i64>) -> Result<Key, StorageError> {
    let token = claims.content_token.as_ref();
    Ok((
        matrix_ids::number(rooms, claims.room_id.as_str())?,
        claims.mxc.to_string(),
        token.map_or("", ContentToken::expose).to_owned(),
    ))
}

/// A usage as it is found, or as it was just made.
#[derive(sqlx::FromRow, serde::Deserialize)]
struct Found {
    id: i64,
    room: i64,
    mxc: String,
    content_token: String,
    state: String,
    pending_at: Option<i64>,
    counted_by: Option<i64>,
    copy_mxc: Option<String>,
}

impl Opened for Found {
    type Row = Self;

    fn open(mut found: Self, sealing: &Sealing) -> Result<Self, StorageError> {
        found.content_token = sealing.open_token(&found.mxc, found.content_token)?;
        Ok(found)
    }
}

/// A meta event that counts a usage.
#[derive(Clone, sqlx::FromRow)]
struct Counting {
    id: i64,
    state: String,
    event_id: Option<String>,
}

/// Notes that a link of `bridge` uses this media in this room; returns the usage. `counted`:
/// whether it is to be counted by a meta event.
pub async fn note_usage(
    connection: &mut Connection,
    bridge: &str,
    claims: &LinkClaims,
    counted: bool,
    now: i64,
) -> Result<i64, StorageError> {
    let noted = note_usages(connection, bridge, &[(claims, counted)], now).await?;
    noted.first().map(|usage| usage.id).ok_or(MISSING)
}

const MISSING: StorageError = StorageError::Corrupt("usage, gone as soon as it was noted");

/// The same for many links; returns the usage of each.
pub async fn note_usages(
    connection: &mut Connection,
    bridge: &str,
    used: &[(&LinkClaims, bool)],
    now: i64,
) -> Result<Vec<NotedUsage>, StorageError> {
    let rooms = used.iter().map(|(claims, _)| claims.room_id.as_str());
    let rooms = matrix_ids::numbers(connection, rooms.collect()).await?;
    let keys = used.iter().map(|(claims, _)| key(claims, &rooms));
    let keys: Vec<Key> = keys.collect::<Result<_, _>>()?;
    let wanted: BTreeMap<&Key, bool> = keys
        .iter()
        .zip(used)
        .map(|(key, (_, counted))| (key, *counted))
        .collect();
    let found = find_or_make(connection, bridge, &wanted, now).await?;
    let mut counting = counting(connection, &found).await?;
    let mut noted = HashMap::new();
    let (mut to_count, mut to_disable) = (Vec::new(), Vec::new());
    for found in found {
        let event = found.counted_by.and_then(|id| counting.get(&id).cloned());
        let key = (found.room, found.mxc, found.content_token);
        let counted = *wanted.get(&key).ok_or(MISSING)?;
        let mut usage = NotedUsage {
            id: found.id,
            state: UsageState::parse(&found.state).ok_or(StorageError::Corrupt("usage state"))?,
            event_id: event.as_ref().and_then(|event| event.event_id.clone()),
            copy: found.copy_mxc,
        };
        let is_new_state = match usage.state {
            UsageState::Pending => false,
            UsageState::Counted => !keep_counted(connection, event, &mut counting, now).await?,
            UsageState::Disabled if !counted => {
                let rest = (found.pending_at, found.counted_by, &usage.copy);
                !matches!(rest, (None, None, None))
            }
            UsageState::Disabled | UsageState::Failed | UsageState::Released => true,
        };
        if is_new_state {
            let is_pending = counted || usage.state == UsageState::Counted;
            (usage.event_id, usage.copy) = (None, None);
            if is_pending {
                usage.state = UsageState::Pending;
                to_count.push(usage.id);
            } else {
                usage.state = UsageState::Disabled;
                to_disable.push(usage.id);
            }
        }
        noted.insert(key, usage);
    }
    set_fresh(connection, &to_count, UsageState::Pending, Some(now)).await?;
    set_fresh(connection, &to_disable, UsageState::Disabled, None).await?;
    keys.iter()
        .map(|key| noted.get(key).cloned().ok_or(MISSING))
        .collect()
}

/// The usages that are wanted, as rows of a statement.
fn rows_of(wanted: &BTreeMap<&Key, bool>, now: i64) -> Rows {
    let mut rows = Rows::new(&[
        ("room", Kind::Integer),
        ("mxc", Kind::Text),
        ("content_token", Kind::Text),
        ("state", Kind::Text),
        ("pending_at", Kind::Integer),
    ]);
    for ((room, mxc, token), counted) in wanted {
        let fresh = if *counted {
            UsageState::Pending
        } else {
            UsageState::Disabled
        };
        rows.push([
            room.into(),
            mxc.into(),
            Secret::token(mxc, token).into(),
            fresh.as_str().into(),
            counted.then_some(now).into(),
        ]);
    }
    rows
}

/// Makes usages; which of those that are wanted, and what if they are there, follows.
fn make(bridge: &str, rows: Rows) -> QueryBuilder {
    let mut query = QueryBuilder::new(
        "INSERT INTO media_references (bridge, room, mxc, content_token, state, pending_at) SELECT ",
    );
    query
        .push_bind(bridge)
        .push(", room, mxc, content_token, state, pending_at FROM ")
        .push_rows(rows)
        .push(" AS wanted WHERE ");
    query
}

/// Nobody else changes a usage until the end of this write, whether it was there or not.
async fn find_or_make(
    connection: &mut Connection,
    bridge: &str,
    wanted: &BTreeMap<&Key, bool>,
    now: i64,
) -> Result<Vec<Found>, StorageError> {
    if connection.is_sqlite() {
        return make_and_find(connection, bridge, rows_of(wanted, now)).await;
    }
    let mut query = make(bridge, rows_of(wanted, now));
    query.push(
        "TRUE ON CONFLICT (number_of(mxc), number_of(bridge || ' ' || content_token || ' ' || room::text)) \
         DO UPDATE SET bridge = excluded.bridge \
         RETURNING id, room, mxc, content_token, state, pending_at, counted_by, copy_mxc",
    );
    query.build_query_opened().fetch_all(connection).await
}

/// Whether a usage is the one that is wanted; its bridge follows.
const IS_WANTED: &str = "r.mxc = wanted.mxc AND r.content_token = wanted.content_token AND r.room = wanted.room AND r.bridge = ";

/// On SQLite, where nobody else writes.
async fn make_and_find(
    connection: &mut Connection,
    bridge: &str,
    rows: Rows,
) -> Result<Vec<Found>, StorageError> {
    let mut making = make(bridge, rows.clone());
    making
        .push("NOT EXISTS (SELECT 1 FROM media_references r WHERE ")
        .push(IS_WANTED)
        .push_bind(bridge)
        .push(")");
    making.build().execute(&mut *connection).await?;
    let mut query = QueryBuilder::packed(
        "r.id, r.room, r.mxc, r.content_token, r.state, r.pending_at, r.counted_by, r.copy_mxc",
    );
    query
        .push("FROM ")
        .push_rows(rows)
        .push(" AS wanted CROSS JOIN media_references r WHERE ")
        .push(IS_WANTED)
        .push_bind(bridge);
    let found: Vec<Found> = query.fetch_packed(&mut *connection).await?;
    let sealing = &connection.sealing;
    found
        .into_iter()
        .map(|one| Found::open(one, sealing))
        .collect()
}

/// The meta events that count these usages, by their rows.
async fn counting(
    connection: &mut Connection,
    found: &[Found],
) -> Result<HashMap<i64, Counting>, StorageError> {
    let ids: BTreeSet<i64> = found.iter().filter_map(|found| found.counted_by).collect();
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let mut query = QueryBuilder::new("SELECT id, state, event_id FROM meta_events WHERE id IN ");
    query.push_rows(Rows::of(&[("id", Kind::Integer)], ids));
    let events: Vec<Counting> = query.build_query_as().fetch_all(connection).await?;
    Ok(events.into_iter().map(|event| (event.id, event)).collect())
}

/// Usages begin anew in this state.
pub(super) async fn set_fresh(
    connection: &mut Connection,
    ids: &[i64],
    state: UsageState,
    pending_at: Option<i64>,
) -> Result<(), StorageError> {
    if ids.is_empty() {
        return Ok(());
    }
    let mut query = QueryBuilder::new("UPDATE media_references SET state = ");
    query
        .push_bind(state.as_str())
        .push(", pending_at = ")
        .push_bind(pending_at)
        .push(", counted_by = NULL, copy_mxc = NULL WHERE id IN ")
        .push_rows(Rows::of(&[("id", Kind::Integer)], ids));
    query.build().execute(connection).await?;
    Ok(())
}

/// A counted usage has a link again. If its meta event is about to be redacted and no attempt was
/// made yet, the redaction is called off; otherwise (`false`) the usage has to be counted again.
async fn keep_counted(
    connection: &mut Connection,
    event: Option<Counting>,
    counting: &mut HashMap<i64, Counting>,
    now: i64,
) -> Result<bool, StorageError> {
    let Some(event) = event else {
        return Ok(false);
    };
    if event.state == "sent" {
        return Ok(true);
    }
    let called_off = query(
        "UPDATE meta_events SET state = 'sent', redact_txn_id = NULL, next_attempt_at = NULL, review_at = $1 \
         WHERE id = $2 AND state = 'redacting' AND attempts = 0 AND claimed_until IS NULL",
    )
    .bind(now)
    .bind(event.id)
    .execute(&mut *connection)
    .await?;
    if called_off == 0 {
        return Ok(false);
    }
    if let Some(event) = counting.get_mut(&event.id) {
        "sent".clone_into(&mut event.state);
    }
    Ok(true)
}
