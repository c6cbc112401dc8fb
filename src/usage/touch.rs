//! Asking the homeserver for media in the background: touches, for homeservers that count downloads
//! (Synapse's `media_retention`), and media that it did not have when it was last asked.

use std::{collections::HashMap, sync::Arc, time::Duration};

use futures_util::FutureExt;
use tokio::task::{Id, JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

use crate::{
    clock::{Clock, millis},
    config::{Lifetime, Settings},
    homeserver::{HomeserverError, MediaClient},
    links::{Asked, MediumRef, Presence, Told},
    storage::{
        Database, StorageError,
        leases::Lease,
        missing_media::{self, AskedMedium},
        touches::{self, TouchQuery},
    },
};
use medialink_link::matrix::{ContentToken, MxcUri};

/// How long to wait after a question that was not answered by yes, in milliseconds.
const RETRY_MS: i64 = 10 * 60 * 1000;
/// How long to wait while the bridges of all links are not configured, in milliseconds.
const RETRY_UNCONFIGURED_MS: i64 = 3_600_000;
/// How long to wait when nothing is due. Touches are about days, so nobody wakes the toucher.
const IDLE: Duration = Duration::from_secs(5);
/// How many questions are open at once.
const AT_ONCE: usize = 16;
/// How many of them are about media of one other server, which the homeserver may have to fetch first.
const AT_ONCE_OF_SERVER: usize = 2;
/// How long a question may be open.
const DEADLINE: Duration = Duration::from_secs(60);

/// Touches media with live links, spread evenly: local media in any case, media of other servers
/// for the follows that were answered from the cache.
pub struct Toucher(Arc<Parts>);

struct Parts {
    database: Database,
    homeserver: MediaClient,
    presence: Presence,
    config: Settings,
    clock: Clock,
    /// Whoever has it asks, so that the rate is that of all replicas together.
    lease: Lease,
}

/// A medium to ask for, and why.
struct Question {
    medium: AskedMedium,
    cause: Cause,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cause {
    /// A touch is due.
    Touch,
    /// The homeserver did not have it when it was last asked.
    Missing,
}

impl Toucher {
    /// A toucher for the links of a database.
    #[must_use]
    pub fn new(
        database: Database,
        homeserver: MediaClient,
        presence: Presence,
        config: Settings,
        clock: Clock,
    ) -> Self {
        Self(Arc::new(Parts {
            lease: Lease::new(&database, &clock, "touches"),
            database,
            homeserver,
            presence,
            config,
            clock,
        }))
    }

    /// Asks for media that is due until it is cancelled, at most at `usage.touch_rate`.
    pub async fn run(self, stop: CancellationToken) {
        let Self(parts) = self;
        let rate = parts.config.usage.touch_rate;
        let pause = rate.per / rate.amount;
        let mut open = Open::default();
        let (mut last_at, mut look_at) = (i64::MIN, i64::MIN);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                Some(ended) = open.tasks.join_next_with_id() => {
                    open.close(ended);
                    // Another one may have waited for its place.
                    look_at = look_at.min(last_at.saturating_add(millis(pause)));
                }
                () = parts.clock.sleep_until(look_at), if open.media.len() < AT_ONCE => {
                    let wait = match parts.next_of_ours(&open).await {
                        Ok(Some(question)) => {
                            last_at = parts.clock.now_ms();
                            open.start(&parts, question);
                            pause
                        }
                        Ok(None) => IDLE.max(pause),
                        Err(error) => {
                            tracing::error!(%error, "media could not be touched");
                            IDLE.max(pause)
                        }
                    };
                    look_at = parts.clock.now_ms().saturating_add(millis(wait));
                }
            }
        }
    }
}

/// The questions that are open.
#[derive(Default)]
struct Open {
    tasks: JoinSet<()>,
    media: HashMap<Id, AskedMedium>,
}

impl Open {
    fn start(&mut self, parts: &Arc<Parts>, question: Question) {
        let (parts, medium) = (Arc::clone(parts), question.medium.clone());
        let task = self.tasks.spawn(async move {
            if let Err(error) = parts.ask(question).await {
                tracing::error!(%error, "media could not be touched");
            }
        });
        self.media.insert(task.id(), medium);
    }

    fn close(&mut self, ended: Result<(Id, ()), JoinError>) {
        let id = match ended {
            Ok((id, ())) => id,
            // The task that watches this one notices.
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            Err(error) => error.id(),
        };
        self.media.remove(&id);
    }

    /// Other servers whose media is being asked for as often as it may be.
    fn busy_servers(&self, own: &str) -> Vec<&str> {
        let mut counts = HashMap::<&str, usize>::new();
        for medium in self.media.values() {
            *counts.entry(server_of(&medium.mxc)).or_default() += 1;
        }
        counts.retain(|server, count| *server != own && *count >= AT_ONCE_OF_SERVER);
        counts.into_keys().collect()
    }
}

fn server_of(mxc: &str) -> &str {
    let rest = mxc.strip_prefix("mxc://").unwrap_or(mxc);
    rest.split_once('/').map_or(rest, |(server, _)| server)
}

impl Parts {
    /// The medium to ask for next, unless another replica asks.
    async fn next_of_ours(&self, open: &Open) -> Result<Option<Question>, StorageError> {
        let question = self.next(open).await?;
        if question.is_some() && !self.lease.is_ours().await? {
            return Ok(None);
        }
        Ok(question)
    }

    /// The medium to ask for next, of those that are due. What cannot be asked for is put off, so that it
    /// stays first for nobody.
    async fn next(&self, open: &Open) -> Result<Option<Question>, StorageError> {
        let busy: Vec<&str> = open.media.values().map(|m| m.mxc.as_str()).collect();
        let servers = open.busy_servers(self.config.homeserver.server_name.as_str());
        loop {
            let now = self.clock.now_ms();
            let reader = self.database.reader();
            let due = missing_media::next_due(reader, now, &busy, &servers).await?;
            let Some(due) = due else {
                break;
            };
            let is_configured = self.config.bridge(&due.medium.bridge).is_some();
            let (medium, cause) = (due.medium, Cause::Missing);
            let question = Question { medium, cause };
            if due.is_linked && is_configured {
                return Ok(Some(question));
            }
            self.put_off(question, due.is_linked, now).await?;
        }
        if self.config.usage.touch == Lifetime::Never {
            return Ok(None);
        }
        let bridges = self.config.bridges.iter().map(|bridge| bridge.id.as_str());
        let bridges: Vec<&str> = bridges.collect();
        loop {
            let now = self.clock.now_ms();
            let asked = TouchQuery {
                now,
                bridges: &bridges,
                busy: &busy,
                busy_servers: &servers,
            };
            let Some(due) = touches::next_due(self.database.reader(), asked).await? else {
                return Ok(None);
            };
            let is_configured = due.bridge.is_some();
            let medium = AskedMedium {
                bridge: due.bridge.unwrap_or_default(),
                mxc: due.mxc,
                content_token: due.content_token.unwrap_or_default(),
                copy_mxc: due.copy_mxc.unwrap_or_default(),
            };
            let cause = Cause::Touch;
            let question = Question { medium, cause };
            if is_configured {
                return Ok(Some(question));
            }
            if due.is_linked {
                self.put_off(question, due.is_linked, now).await?;
            } else {
                self.forget_touch(question.medium, due.next_touch_at)
                    .await?;
            }
        }
    }

    async fn forget_touch(&self, medium: AskedMedium, due_at: i64) -> Result<(), StorageError> {
        self.database
            .writer()
            .write_counts::<_, StorageError, _>(move |connection| {
                async move { touches::forget(connection, &medium.mxc, due_at).await }.boxed()
            })
            .await
    }

    /// Asks for a medium later that cannot be asked for now, or no more if no link leads to it.
    async fn put_off(
        &self,
        question: Question,
        is_linked: bool,
        now: i64,
    ) -> Result<(), StorageError> {
        let Question { medium, cause } = question;
        let to = now + RETRY_UNCONFIGURED_MS;
        self.database
            .writer()
            .write_counts::<_, StorageError, _>(move |connection| {
                async move {
                    let mxc = medium.mxc.as_str();
                    match (cause, is_linked) {
                        (Cause::Missing, true) => {
                            missing_media::postpone(connection, &medium, to).await
                        }
                        (Cause::Missing, false) => missing_media::forget(connection, &medium).await,
                        (Cause::Touch, _) => touches::postpone(connection, mxc, to).await,
                    }
                }
                .boxed()
            })
            .await
    }

    /// Asks, and notes the answer. A yes has planned the next touch.
    async fn ask(&self, question: Question) -> Result<(), StorageError> {
        let Question { medium, cause } = question;
        let Ok(mxc) = MxcUri::parse(&medium.mxc) else {
            return Err(StorageError::Corrupt("mxc URI"));
        };
        let token = ContentToken::parse(&medium.content_token).ok();
        let copy = MxcUri::parse(&medium.copy_mxc).ok();
        let asked = MediumRef {
            bridge: &medium.bridge,
            mxc: &mxc,
            content_token: token.as_ref(),
            copy: copy.as_ref(),
            may_be_missing: true,
        };
        let told = match self.touch(asked).await {
            Ok(()) => Told::There,
            Err(error) => {
                if !error.says_media_is_gone() {
                    tracing::warn!(mxc = medium.mxc, %error, "media could not be touched");
                }
                Told::by(&error, false)
            }
        };
        self.presence.note(asked, told, Asked::Question).await;
        if told == Told::There && cause == Cause::Touch {
            return Ok(());
        }
        let to = self.clock.now_ms() + RETRY_MS;
        self.database
            .writer()
            .write_counts::<_, StorageError, _>(move |connection| {
                async move {
                    match cause {
                        // It may have been noted beside a yes that knew nothing of it: then nobody
                        // else forgets it, and it would be first for ever.
                        Cause::Missing if told == Told::There => {
                            missing_media::forget(connection, &medium).await
                        }
                        Cause::Touch => touches::postpone(connection, &medium.mxc, to).await,
                        Cause::Missing => missing_media::postpone(connection, &medium, to).await,
                    }
                }
                .boxed()
            })
            .await
    }

    async fn touch(&self, medium: MediumRef<'_>) -> Result<(), HomeserverError> {
        let Some(bridge) = self.config.bridge(medium.bridge) else {
            return Ok(());
        };
        let (mxc, token) = (medium.mxc, medium.content_token);
        let touch = self.homeserver.touch(bridge, mxc, token, medium.copy);
        tokio::time::timeout(DEADLINE, touch)
            .await
            .unwrap_or(Err(HomeserverError::Slow))
    }
}
