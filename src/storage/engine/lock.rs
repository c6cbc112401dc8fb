//! Locks on what a write is about.
//!
//! SQLite has one writer, so nothing else changes while a write runs. On PostgreSQL many write at once, from
//! many processes. What a write decides by rows that another one may insert meanwhile, it protects by a
//! lock on what both are about, held until its end. All locks of a write are taken by one statement at its
//! start, in one order, so that no two writes wait for each other.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};
use sqlx::PgConnection;

use super::connection::{Connection, On, Way};
use crate::storage::StorageError;

/// So many locks there are for all media that events show: a write may hide all media of a room, and the server
/// has room for some thousands of locks.
const SHOWN: i64 = 256;

/// What a write is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lock<'a> {
    /// A room, whose events are redacted, edited or judged by this write.
    Room(&'a str),
    /// A room, of which this write believes what is known.
    KnownRoom(&'a str),
    /// A medium of a bridge, to which this write makes or looks for links: bridge and mxc URI.
    Medium(&'a str, &'a str),
    /// A medium, as events show it to a bridge, by which links live that the bridge has made by itself: bridge
    /// and mxc URI.
    Shown(&'a str, &'a str),
    /// The revocations of a bridge, to which this write adds one that holds for links not seen yet.
    Revocations(&'a str),
    /// The revocations of a bridge, of which this write believes what is known.
    KnownRevocations(&'a str),
    /// What is left of links that ended long ago, to which this write adds some.
    Tombstones,
    /// The outbox of a bridge, from which this write takes something to be done.
    Outbox(&'a str),
    /// The rooms of a bridge that were replaced, of which this write has usage move.
    Successions(&'a str),
    /// The keys that links were ever signed with, to which this write adds some.
    LinkKeys,
    /// The log of purges, to which this write appends.
    PurgeLog,
}

impl Lock<'_> {
    fn is_shared(self) -> bool {
        matches!(self, Self::KnownRoom(_) | Self::KnownRevocations(_))
    }

    /// A number that is the same for the same thing in every process. Two things may have the same one by
    /// chance: then writes about them wait for each other.
    fn number(self) -> i64 {
        let parts = match self {
            Self::Room(room_id) | Self::KnownRoom(room_id) => ["room", room_id, ""],
            Self::Revocations(bridge) | Self::KnownRevocations(bridge) => {
                ["revocations", bridge, ""]
            }
            Self::Medium(bridge, mxc) => ["medium", bridge, mxc],
            Self::Shown(bridge, mxc) => ["shown", bridge, mxc],
            Self::Outbox(bridge) => ["outbox", bridge, ""],
            Self::Successions(bridge) => ["successions", bridge, ""],
            Self::LinkKeys => ["keys", "", ""],
            Self::PurgeLog => ["purges", "", ""],
            Self::Tombstones => ["tombstones", "", ""],
        };
        let mut hash = Sha256::new();
        for part in parts {
            hash.update(part);
            hash.update([0]);
        }
        let [a, b, c, d, e, f, g, h, ..] = <[u8; 32]>::from(hash.finalize());
        let number = i64::from_be_bytes([a, b, c, d, e, f, g, h]);
        match self {
            Self::Shown(..) => number.rem_euclid(SHOWN),
            _ => number,
        }
    }
}

impl Connection {
    /// Waits until nobody else writes about any of these things, and keeps others waiting until the end of
    /// this write. It is the first thing that a write does.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn lock(&mut self, locks: &[Lock<'_>]) -> Result<(), StorageError> {
        match On::from(self).way {
            Way::Postgres(connection) => lock(connection, locks).await,
            Way::Sqlite(_)
            | Way::SqliteReaders(_)
            | Way::PostgresReader(..)
            | Way::PostgresPool(..) => Ok(()),
        }
    }
}

async fn lock(connection: &mut PgConnection, locks: &[Lock<'_>]) -> Result<(), StorageError> {
    if locks.is_empty() {
        return Ok(());
    }
    // Of two locks on the same thing, the one that shares with nobody counts.
    let mut in_order = BTreeMap::new();
    for lock in locks {
        let is_shared = in_order.entry(lock.number()).or_insert(true);
        *is_shared &= lock.is_shared();
    }
    let (numbers, is_shared): (Vec<i64>, Vec<bool>) = in_order.into_iter().unzip();
    // Rows are worked on in the order of the arrays.
    sqlx::query(
        "SELECT CASE WHEN is_shared THEN pg_advisory_xact_lock_shared(number)::text \
         ELSE pg_advisory_xact_lock(number)::text END FROM UNNEST($1, $2) AS locks (number, is_shared)",
    )
    .bind(numbers)
    .bind(is_shared)
    .execute(connection)
    .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::Lock;

    #[test]
    fn what_is_about_the_same_thing_has_the_same_number() {
        let room = Lock::Room("!a:example.org").number();
        assert_eq!(room, Lock::KnownRoom("!a:example.org").number());
        assert_ne!(room, Lock::Room("!b:example.org").number());
        assert_ne!(room, Lock::Outbox("!a:example.org").number());
        let medium = Lock::Medium("a", "bc").number();
        assert_ne!(medium, Lock::Medium("ab", "c").number());
    }

    #[test]
    fn many_media_need_few_locks() {
        let mxc = |number: i32| format!("mxc://example.org/{number}");
        let media: Vec<String> = (0..5000).map(mxc).collect();
        let numbers = media.iter().map(|mxc| Lock::Shown("a", mxc).number());
        assert_eq!(
            numbers.collect::<std::collections::BTreeSet<_>>().len(),
            256
        );
    }
}
