//! The ends of links, each with the release of the usages that they were part of, in one step:
//! nothing outside of this module can do the one without the other. Every function here fails only if
//! the database does.

use medialink_link::LinkState;

use super::{
    StorageError,
    endings::{self, Decision},
    engine::Connection,
    links::{self, Criteria, LinkRow, Range, Renewal},
    media_references::{self, EndCause, ReleaseDelays},
    missing_media::AskedMedium,
};

/// How many links end in one write: others write in between.
pub const AT_ONCE: usize = 500;

/// Which links end, and how.
#[derive(Debug, Clone, Copy)]
pub enum Ending<'a> {
    /// One link, if it is live: it is revoked.
    Revoked(i64),
    /// Links that a bridge has made by itself, to media that no event shows any more.
    LegacyNotShown(&'a [i64]),
    /// Links that a bridge has made by itself, also those that have ended: of all their ends, only
    /// a revocation cannot be undone.
    LegacyRevoked(&'a [i64]),
    /// Up to [`AT_ONCE`] live links to a medium that the homeserver no longer has.
    MediaGone(&'a AskedMedium),
    /// Up to [`AT_ONCE`] links whose time is over.
    Expired,
}

/// Ends links; returns how many. Usages whose last link has ended are released after these delays.
pub async fn end(
    connection: &mut Connection,
    ending: Ending<'_>,
    delays: ReleaseDelays,
    now: i64,
) -> Result<usize, StorageError> {
    let cause = match ending {
        Ending::Expired => EndCause::Expired,
        _ => EndCause::Wanted,
    };
    let usages = match ending {
        Ending::Revoked(id) => links::end_live(connection, &[id], LinkState::Revoked, now).await?,
        Ending::LegacyNotShown(ids) => {
            links::end_live(connection, ids, LinkState::Redacted, now).await?
        }
        Ending::LegacyRevoked(ids) => links::revoke_legacy(connection, ids, now).await?,
        Ending::MediaGone(medium) => {
            links::end_gone(connection, medium, as_count(AT_ONCE), now).await?
        }
        Ending::Expired => links::expire(connection, now, as_count(AT_ONCE)).await?,
    };
    let count = usages.len();
    media_references::release(connection, usages, cause, delays, (now, now)).await?;
    Ok(count)
}

/// What has come of a decision so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decided {
    /// How many rows show it.
    pub ended: usize,
    /// The decision, if more rows are to follow: see [`go_on`].
    pub open: Option<i64>,
}

/// Decides that all live links that match have ended, of one bridge or of all (`None`). The commit makes it
/// true of all of them, and shows it in the rows of the first ones.
pub async fn decide(
    connection: &mut Connection,
    bridge: Option<&str>,
    criteria: &Criteria,
    state: LinkState,
    delays: ReleaseDelays,
    now: i64,
) -> Result<Decided, StorageError> {
    let decision = Decision {
        bridge,
        criteria,
        state,
    };
    let first = Range {
        after: -1,
        up_to: i64::MAX,
        limit: as_count(AT_ONCE),
        // Links of an earlier decision end by that one.
        is_new: true,
    };
    let piece = end_piece(connection, &decision, first, delays, (now, now)).await?;
    let open = match piece.is_last {
        true => None,
        false => {
            let (ended, looked_up_to) = (as_count(piece.ended), piece.looked_up_to);
            Some(endings::note(connection, &decision, ended, looked_up_to, now).await?)
        }
    };
    Ok(Decided {
        ended: piece.ended,
        open,
    })
}

/// Decides that the links of redacted events, given by room and ID, have ended, of every bridge, and those to
/// media that these events have brought as edits of others.
pub async fn decide_redacted(
    connection: &mut Connection,
    events: &[(String, String)],
    delays: ReleaseDelays,
    now: i64,
) -> Result<(), StorageError> {
    let live = links::live_of_events(connection, events, as_count(AT_ONCE), now).await?;
    let is_last = live.len() < AT_ONCE;
    let ended = links::end_live(connection, &live, LinkState::Redacted, now).await?;
    media_references::release(connection, ended, EndCause::Wanted, delays, (now, now)).await?;
    if is_last {
        return Ok(());
    }
    for (room_id, event_id) in events {
        let of_edit = Criteria {
            room_id: Some(room_id.clone()),
            shown_by: Some(event_id.clone()),
            ..Criteria::default()
        };
        let of_event = Criteria {
            room_id: Some(room_id.clone()),
            event_id: Some(event_id.clone()),
            ..Criteria::default()
        };
        for criteria in [of_edit, of_event] {
            let state = LinkState::Redacted;
            decide(connection, None, &criteria, state, delays, now).await?;
        }
    }
    Ok(())
}

/// Has the rows of some more links show that they have ended, by the oldest decision that is not carried out;
/// `false`: every one is.
pub async fn go_on(
    connection: &mut Connection,
    delays: ReleaseDelays,
    now: i64,
) -> Result<bool, StorageError> {
    let Some(open) = endings::oldest_open(connection).await? else {
        return Ok(false);
    };
    let decision = Decision {
        bridge: open.bridge.as_deref(),
        criteria: &open.criteria,
        state: open.state,
    };
    let (range, times) = (open.range(as_count(AT_ONCE)), (open.decided_at, now));
    let piece = end_piece(connection, &decision, range, delays, times).await?;
    let (ended, finished_at) = (as_count(piece.ended), piece.is_last.then_some(now));
    endings::advance(connection, open.id, ended, piece.looked_up_to, finished_at).await?;
    Ok(true)
}

/// Some of the links of a decision.
struct Piece {
    ended: usize,
    looked_up_to: i64,
    is_last: bool,
}

/// Ends some of the links that a decision is about; the times: of the decision, and now.
async fn end_piece(
    connection: &mut Connection,
    decision: &Decision<'_>,
    range: Range,
    delays: ReleaseDelays,
    (decided_at, now): (i64, i64),
) -> Result<Piece, StorageError> {
    let (bridge, criteria) = (decision.bridge, decision.criteria);
    let state = (decision.state, decided_at);
    let ended = links::end(connection, bridge, criteria, range, state).await?;
    let last = ended.iter().map(|(link, _)| *link).max();
    let count = ended.len();
    let usages = ended.into_iter().map(|(_, usage)| usage).collect();
    media_references::release(
        connection,
        usages,
        EndCause::Wanted,
        delays,
        (decided_at, now),
    )
    .await?;
    Ok(Piece {
        ended: count,
        looked_up_to: last.unwrap_or(range.after),
        is_last: as_count(count) < range.limit,
    })
}

fn as_count(rows: usize) -> i64 {
    i64::try_from(rows).unwrap_or(i64::MAX)
}

/// Takes one of a limited number of follows; the last one ends the link. `false`: none was left,
/// or the link has ended.
pub async fn take_follow(
    connection: &mut Connection,
    id: i64,
    delays: ReleaseDelays,
    now: i64,
) -> Result<bool, StorageError> {
    let Some((state, usage)) = links::take_follow(connection, id, now).await? else {
        return Ok(false);
    };
    if state == LinkState::Spent {
        let left = vec![usage];
        media_references::release(connection, left, EndCause::Wanted, delays, (now, now)).await?;
    }
    Ok(true)
}

/// Stores the changes of a repeated request, and releases the usage that the link leaves, if it
/// does.
pub async fn renew(
    connection: &mut Connection,
    earlier: &LinkRow,
    renewal: &Renewal<'_>,
    delays: ReleaseDelays,
    now: i64,
) -> Result<(), StorageError> {
    links::update(connection, earlier.id, renewal).await?;
    if renewal.media_reference_id == earlier.media_reference_id {
        return Ok(());
    }
    let left = vec![earlier.media_reference_id];
    media_references::release(connection, left, EndCause::Wanted, delays, (now, now)).await
}
