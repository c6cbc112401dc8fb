//! Revocations: they need no homeserver, so that commands carry them out as well.

use std::sync::Arc;

use futures_util::FutureExt;

use crate::{
    clock::Clock,
    config::Config,
    storage::{
        Database, Lock, StorageError,
        ending::{self, Ending},
        history,
        links::{self, Criteria, LinkRow, Range},
        media_references::ReleaseDelays,
    },
};
use medialink_link::{KeyId, LinkForm};

use super::recorder::release_delays;

/// How many links are revoked in one write: others write in between.
const REVOKED_AT_ONCE: i64 = 500;

/// Revokes links. If the database fails, some may be revoked already: the same can be asked for again.
#[derive(Debug, Clone)]
pub struct Revoker {
    database: Database,
    clock: Clock,
    delays: ReleaseDelays,
    bridges: Arc<[String]>,
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
        }
    }

    /// Revokes all live links of a bridge (of all bridges: `None`) that match, and remembers it
    /// for those that were signed elsewhere and not seen yet.
    pub async fn revoke(
        &self,
        bridge: Option<&str>,
        criteria: Criteria,
    ) -> Result<Revoked, StorageError> {
        let this = self.clone();
        let bridge = bridge.map(str::to_owned);
        // In a task of its own: it goes on if the caller stops waiting.
        let revoked = tokio::spawn(async move { this.revoke_all(bridge, criteria).await });
        revoked.await.unwrap_or(Err(StorageError::Closed))
    }

    /// Remembers the revocation first: links that are recorded meanwhile are revoked by that.
    async fn revoke_all(
        &self,
        bridge: Option<String>,
        criteria: Criteria,
    ) -> Result<Revoked, StorageError> {
        let (now, delays) = (self.clock.now_ms(), self.delays);
        // Links that were signed elsewhere do not say who shared their media.
        let remembered = criteria.sender.is_none();
        let (bridge, criteria) = (bridge.as_deref().map(Arc::from), Arc::new(criteria));
        let mut rest = self
            .remember(bridge.clone(), Arc::clone(&criteria), now)
            .await?;
        let mut links = 0;
        loop {
            let (bridge, criteria) = (bridge.clone(), Arc::clone(&criteria));
            let piece = self
                .database
                .writer()
                .write::<_, StorageError, _>(move |connection| {
                    async move {
                        let bridge = bridge.as_deref();
                        ending::revoke_some(connection, bridge, &criteria, rest, delays, now).await
                    }
                    .boxed()
                });
            let (count, next) = piece.await?;
            if count == 0 {
                return Ok(Revoked { links, remembered });
            }
            links += count;
            rest = next;
        }
    }

    /// Remembers a revocation; returns the links that there are by now.
    async fn remember(
        &self,
        bridge: Option<Arc<str>>,
        criteria: Arc<Criteria>,
        now: i64,
    ) -> Result<Range, StorageError> {
        let bridges = match bridge {
            Some(bridge) => Arc::from([bridge.to_string()]),
            None => Arc::clone(&self.bridges),
        };
        self.database
            .writer()
            .write(move |connection| {
                async move {
                    if criteria.sender.is_none() {
                        let locks = bridges.iter().map(|bridge| Lock::Revocations(bridge));
                        connection.lock(&locks.collect::<Vec<_>>()).await?;
                        for bridge in bridges.iter() {
                            history::note_revocation(connection, bridge, &criteria, now).await?;
                        }
                    }
                    ending::all_in_pieces(connection, REVOKED_AT_ONCE).await
                }
                .boxed()
            })
            .await
    }

    /// Revokes one link of a bridge; one that has ended already stays as it is, unless an event
    /// could bring it back. `None`: the bridge has no such link.
    pub async fn revoke_one(
        &self,
        bridge: &str,
        link_id: &str,
    ) -> Result<Option<LinkRow>, StorageError> {
        let (now, delays) = (self.clock.now_ms(), self.delays);
        let (bridge, link_id) = (bridge.to_owned(), link_id.to_owned());
        self.database
            .writer()
            .write(move |connection| {
                async move {
                    let found = links::find_in(connection, &link_id).await?;
                    let Some(row) = found.filter(|row| row.bridge == bridge) else {
                        return Ok(None);
                    };
                    let this = [row.id];
                    let revoked = match row.form {
                        LinkForm::Legacy => Ending::LegacyRevoked(&this),
                        LinkForm::Short | LinkForm::SelfContained => Ending::Revoked(row.id),
                    };
                    ending::end(connection, revoked, delays, now).await?;
                    links::find_in(connection, &link_id).await
                }
                .boxed()
            })
            .await
    }

    /// Ends all links that a key has signed; returns how many. The key verifies none of them by now.
    pub async fn revoke_key(&self, key_id: KeyId) -> Result<usize, StorageError> {
        let (now, delays) = (self.clock.now_ms(), self.delays);
        let mut links = 0;
        loop {
            let some = Ending::OfKey(key_id, REVOKED_AT_ONCE);
            let piece = self
                .database
                .writer()
                .write::<_, StorageError, _>(move |connection| {
                    ending::end(connection, some, delays, now).boxed()
                });
            match piece.await? {
                0 => return Ok(links),
                count => links += count,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::storage::{
        Opener,
        engine::{query, query_scalar},
    };

    /// More than two pieces.
    const LINKS: usize = 1201;

    async fn open(folder: &std::path::Path) -> (Revoker, Database) {
        let text = support::config_text(folder, "http://127.0.0.1:1", "http://127.0.0.1:1", "");
        let config = Config::parse(&text, HashMap::new(), folder).expect("a configuration");
        let database = Database::open(&config.database, Opener::Service).await;
        let database = database.expect("opens");
        let revoker = Revoker::new(database.clone(), &config, Clock::default());
        (revoker, database)
    }

    async fn insert(database: &Database) {
        let written = database.writer().write::<_, StorageError, _>(|c| {
            async move {
                for statement in [
                    "INSERT INTO media_references (bridge, room_id, mxc, state) VALUES ('irc', '!r', 'mxc://a/b', 'disabled')",
                    "INSERT INTO links (link_id, form, key_id, bridge, media_reference_id, room_id, event_id, sender, mxc, \
                     issued_at, state) \
                     WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2402) \
                     SELECT 'link' || i, CASE WHEN i % 10 < 2 THEN 'legacy' ELSE 'short' END, i % 2, 'irc', r.id, \
                     '!room' || (i % 2), '$event' || (i % 2), '@user' || (i % 2), 'mxc://a/' || (i % 2), 1 + i % 2, 'live' \
                     FROM n CROSS JOIN media_references r",
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
        let folders = asked
            .each_ref()
            .map(|_| tempfile::tempdir().expect("a folder"));
        for (criteria, folder) in asked.into_iter().zip(folders) {
            for bridge in [Some("irc"), None] {
                let folder = folder.path().join(bridge.unwrap_or("all"));
                std::fs::create_dir(&folder).expect("a folder");
                let (revoker, database) = open(&folder).await;
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
                assert!(database.writer().commits() > before + 3, "{criteria:?}");
            }
        }
    }

    #[tokio::test]
    async fn the_links_of_a_key_are_revoked_in_several_writes() {
        let folder = tempfile::tempdir().expect("a folder");
        let (revoker, database) = open(folder.path()).await;
        insert(&database).await;
        let before = database.writer().commits();
        assert_eq!(revoker.revoke_key(1).await.expect("revokes"), LINKS);
        assert_eq!(live(&database).await, 1201);
        assert!(database.writer().commits() > before + 3);
    }
}
