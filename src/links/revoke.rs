//! Revocations: they need no homeserver, so that commands carry them out as well.
//!
//! A revocation is decided in one commit, and holds for all links that it is about from then on. Their rows follow
//! some at a time, so that others write in between; whoever has asked waits for the last one, to tell how many
//! it were. If the process is killed before, another one goes on.

use std::{sync::Arc, time::Duration};

use futures_util::FutureExt;
use tokio::{sync::Mutex, time::Instant};

use crate::{
    clock::Clock,
    config::Config,
    storage::{
        Connection, Database, Lock, StorageError,
        ending::{self, Decided, Ending},
        endings, history,
        links::{self, Criteria},
        media_references::ReleaseDelays,
        tombstones::{self, Name},
    },
};
use medialink_link::{KeyId, LinkForm, LinkState};

use super::{found::FoundLink, recorder::release_delays};

/// The longest rest after a piece. It is as long as the piece has taken, so that half of the time is left to
/// others.
const LONGEST_REST: Duration = Duration::from_millis(100);

/// Revokes links. Clones work together.
#[derive(Debug, Clone)]
pub struct Revoker {
    database: Database,
    clock: Clock,
    delays: ReleaseDelays,
    bridges: Arc<[String]>,
    /// Whoever carries decisions out; one at a time is enough.
    at_work: Arc<Mutex<()>>,
}

/// The outcome of a revocation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Revoked {
    /// How many live links it has ended.
    pub links: usize,
    /// Whether it holds for links not seen yet, too.
    pub remembered: bool,
}

impl Revoker {
    /// Revokes links of the bridges that are configured.
    #[must_use]
    pub fn new(database: Database, config: &Config, clock: Clock) -> Self {
        let bridges = config.bridges.iter().map(|bridge| bridge.id.clone());
        Self {
            database,
            clock,
            delays: release_delays(config),
            bridges: bridges.collect(),
            at_work: Arc::default(),
        }
    }

    /// Revokes all live links of a bridge (of all bridges: `None`) that match, and remembers it
    /// for those that were signed elsewhere and not seen yet.
    pub async fn revoke(
        &self,
        bridge: Option<&str>,
        criteria: Criteria,
    ) -> Result<Revoked, StorageError> {
        // Links that were signed elsewhere do not say who shared their media.
        let remembered = criteria.sender.is_none();
        let (bridge, this) = (bridge.map(str::to_owned), self.clone());
        // In a task of its own: it goes on if the caller stops waiting.
        let revoked = tokio::spawn(async move {
            let decided = this.decide(bridge, criteria, remembered).await?;
            this.outcome(decided).await
        });
        let links = revoked.await.unwrap_or(Err(StorageError::Closed))?;
        Ok(Revoked { links, remembered })
    }

    /// Decides a revocation, and has it remembered, if it holds for links that are not seen yet.
    async fn decide(
        &self,
        bridge: Option<String>,
        criteria: Criteria,
        is_remembered: bool,
    ) -> Result<Decided, StorageError> {
        let (now, delays) = (self.clock.now_ms(), self.delays);
        let bridges = match (&bridge, is_remembered) {
            (_, false) => Arc::default(),
            (Some(bridge), true) => Arc::from([bridge.clone()]),
            (None, true) => Arc::clone(&self.bridges),
        };
        self.database
            .writer()
            .write(move |connection| {
                async move {
                    remember(connection, &bridges, &criteria, now).await?;
                    let (bridge, state) = (bridge.as_deref(), LinkState::Revoked);
                    ending::decide(connection, bridge, &criteria, state, delays, now).await
                }
                .boxed()
            })
            .await
    }

    /// How many links have ended by a decision, once it is carried out, which this does unless others do.
    async fn outcome(&self, decided: Decided) -> Result<usize, StorageError> {
        let Some(id) = decided.open else {
            return Ok(decided.ended);
        };
        loop {
            if let Some(ended) = endings::outcome(self.database.reader(), id).await? {
                return Ok(usize::try_from(ended).unwrap_or(0));
            }
            self.go_on().await?;
        }
    }

    /// Has the rows of some more links show what is decided about them; `false`: all of them do.
    pub async fn go_on(&self) -> Result<bool, StorageError> {
        let _at_work = self.at_work.lock().await;
        let began = Instant::now();
        let (now, delays) = (self.clock.now_ms(), self.delays);
        let is_more = self
            .database
            .writer()
            .write::<_, StorageError, _>(move |connection| {
                async move { ending::go_on(connection, delays, now).await }.boxed()
            })
            .await?;
        if is_more {
            tokio::time::sleep(began.elapsed().min(LONGEST_REST)).await;
        }
        Ok(is_more)
    }

    /// Revokes one link of a bridge; one that has ended already stays as it is, unless an event
    /// could bring it back. `None`: the bridge has no such link.
    pub async fn revoke_one(
        &self,
        bridge: &str,
        link_id: &str,
    ) -> Result<Option<FoundLink>, StorageError> {
        let (now, delays) = (self.clock.now_ms(), self.delays);
        let (bridge, link_id) = (bridge.to_owned(), link_id.to_owned());
        self.database
            .writer()
            .write(move |connection| {
                async move { revoke_one(connection, (&bridge, &link_id), delays, now).await }
                    .boxed()
            })
            .await
    }

    /// Ends all links that a key has signed; returns how many. The key verifies none of them by now.
    pub async fn revoke_key(&self, key_id: KeyId) -> Result<usize, StorageError> {
        let decided = self.decide_key(key_id).await?;
        self.outcome(decided).await
    }

    /// The same without waiting for the rows of many.
    pub async fn decide_key(&self, key_id: KeyId) -> Result<Decided, StorageError> {
        let (now, delays) = (self.clock.now_ms(), self.delays);
        let of_key = Criteria {
            key_id: Some(key_id),
            ..Criteria::default()
        };
        self.database
            .writer()
            .write(move |connection| {
                async move {
                    let state = LinkState::Revoked;
                    ending::decide(connection, None, &of_key, state, delays, now).await
                }
                .boxed()
            })
            .await
    }
}

/// Revokes a link, given by bridge and ID.
async fn revoke_one(
    connection: &mut Connection,
    (bridge, link_id): (&str, &str),
    delays: ReleaseDelays,
    now: i64,
) -> Result<Option<FoundLink>, StorageError> {
    let mut found = links::find_in(connection, link_id).await?;
    if found.is_none() {
        // A row of tombstones is read and written whole.
        connection.lock(&[Lock::Tombstones]).await?;
        // An event may have brought the link back meanwhile.
        found = links::find_in(connection, link_id).await?;
    }
    let Some(row) = found else {
        return revoke_buried(connection, bridge, link_id, now).await;
    };
    if row.bridge != bridge {
        return Ok(None);
    }
    let this = [row.id];
    let revoked = match row.form {
        LinkForm::Legacy => {
            let mxc = row.claims.mxc.to_string();
            connection.lock(&[Lock::Shown(bridge, &mxc)]).await?;
            Ending::LegacyRevoked(&this)
        }
        LinkForm::Short | LinkForm::SelfContained => Ending::Revoked(row.id),
    };
    ending::end(connection, revoked, delays, now).await?;
    if let Some(row) = links::find_in(connection, link_id).await? {
        return Ok(Some(FoundLink::Recorded(Box::new(row))));
    }
    // It had ended long ago, and has become a tombstone since it was found.
    connection.lock(&[Lock::Tombstones]).await?;
    revoke_buried(connection, bridge, link_id, now).await
}

/// Revokes a link of which only a tombstone is left: of a link that a bridge has made by itself, any other end
/// can be undone. The write holds `Lock::Tombstones`.
async fn revoke_buried(
    connection: &mut Connection,
    bridge: &str,
    link_id: &str,
    now: i64,
) -> Result<Option<FoundLink>, StorageError> {
    let found = tombstones::find(&mut *connection, &[bridge], link_id).await?;
    let Some(mut tombstone) = found else {
        return Ok(None);
    };
    if tombstone.is_legacy && tombstone.state != LinkState::Revoked {
        tombstone.state = LinkState::Revoked;
        tombstone.ended_at_s = now / 1000;
        tombstones::bury(connection, &[(Name::of(bridge, link_id), tombstone)]).await?;
    }
    Ok(Some(FoundLink::Buried(tombstone)))
}

/// Remembers a revocation of these bridges for links that are not seen yet.
async fn remember(
    connection: &mut Connection,
    bridges: &[String],
    criteria: &Criteria,
    now: i64,
) -> Result<(), StorageError> {
    let locks = bridges.iter().map(|bridge| Lock::Revocations(bridge));
    connection.lock(&locks.collect::<Vec<_>>()).await?;
    for bridge in bridges {
        history::note_revocation(connection, bridge, criteria, now).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::{
        engine::{query, query_scalar},
        test_database,
    };

    /// More than two pieces.
    const LINKS: usize = 1201;

    async fn open() -> (tempfile::TempDir, Revoker, Database) {
        let (folder, database) = test_database::open().await;
        let config = test_database::config(folder.path());
        let revoker = Revoker::new(database.clone(), &config, Clock::default());
        (folder, revoker, database)
    }

    async fn insert(database: &Database) {
        let written = database.writer().write::<_, StorageError, _>(|c| {
            async move {
                for statement in [
                    "INSERT INTO matrix_ids (id, matrix_id) VALUES (1, '!room0'), (2, '!room1'), (3, '@user0'), (4, '@user1')",
                    "INSERT INTO media_references (id, bridge, room, mxc, state) \
                     SELECT id, 'irc', id, 'mxc://a/' || (id - 1), 'disabled' FROM matrix_ids WHERE id < 3",
                    "INSERT INTO links (link_id, form, key_id, bridge, media_reference_id, room, event_id, sender, \
                     issued_at, state) \
                     WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2402) \
                     SELECT 'link' || i, CASE WHEN i % 10 < 2 THEN 'legacy' ELSE 'short' END, i % 2, 'irc', 1 + i % 2, \
                     1 + i % 2, '$event' || (i % 2), 3 + i % 2, 1 + i % 2, 'live' FROM n",
                ] {
                    query(statement).execute(&mut *c).await?;
                }
                Ok(())
            }
            .boxed()
        });
        written.await.expect("writes");
    }

    async fn live(database: &Database) -> i64 {
        let live = query_scalar("SELECT COUNT(*) FROM links WHERE state = 'live'");
        live.fetch_one(database.reader()).await.expect("reads")
    }

    #[tokio::test]
    async fn many_links_are_revoked_in_several_writes() {
        let none = Criteria::default;
        let asked = [
            Criteria {
                room_id: Some("!room0".to_owned()),
                ..none()
            },
            Criteria {
                event_id: Some("$event0".to_owned()),
                ..none()
            },
            Criteria {
                mxc: Some("mxc://a/0".to_owned()),
                ..none()
            },
            Criteria {
                sender: Some("@user0".to_owned()),
                ..none()
            },
            Criteria {
                issued_before: Some(2),
                ..none()
            },
        ];
        for criteria in asked {
            for bridge in [Some("irc"), None] {
                let (_folder, revoker, database) = open().await;
                insert(&database).await;
                // A bridge may have made its own links at any time.
                let also = if criteria.issued_before.is_some() {
                    241
                } else {
                    0
                };
                let before = database.writer().commits();
                let revoked = revoker
                    .revoke(bridge, criteria.clone())
                    .await
                    .expect("revokes");
                assert_eq!(revoked.links, LINKS + also, "{criteria:?}");
                assert_eq!(
                    live(&database).await,
                    i64::try_from(LINKS - also).expect("few")
                );
                assert!(database.writer().commits() > before + 2, "{criteria:?}");
            }
        }
    }

    #[tokio::test]
    async fn the_links_of_a_key_are_revoked_in_several_writes() {
        let (_folder, revoker, database) = open().await;
        insert(&database).await;
        let before = database.writer().commits();
        assert_eq!(revoker.revoke_key(1).await.expect("revokes"), LINKS);
        assert_eq!(live(&database).await, 1201);
        assert!(database.writer().commits() > before + 2);
    }
}
