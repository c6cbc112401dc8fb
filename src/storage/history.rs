//! Facts that are remembered beyond the links that they were about: transactions, redactions,
//! revocations. Every function here fails only if the database does.

use std::collections::BTreeSet;

use sha2::{Digest, Sha256};

use medialink_link::matrix::MxcUri;

use super::{
    StorageError,
    engine::{Connection, Kind, QueryBuilder, Reader, Rows, query, query_scalar},
    links::Criteria,
};

/// How far a transaction of the homeserver has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransactionStatus {
    /// It was not seen before.
    New,
    /// It was acted on.
    ActedOn,
    /// It was acted on, and the bridge behind us has taken it.
    HandedOn,
}

/// The time of the newest record, as good as it is known; `None`: there is none.
pub async fn newest(reader: &Reader) -> Result<Option<i64>, StorageError> {
    query_scalar(
        "SELECT MAX(at) FROM (SELECT (SELECT issued_at FROM links WHERE id = (SELECT MAX(id) FROM links)) AS at \
         UNION ALL SELECT (SELECT created_at FROM meta_events WHERE id = (SELECT MAX(id) FROM meta_events)) \
         UNION ALL SELECT (SELECT MAX(received_at) FROM appservice_transactions)) AS newest",
    )
    .fetch_one(reader)
    .await
}

/// How far a transaction has come that has this ID and this digest of its events (`None`: any).
pub async fn transaction_status(
    reader: &Reader,
    bridge: &str,
    txn_id: &str,
    digest: Option<&[u8]>,
) -> Result<TransactionStatus, StorageError> {
    let found: Option<Option<i64>> = query_scalar(
        "SELECT handed_on_at FROM appservice_transactions \
         WHERE bridge = $1 AND txn_id = $2 AND (digest IS NOT DISTINCT FROM $3 OR $3 IS NULL)",
    )
    .bind(bridge)
    .bind(txn_id)
    .bind(digest)
    .fetch_optional(reader)
    .await?;
    Ok(match found {
        None => TransactionStatus::New,
        Some(None) => TransactionStatus::ActedOn,
        Some(Some(_)) => TransactionStatus::HandedOn,
    })
}

/// Notes a transaction of the homeserver; `false` if it was seen before.
pub async fn note_transaction(
    connection: &mut Connection,
    bridge: &str,
    txn_id: &str,
    digest: &[u8],
    now: i64,
) -> Result<bool, StorageError> {
    let noted = query(
        "INSERT INTO appservice_transactions (bridge, txn_id, received_at, digest) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (bridge, txn_id) DO UPDATE SET received_at = $3, digest = $4, handed_on_at = NULL \
         WHERE appservice_transactions.digest IS DISTINCT FROM $4",
    )
    .bind(bridge)
    .bind(txn_id)
    .bind(now)
    .bind(digest)
    .execute(connection)
    .await?;
    Ok(noted == 1)
}

/// A transaction that the bridge behind us has taken.
#[derive(Debug, Clone)]
pub struct HandedOn {
    /// The bridge.
    pub bridge: String,
    /// The transaction's ID.
    pub txn_id: String,
    /// The digest of its events.
    pub digest: [u8; 32],
}

/// Notes that the bridge behind us has taken transactions, whether they were noted before or not.
pub async fn note_handed_on(
    connection: &mut Connection,
    transactions: &[HandedOn],
    now: i64,
) -> Result<(), StorageError> {
    let mut rows = Rows::new(&[
        ("bridge", Kind::Text),
        ("txn_id", Kind::Text),
        ("digest", Kind::Bytes),
        ("at", Kind::Integer),
    ]);
    for transaction in transactions {
        rows.push([
            (&transaction.bridge).into(),
            (&transaction.txn_id).into(),
            (&transaction.digest[..]).into(),
            now.into(),
        ]);
    }
    let mut query = QueryBuilder::new(
        "INSERT INTO appservice_transactions (bridge, txn_id, received_at, handed_on_at, digest) \
         SELECT bridge, txn_id, at, at, digest FROM ",
    );
    query.push_rows(rows).push(
        " AS taken WHERE TRUE ON CONFLICT (bridge, txn_id) \
         DO UPDATE SET handed_on_at = excluded.handed_on_at, digest = excluded.digest",
    );
    query.build().execute(connection).await?;
    Ok(())
}

fn event_hash(room_id: &str, event_id: &str) -> Vec<u8> {
    let hash = Sha256::new()
        .chain_update(room_id)
        .chain_update([0])
        .chain_update(event_id)
        .finalize();
    hash[..16].to_vec()
}

/// Remembers that events, given by room and ID, were redacted.
pub async fn note_redactions(
    connection: &mut Connection,
    events: &[(String, String)],
    now: i64,
) -> Result<(), StorageError> {
    let hashes = events
        .iter()
        .map(|(room_id, event_id)| event_hash(room_id, event_id));
    let hashes: BTreeSet<_> = hashes.collect();
    let mut query =
        QueryBuilder::new("INSERT INTO redacted_events (event_hash, redacted_at) SELECT hash, ");
    query
        .push_bind(now)
        .push(" FROM ")
        .push_rows(Rows::of(&[("hash", Kind::Bytes)], hashes))
        .push(" AS redacted WHERE TRUE ON CONFLICT (event_hash) DO NOTHING");
    query.build().execute(connection).await?;
    Ok(())
}

/// Whether an event is known to be redacted.
pub async fn is_redacted(
    connection: &mut Connection,
    room_id: &str,
    event_id: &str,
) -> Result<bool, StorageError> {
    let found: bool =
        query_scalar("SELECT EXISTS (SELECT 1 FROM redacted_events WHERE event_hash = $1)")
            .bind(event_hash(room_id, event_id))
            .fetch_one(connection)
            .await?;
    Ok(found)
}

fn media_hash(room_id: &str, event_id: &str, mxc: &MxcUri) -> Vec<u8> {
    event_hash(room_id, &format!("{event_id}\0{mxc}"))
}

/// Remembers that an event no longer has a medium since it was edited.
pub async fn note_dropped(
    connection: &mut Connection,
    room_id: &str,
    event_id: &str,
    mxc: &MxcUri,
    now: i64,
) -> Result<(), StorageError> {
    query("INSERT INTO dropped_media (media_hash, dropped_at) VALUES ($1, $2) ON CONFLICT (media_hash) DO NOTHING")
        .bind(media_hash(room_id, event_id, mxc))
        .bind(now)
        .execute(connection)
        .await?;
    Ok(())
}

/// Forgets that an event has lost a medium: another edit has brought it back.
pub async fn note_kept(
    connection: &mut Connection,
    room_id: &str,
    event_id: &str,
    mxc: &MxcUri,
) -> Result<(), StorageError> {
    query("DELETE FROM dropped_media WHERE media_hash = $1")
        .bind(media_hash(room_id, event_id, mxc))
        .execute(connection)
        .await?;
    Ok(())
}

/// Whether an event is known to have lost a medium by an edit.
pub async fn is_dropped(
    connection: &mut Connection,
    room_id: &str,
    event_id: &str,
    mxc: &MxcUri,
) -> Result<bool, StorageError> {
    let dropped: bool =
        query_scalar("SELECT EXISTS (SELECT 1 FROM dropped_media WHERE media_hash = $1)")
            .bind(media_hash(room_id, event_id, mxc))
            .fetch_one(connection)
            .await?;
    Ok(dropped)
}

/// An event of a room, with the medium that it is to show (`None`: edits do not matter).
pub type Shown<'a> = (&'a str, &'a str, Option<&'a MxcUri>);

/// Whether an event is known to be redacted, or to have lost this medium by an edit.
pub async fn is_gone(
    connection: &mut Connection,
    room_id: &str,
    event_id: &str,
    mxc: &MxcUri,
) -> Result<bool, StorageError> {
    let gone = are_gone(connection, &[(room_id, event_id, Some(mxc))]).await?;
    Ok(gone.contains(&true))
}

/// The same for many events; returns the answer for each.
pub async fn are_gone(
    connection: &mut Connection,
    events: &[Shown<'_>],
) -> Result<Vec<bool>, StorageError> {
    if events.is_empty() {
        return Ok(Vec::new());
    }
    let redacted = |(room_id, event_id, _): &Shown<'_>| event_hash(room_id, event_id);
    let dropped =
        |(room_id, event_id, mxc): &Shown<'_>| mxc.map(|mxc| media_hash(room_id, event_id, mxc));
    let of_events: BTreeSet<_> = events.iter().map(redacted).collect();
    let of_media: BTreeSet<_> = events.iter().filter_map(dropped).collect();
    let hashes = |hashes| Rows::of(&[("hash", Kind::Bytes)], hashes);
    let mut query =
        QueryBuilder::new("SELECT event_hash FROM redacted_events WHERE event_hash IN ");
    query
        .push_rows(hashes(of_events))
        .push(" UNION ALL SELECT media_hash FROM dropped_media WHERE media_hash IN ")
        .push_rows(hashes(of_media));
    let found: Vec<Vec<u8>> = query.build_query_scalar().fetch_all(connection).await?;
    let found: BTreeSet<Vec<u8>> = found.into_iter().collect();
    let is_found = |event| {
        found.contains(&redacted(event)) || dropped(event).is_some_and(|hash| found.contains(&hash))
    };
    Ok(events.iter().map(is_found).collect())
}

/// Remembers a revocation, for links that are not seen yet. One by sender reaches none of them.
pub async fn note_revocation(
    connection: &mut Connection,
    bridge: &str,
    criteria: &Criteria,
    now: i64,
) -> Result<(), StorageError> {
    query(
        "INSERT INTO revocations (bridge, room_id, event_id, mxc, issued_before_at, revoked_at) \
         VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(bridge)
    .bind(&criteria.room_id)
    .bind(&criteria.event_id)
    .bind(&criteria.mxc)
    .bind(criteria.issued_before)
    .bind(now)
    .execute(connection)
    .await?;
    Ok(())
}

/// Remembers the revocation of all links of a room. It replaces an earlier one, which holds for less,
/// so that a room that is switched on and off fills no table.
pub async fn note_revocation_of_room(
    connection: &mut Connection,
    bridge: &str,
    room_id: &str,
    now: i64,
) -> Result<(), StorageError> {
    query(
        "DELETE FROM revocations WHERE bridge = $1 AND COALESCE(room_id, '') = $2 \
         AND COALESCE(event_id, '') = '' AND COALESCE(mxc, '') = '' AND issued_before_at IS NULL",
    )
    .bind(bridge)
    .bind(room_id)
    .execute(&mut *connection)
    .await?;
    let criteria = Criteria {
        room_id: Some(room_id.to_owned()),
        ..Criteria::default()
    };
    note_revocation(connection, bridge, &criteria, now).await
}

/// Whether a link that was not seen before was revoked by its criteria: it was, if it was issued
/// up to the second of the revocation.
pub async fn is_revoked(
    connection: &mut Connection,
    bridge: &str,
    room_id: &str,
    event_id: &str,
    mxc: &str,
    issued_at: i64,
) -> Result<bool, StorageError> {
    let found: bool = query_scalar(
        "SELECT EXISTS (SELECT 1 FROM revocations WHERE bridge = $1 AND revoked_at >= $2 \
         AND COALESCE(room_id, '') IN ('', $3) AND COALESCE(event_id, '') IN ('', $4) \
         AND COALESCE(mxc, '') IN ('', $5) AND (issued_before_at IS NULL OR issued_before_at > $2))",
    )
    .bind(bridge)
    .bind(issued_at)
    .bind(room_id)
    .bind(event_id)
    .bind(mxc)
    .fetch_one(connection)
    .await?;
    Ok(found)
}

/// Facts older than these times are forgotten, in milliseconds since the epoch; `None`: none are.
#[derive(Debug, Clone, Copy)]
pub struct ForgetBefore {
    /// Transactions.
    pub transactions: i64,
    /// Redactions, and media dropped by edits.
    pub redactions: Option<i64>,
    /// Revocations.
    pub revocations: Option<i64>,
    /// Reports of readers, what operators have done, and what is known of the bytes of media.
    pub reports: Option<i64>,
}

/// Forgets up to `limit` facts of each kind that are older than these times; returns how many of the kind of
/// which it were most.
pub async fn forget(
    connection: &mut Connection,
    before: ForgetBefore,
    limit: i64,
) -> Result<u64, StorageError> {
    let transactions = "DELETE FROM appservice_transactions WHERE (bridge, txn_id) IN \
         (SELECT bridge, txn_id FROM appservice_transactions WHERE received_at < $1 LIMIT $2)";
    let redactions = "DELETE FROM redacted_events WHERE event_hash IN \
         (SELECT event_hash FROM redacted_events WHERE redacted_at < $1 LIMIT $2)";
    let dropped = "DELETE FROM dropped_media WHERE media_hash IN \
         (SELECT media_hash FROM dropped_media WHERE dropped_at < $1 LIMIT $2)";
    let revocations = "DELETE FROM revocations WHERE id IN \
         (SELECT id FROM revocations WHERE revoked_at < $1 LIMIT $2)";
    let reports = "DELETE FROM reports WHERE id IN (SELECT r.id FROM reports r WHERE r.created_at < $1 \
         ORDER BY r.created_at LIMIT $2)";
    let audit = "DELETE FROM audit WHERE id IN (SELECT a.id FROM audit a WHERE a.done_at < $1 \
         ORDER BY a.done_at LIMIT $2)";
    let screened = "DELETE FROM screened_media WHERE name IN \
         (SELECT name FROM screened_media WHERE screened_at < $1 LIMIT $2)";
    let mut most = 0;
    for (statement, before) in [
        (reports, before.reports),
        (audit, before.reports),
        (screened, before.reports),
        (transactions, Some(before.transactions)),
        (redactions, before.redactions),
        (dropped, before.redactions),
        (revocations, before.revocations),
    ] {
        let forgotten = query(statement).bind(before).bind(limit);
        most = most.max(forgotten.execute(&mut *connection).await?);
    }
    Ok(most)
}
