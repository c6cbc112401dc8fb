//! The ends of links, each with the release of the usages that they were part of, in one step:
//! nothing outside of this module can do the one without the other. Every function here fails only if
//! the database does.

use medialink_link::{KeyId, LinkState};

use super::{
    StorageError,
    engine::Connection,
    links::{self, Criteria, LinkRow, Range, Renewal},
    media_references::{self, EndCause, ReleaseDelays},
    missing_media::AskedMedium,
};

/// Which links end, and how.
#[derive(Debug, Clone, Copy)]
pub enum Ending<'a> {
    /// Live links that match, of one bridge or of all (`None`).
    Matching {
        /// The bridge whose links they are.
        bridge: Option<&'a str>,
        /// Which of its links.
        criteria: &'a Criteria,
        /// The state that they end in.
        state: LinkState,
    },
    /// One link, if it is live: it is revoked.
    Revoked(i64),
    /// The live links of a redacted event, of every bridge, and those to media that this event has
    /// brought as an edit of another one.
    OfRedactedEvent {
        /// The room of the event.
        room_id: &'a str,
        /// The redacted event.
        event_id: &'a str,
    },
    /// Live links that a key has signed, up to a number of them.
    OfKey(KeyId, i64),
    /// Links that a bridge has made by itself, to media that no event shows any more.
    LegacyNotShown(&'a [i64]),
    /// Links that a bridge has made by itself, also those that have ended: of all their ends, only
    /// a revocation cannot be undone.
    LegacyRevoked(&'a [i64]),
    /// The live links to a medium that the homeserver no longer has.
    MediaGone(&'a AskedMedium),
    /// Links whose time is over, up to a number of them.
    Expired(i64),
}

/// Ends links; returns how many. Usages whose last link has ended are released after these delays.
pub async fn end(
    connection: &mut Connection,
    ending: Ending<'_>,
    delays: ReleaseDelays,
    now: i64,
) -> Result<usize, StorageError> {
    let mut cause = EndCause::Wanted;
    let mut usages = Vec::new();
    match ending {
        Ending::Matching {
            bridge,
            criteria,
            state,
        } => {
            let ended = links::end(connection, bridge, criteria, Range::ALL, (state, now)).await?;
            usages.extend(ended.into_iter().map(|(_, usage)| usage));
        }
        Ending::Revoked(id) => {
            usages.extend(links::end_one(connection, id, LinkState::Revoked, now).await?);
        }
        Ending::OfRedactedEvent { room_id, event_id } => {
            let by_edit = links::end_shown_by(connection, room_id, event_id, now).await?;
            let of_event = Criteria {
                room_id: Some(room_id.to_owned()),
                event_id: Some(event_id.to_owned()),
                ..Criteria::default()
            };
            let redacted = (LinkState::Redacted, now);
            let ended = links::end(connection, None, &of_event, Range::ALL, redacted).await?;
            usages.extend(ended.into_iter().map(|(_, usage)| usage));
            usages.extend(by_edit);
        }
        Ending::OfKey(key_id, limit) => {
            usages = links::end_of_key(connection, key_id, limit, now).await?;
        }
        Ending::LegacyNotShown(ids) => {
            for id in ids {
                usages.extend(links::end_one(connection, *id, LinkState::Redacted, now).await?);
            }
        }
        Ending::LegacyRevoked(ids) => {
            for id in ids {
                usages.extend(links::revoke_legacy(connection, *id, now).await?);
            }
        }
        Ending::MediaGone(medium) => usages = links::end_gone(connection, medium, now).await?,
        Ending::Expired(limit) => {
            cause = EndCause::Expired;
            usages = links::expire(connection, now, limit).await?;
        }
    }
    let count = usages.len();
    media_references::release(connection, usages, cause, delays, now).await?;
    Ok(count)
}

/// All links that there are now, of which `limit` end at once.
pub async fn all_in_pieces(connection: &mut Connection, limit: i64) -> Result<Range, StorageError> {
    Ok(Range {
        up_to: links::last(connection).await?,
        limit,
        ..Range::ALL
    })
}

/// Revokes some of the live links that match, of one bridge or of all (`None`); returns how many, and
/// what is left. Zero: none is. Usages whose last link has ended are released after these delays.
pub async fn revoke_some(
    connection: &mut Connection,
    bridge: Option<&str>,
    criteria: &Criteria,
    range: Range,
    delays: ReleaseDelays,
    now: i64,
) -> Result<(usize, Range), StorageError> {
    let revoked = (LinkState::Revoked, now);
    let ended = links::end(connection, bridge, criteria, range, revoked).await?;
    let last = ended.iter().map(|(link, _)| *link).max();
    let (count, usages) = (ended.len(), ended.into_iter().map(|(_, usage)| usage));
    let (cause, usages) = (EndCause::Wanted, usages.collect());
    media_references::release(connection, usages, cause, delays, now).await?;
    let rest = Range {
        after: last.unwrap_or(range.after),
        ..range
    };
    Ok((count, rest))
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
        media_references::release(connection, left, EndCause::Wanted, delays, now).await?;
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
    media_references::release(connection, left, EndCause::Wanted, delays, now).await
}
