//! Some dozens of tombstones in one row: for each, the name in eight bytes, and in five bytes the cause, whether a
//! bridge has made the link by itself, and the second; sorted by name.

use std::collections::BTreeMap;

use medialink_link::LinkState;

use super::tombstone::{Name, Tombstone};

/// The most tombstones of a row: on PostgreSQL, rows above two kilobytes are stored in parts.
const MOST: usize = 96;
/// The bytes of a tombstone.
const BYTES: usize = 13;
/// The bits of the second.
const SECOND_BITS: u32 = 36;
/// The states that a link may have ended in, by their numbers.
const STATES: [LinkState; 5] = [
    LinkState::Expired,
    LinkState::Revoked,
    LinkState::Redacted,
    LinkState::Spent,
    LinkState::Gone,
];

/// The tombstones of a row.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Page(BTreeMap<Name, Tombstone>);

impl Page {
    /// Reads a row; `None`: it is none.
    pub(super) fn read(bytes: Vec<u8>) -> Option<Self> {
        let (links, rest) = bytes.as_chunks::<BYTES>();
        let links = links.iter().map(read_one).collect::<Option<_>>();
        links.map(Self).filter(|_| rest.is_empty())
    }

    pub(super) fn get(&self, name: Name) -> Option<Tombstone> {
        self.0.get(&name).copied()
    }

    pub(super) fn put(&mut self, name: Name, tombstone: Tombstone) {
        self.0.insert(name, tombstone);
    }

    /// The row.
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.0.into_iter().flat_map(bytes_of).collect()
    }
}

/// A page as rows that are short enough, each with the lowest name that it may hold.
pub(super) fn split(first: i64, page: Page) -> Vec<(i64, Page)> {
    let all: Vec<_> = page.0.into_iter().collect();
    let rows = all.len().div_ceil(MOST).max(1);
    let parts = all.chunks(all.len().div_ceil(rows).max(1));
    let mut split: Vec<(i64, Page)> = parts
        .map(|part| (part[0].0.0, Page(part.iter().copied().collect())))
        .collect();
    if let Some(lowest) = split.first_mut() {
        lowest.0 = first;
    }
    split
}

fn read_one(bytes: &[u8; BYTES]) -> Option<(Name, Tombstone)> {
    let (name, rest) = bytes.split_first_chunk::<8>()?;
    let mut end = [0; 8];
    end[3..].copy_from_slice(rest);
    let end = i64::from_be_bytes(end);
    let state = usize::try_from(end >> (SECOND_BITS + 1)).ok()?;
    let tombstone = Tombstone {
        state: *STATES.get(state)?,
        is_legacy: (end >> SECOND_BITS) & 1 == 1,
        ended_at_s: end & last_second(),
    };
    Some((Name(i64::from_be_bytes(*name)), tombstone))
}

fn bytes_of((name, tombstone): (Name, Tombstone)) -> [u8; BYTES] {
    let is_state = |state: &LinkState| *state == tombstone.state;
    // A live link has no tombstone.
    let state = STATES.iter().position(is_state).unwrap_or(0);
    let state = i64::try_from(state).unwrap_or(0);
    let second = tombstone.ended_at_s.clamp(0, last_second());
    let end = (((state << 1) | i64::from(tombstone.is_legacy)) << SECOND_BITS) | second;
    let mut bytes = [0; BYTES];
    bytes[..8].copy_from_slice(&name.0.to_be_bytes());
    bytes[8..].copy_from_slice(&end.to_be_bytes()[3..]);
    bytes
}

fn last_second() -> i64 {
    (1 << SECOND_BITS) - 1
}
