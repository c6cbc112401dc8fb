//! The deaths of links: revoked, redacted, expired.

use futures_util::FutureExt;
use sqlx::SqliteConnection;

use crate::storage::{
    StorageError,
    links::{self, Criteria, LinkRow},
    media_references::{self, Death},
    memory, seen_media,
};
use medialink_link::{Form, KeyId, LinkState};

use super::LinkService;

/// How many links are noted down as expired in one go.
const EXPIRED_AT_ONCE: i64 = 500;

/// What a revocation came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Revoked {
    /// How many live links it has ended.
    pub links: usize,
    /// Whether it holds for links not seen yet, too.
    pub remembered: bool,
}

impl LinkService {
    /// Revokes all live links of a bridge (of all bridges: `None`) that match, and remembers it
    /// for those that were signed elsewhere and not seen yet.
    ///
    /// # Errors
    /// If the database fails: then nothing was revoked.
    pub async fn revoke(
        &self,
        bridge: Option<&str>,
        criteria: Criteria,
    ) -> Result<Revoked, StorageError> {
        let (now, pace) = (self.clock.now_ms(), self.pace());
        let bridge = bridge.map(str::to_owned);
        let bridges: Vec<String> = match &bridge {
            Some(bridge) => vec![bridge.clone()],
            None => self
                .config
                .bridges
                .iter()
                .map(|bridge| bridge.id.clone())
                .collect(),
        };
        self.database
            .writer()
            .write(move |connection| {
                async move {
                    let ended = links::end(
                        connection,
                        bridge.as_deref(),
                        &criteria,
                        LinkState::Revoked,
                        now,
                    )
                    .await?;
                    let revoked = Revoked {
                        links: ended.len(),
                        // Links that were signed elsewhere do not tell who shared their media.
                        remembered: criteria.sender.is_none(),
                    };
                    if revoked.remembered {
                        for bridge in &bridges {
                            memory::note_revocation(connection, bridge, &criteria, now).await?;
                        }
                    }
                    media_references::after_deaths(connection, ended, Death::Wanted, pace, now)
                        .await?;
                    Ok(revoked)
                }
                .boxed()
            })
            .await
    }

    /// Revokes one link of a bridge; one that is over already stays as it is, unless an event could
    /// bring it back. `None`: the bridge has no such link.
    ///
    /// # Errors
    /// If the database fails: then nothing was revoked.
    pub async fn revoke_one(
        &self,
        bridge: &str,
        link_id: &str,
    ) -> Result<Option<LinkRow>, StorageError> {
        let (now, pace) = (self.clock.now_ms(), self.pace());
        let (bridge, link_id) = (bridge.to_owned(), link_id.to_owned());
        self.database
            .writer()
            .write(move |connection| {
                async move {
                    let found = links::find_in(connection, &link_id).await?;
                    let Some(row) = found.filter(|row| row.bridge == bridge) else {
                        return Ok(None);
                    };
                    let ended = if row.form == Form::Legacy {
                        links::revoke_legacy(connection, row.id, now).await?
                    } else {
                        links::end_one(connection, row.id, LinkState::Revoked, now).await?
                    };
                    let left = ended.into_iter().collect();
                    media_references::after_deaths(connection, left, Death::Wanted, pace, now)
                        .await?;
                    links::find_in(connection, &link_id).await
                }
                .boxed()
            })
            .await
    }

    /// Ends all links, of every bridge, of events that were found to be redacted, each of a room, and
    /// remembers them.
    ///
    /// # Errors
    /// If the database fails: then nothing was redacted.
    pub async fn redact(&self, redactions: Vec<(String, String)>) -> Result<(), StorageError> {
        let (now, service) = (self.clock.now_ms(), self.clone());
        self.database
            .writer()
            .write(move |connection| {
                async move { service.redact_events(connection, redactions, now).await }.boxed()
            })
            .await
    }

    /// Ends all links of redacted events, each of a room, and remembers them; inside a write.
    pub(crate) async fn redact_events(
        &self,
        connection: &mut SqliteConnection,
        redactions: Vec<(String, String)>,
        now: i64,
    ) -> Result<(), StorageError> {
        for (room_id, event_id) in redactions {
            memory::note_redaction(connection, &room_id, &event_id, now).await?;
            let ceased = seen_media::end_of_event(connection, &room_id, &event_id, now).await?;
            self.note_ceased(connection, ceased, now).await?;
            let by_edit = links::end_shown_by(connection, &room_id, &event_id, now).await?;
            let of_event = Criteria {
                room_id: Some(room_id),
                event_id: Some(event_id),
                ..Criteria::default()
            };
            let mut ended =
                links::end(connection, None, &of_event, LinkState::Redacted, now).await?;
            ended.extend(by_edit);
            media_references::after_deaths(connection, ended, Death::Wanted, self.pace(), now)
                .await?;
        }
        Ok(())
    }

    /// Ends all links that a key has signed; returns how many.
    ///
    /// # Errors
    /// If the database fails: then nothing was revoked.
    pub async fn revoke_key(&self, key_id: KeyId) -> Result<usize, StorageError> {
        let (now, pace) = (self.clock.now_ms(), self.pace());
        self.database
            .writer()
            .write(move |connection| {
                async move {
                    let ended = links::end_of_key(connection, key_id, now).await?;
                    let count = ended.len();
                    media_references::after_deaths(connection, ended, Death::Wanted, pace, now)
                        .await?;
                    Ok(count)
                }
                .boxed()
            })
            .await
    }

    /// Notes down some of the links whose time is over; `true`: there may be more.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn expire(&self) -> Result<bool, StorageError> {
        let (now, pace) = (self.clock.now_ms(), self.pace());
        self.database
            .writer()
            .write(move |connection| {
                async move {
                    let ended = links::expire(connection, now, EXPIRED_AT_ONCE).await?;
                    let more = i64::try_from(ended.len()).is_ok_and(|n| n == EXPIRED_AT_ONCE);
                    media_references::after_deaths(connection, ended, Death::Expired, pace, now)
                        .await?;
                    Ok(more)
                }
                .boxed()
            })
            .await
    }
}
