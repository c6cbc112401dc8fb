//! Links: looked up by their ID alone, counted, and revoked.

use medialink_link::LinkState;

use crate::{
    clock::Clock,
    config::Config,
    links::{FoundLink, Revoked, Revoker},
    storage::{
        Database, StorageError,
        links::{self, Criteria},
        tombstones,
    },
};

use super::audit::Auditor;

/// How many links are read at once to count them.
const PAGE: i64 = 1000;

/// A link that is known, or what is left of it.
#[derive(Debug, Clone)]
pub struct RecordedLink {
    /// Its name in the API and in logs.
    pub link_id: String,
    /// The bridge that it belongs to.
    pub bridge: String,
    /// The link.
    pub link: FoundLink,
}

/// The link with this ID, of whatever bridge; `None`: none is recorded.
///
/// # Errors
/// If the database fails.
pub async fn find_link(
    database: &Database,
    config: &Config,
    link_id: &str,
) -> Result<Option<RecordedLink>, StorageError> {
    let reader = database.reader();
    let recorded = |bridge: &str, link| RecordedLink {
        link_id: link_id.to_owned(),
        bridge: bridge.to_owned(),
        link,
    };
    if let Some(row) = links::find(reader, link_id).await? {
        let bridge = row.bridge.clone();
        return Ok(Some(recorded(&bridge, FoundLink::Recorded(Box::new(row)))));
    }
    for bridge in &config.bridges {
        let found = tombstones::find(reader, &[&bridge.id], link_id).await?;
        if let Some(tombstone) = found {
            return Ok(Some(recorded(&bridge.id, FoundLink::Buried(tombstone))));
        }
    }
    Ok(None)
}

/// How many live links of a bridge (of all bridges: `None`) match, read page by page.
///
/// # Errors
/// If the database fails.
pub async fn count_live(
    database: &Database,
    bridge: Option<&str>,
    mut criteria: Criteria,
    clock: &Clock,
) -> Result<usize, StorageError> {
    criteria.state = Some(LinkState::Live);
    let (reader, now) = (database.reader(), clock.now_ms());
    let (mut live, mut before) = (0, None);
    loop {
        let page = links::list(reader, bridge, &criteria, before, PAGE, now).await?;
        live += page.len();
        match page.last() {
            Some(last) if page.len() as i64 == PAGE => before = Some(last.id),
            _ => return Ok(live),
        }
    }
}

/// Revokes one link; `None`: it is not there any more.
///
/// # Errors
/// If the database fails.
pub async fn revoke_one(
    revoker: &Revoker,
    found: &RecordedLink,
    auditor: &Auditor,
    clock: &Clock,
) -> Result<Option<FoundLink>, StorageError> {
    let was_live = found.link.state_at(clock.now_ms()) == LinkState::Live;
    let subject = format!("link {} of {}", found.link_id, found.bridge);
    let work = revoker.revoke_one(&found.bridge, &found.link_id);
    let ended = |link: &Option<FoundLink>| usize::from(was_live && link.is_some());
    auditor.during("links revoke", subject, work, ended).await
}

/// Revokes all live links of a bridge (of all bridges: `None`) that match; see [`Revoker::revoke`].
///
/// # Errors
/// If the database fails.
pub async fn revoke_matching(
    revoker: &Revoker,
    bridge: Option<&str>,
    criteria: Criteria,
    auditor: &Auditor,
) -> Result<Revoked, StorageError> {
    let subject = words(bridge, &criteria);
    let work = revoker.revoke(bridge, criteria);
    let ended = |revoked: &Revoked| revoked.links;
    auditor.during("links revoke", subject, work, ended).await
}

/// Which links are meant, for people.
fn words(bridge: Option<&str>, criteria: &Criteria) -> String {
    let issued_before = criteria.issued_before.map(|at| at.to_string());
    let parts = [
        ("bridge", bridge),
        ("room", criteria.room_id.as_deref()),
        ("event", criteria.event_id.as_deref()),
        ("media", criteria.mxc.as_deref()),
        ("sender", criteria.sender.as_deref()),
        ("issued before", issued_before.as_deref()),
    ];
    let given = parts
        .iter()
        .filter_map(|(name, value)| value.map(|value| format!("{name} {value}")));
    given.collect::<Vec<_>>().join(", ")
}
