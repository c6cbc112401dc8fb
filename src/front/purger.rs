//! Has answers about links that have ended purged, at least once each.

use futures_util::{FutureExt, StreamExt, stream};
use tokio_util::sync::CancellationToken;

use crate::{
    clock::{Clock, millis},
    config::Settings,
    homeserver::HomeserverError,
    links::Links,
    storage::{
        Database, Lookout, StorageError, front_purges, front_purges::FrontPurge, leases::Lease,
        links,
    },
};

use super::hooks::{EndedLink, HookError, Hooks};

/// How often to look, in milliseconds: what was put off becomes due.
const LOOK_EVERY_MS: i64 = 1000;
/// How often it is noted that something is in front, in milliseconds.
const NOTE_EVERY_MS: i64 = 3_600_000;
/// How long to wait after the first failure, in milliseconds; then twice as long each time.
const FIRST_WAIT_MS: i64 = 1000;
/// How many usages are purged at once.
const AT_ONCE: usize = 8;
/// The longest wait, in milliseconds.
const LONGEST_WAIT_MS: i64 = 60_000;

/// Has answers about links that have ended purged from what is in front of the service.
pub struct FrontPurger {
    database: Database,
    links: Links,
    config: Settings,
    clock: Clock,
    hooks: Hooks,
    lease: Lease,
    note_at: i64,
}

impl FrontPurger {
    /// A purger for the hooks of a configuration.
    ///
    /// # Errors
    /// If there is no way to make connections.
    pub fn new(
        database: Database,
        links: Links,
        config: Settings,
        clock: Clock,
    ) -> Result<Self, HomeserverError> {
        Ok(Self {
            hooks: Hooks::new(config.purge.clone())?,
            lease: Lease::new(&database, &clock, "purges in front"),
            note_at: clock.now_ms(),
            database,
            links,
            config,
            clock,
        })
    }

    /// Notes that something is in front: from then on, ends of links are purged.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn note_front(&mut self) -> Result<(), StorageError> {
        let now = self.clock.now_ms();
        self.note_at = now + NOTE_EVERY_MS;
        let writer = self.database.writer();
        writer
            .write_counts::<_, StorageError, _>(move |connection| {
                front_purges::note_front(connection, now).boxed()
            })
            .await
    }

    /// Works until it is cancelled.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut lookout = Lookout::new(&self.database, &self.clock, &stop);
        while lookout.begins() {
            let worked = tokio::select! {
                () = stop.cancelled() => return,
                worked = self.work_if_due() => worked,
            };
            if let Err(error) = &worked {
                tracing::error!(%error, "what is in front could not be purged");
            }
            let look_at = self.clock.now_ms() + LOOK_EVERY_MS;
            lookout.wait(look_at, worked.is_err()).await;
        }
    }

    async fn work_if_due(&mut self) -> Result<(), StorageError> {
        if self.clock.now_ms() >= self.note_at {
            self.note_front().await?;
        }
        let due = front_purges::due(self.database.reader(), self.clock.now_ms()).await?;
        if due.is_empty() {
            return Ok(());
        }
        // Another replica does it, if it is not us.
        self.lease.during(self.work()).await?.unwrap_or(Ok(()))
    }

    async fn work(&self) -> Result<(), StorageError> {
        loop {
            let due = front_purges::due(self.database.reader(), self.clock.now_ms()).await?;
            if due.is_empty() {
                return Ok(());
            }
            // One that does not answer keeps no other waiting for long.
            let purges: Vec<_> = due.into_iter().map(|purge| self.purge(purge)).collect();
            let mut purges = stream::iter(purges).buffer_unordered(AT_ONCE);
            while let Some(purged) = purges.next().await {
                purged?;
            }
        }
    }

    async fn purge(&self, purge: FrontPurge) -> Result<(), StorageError> {
        let (usage, since) = (purge.media_reference_id, purge.ended_since);
        let ended = links::ended_of_usage(self.database.reader(), usage, since).await?;
        let ended = ended.iter().filter_map(|link| {
            let (token, paths) = self.links.paths(link)?;
            Some(EndedLink { token, paths })
        });
        let purged = self.hooks.purge(&ended.collect::<Vec<_>>()).await;
        let now = self.clock.now_ms();
        let outcome = match &purged {
            Ok(()) => "purged",
            Err(_) if self.is_over(&purge) => "given_up",
            Err(_) => "failed",
        };
        metrics::counter!("medialink_front_purges_total", "outcome" => outcome).increment(1);
        if let Err((hook, error)) = purged {
            report(hook, &error, outcome);
        }
        let wait = FIRST_WAIT_MS << purge.attempts.clamp(0, 16);
        let until = now + wait.min(LONGEST_WAIT_MS);
        self.database
            .writer()
            .write_counts::<_, StorageError, _>(move |connection| {
                let purge = purge.clone();
                async move {
                    match outcome {
                        "purged" => front_purges::done(connection, &purge, now).await,
                        "given_up" => front_purges::drop_purge(connection, &purge).await,
                        _ => front_purges::put_off(connection, &purge, until).await,
                    }
                }
                .boxed()
            })
            .await
    }

    /// Whether nobody may keep the answers any more: they were never allowed to be kept for longer.
    fn is_over(&self, purge: &FrontPurge) -> bool {
        let longest = millis(self.config.media.cache_control_max);
        let waits = (0..purge.attempts.min(100_000)).map(|attempt| {
            let wait = FIRST_WAIT_MS << attempt.clamp(0, 16);
            wait.min(LONGEST_WAIT_MS)
        });
        waits.sum::<i64>() > longest
    }
}

fn report(hook: usize, error: &HookError, outcome: &str) {
    tracing::warn!(hook, %error, outcome, "answers about ended links could not be purged in front");
}
