//! The ends of links, each with the release of the usages that they were part of, in one step:
//! nothing outside of this module can do the one without the other. Every function here fails only if
//! the database does.

use sqlx::SqliteConnection;

use medialink_link::{KeyId, LinkState};

use super::{
    StorageError,
    links::{self, Criteria, LinkRow, Renewal},
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
    /// All live links that a key has signed.
    OfKey(KeyId),
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
    connection: &mut SqliteConnection,
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
        } => usages = links::end(connection, bridge, criteria, state, now).await?,
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
            usages = links::end(connection, None, &of_event, LinkState::Redacted, now).await?;
            usages.extend(by_edit);
        }
        Ending::OfKey(key_id) => usages = links::end_of_key(connection, key_id, now).await?,
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

/// Takes one of a limited number of follows; the last one ends the link. `false`: none was left,
/// or the link has ended.
pub async fn take_follow(
    connection: &mut SqliteConnection,
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
    connection: &mut SqliteConnection,
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
