//! What others commit on a PostgreSQL server: it arrives with a notification, or within [`LOOK_EVERY`]
//! where one was lost. Looking for it tells as well whether the server can be reached.

use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

use sqlx::{
    Postgres,
    postgres::{PgConnectOptions, PgListener, PgPoolOptions},
};
use tokio::{
    sync::mpsc,
    time::{Interval, MissedTickBehavior, timeout},
};

use super::{followers::Followers, run::WriterEnd};
use crate::storage::{StorageError, changes::Changes, engine::Contact};

/// How often to look for changes of others.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// How long a look may take, with a new connection if it needs one.
const LOOK_WITHIN: Duration = Duration::from_secs(5);
/// How often changes are forgotten that everybody has seen.
const FORGET_EVERY: Duration = Duration::from_secs(60);

/// What a statement has changed, as its trigger has noted it.
#[derive(sqlx::FromRow)]
pub(super) struct Noted {
    id: i64,
    links: Vec<i64>,
    usages: Vec<i64>,
    /// So much that it is not listed.
    pub(super) is_all: bool,
    concerns_cache: bool,
}

impl FromIterator<Noted> for Changes {
    fn from_iter<I: IntoIterator<Item = Noted>>(noted: I) -> Self {
        let mut changes = Self::default();
        for noted in noted {
            changes.concerns_usage |= !noted.usages.is_empty() || !noted.links.is_empty();
            changes.concerns_cache |= noted.concerns_cache;
            changes.links.extend(noted.links);
            changes.usages.extend(noted.usages);
        }
        changes
    }
}

/// Follows what others write, by a connection of its own: one that is always there, so that it needs
/// no place among those that write.
pub(super) struct Following {
    options: PgConnectOptions,
    listener: Option<PgListener>,
    contact: Contact,
    followers: Followers,
    /// Whatever transactions with lower numbers have changed is known.
    since: i64,
    /// What others have changed is known as well: as long as one transaction goes on, all looks find it.
    known: HashSet<i64>,
    forgotten_at: Instant,
}

/// What a look has shown.
struct Look {
    /// Whether it was made through a new connection: another server may have taken over meanwhile, whose
    /// transactions have lower numbers, or which lacks some.
    is_new_connection: bool,
    /// The number of the oldest transaction that has not ended: all with lower ones are visible.
    oldest_running: i64,
    noted: Vec<Noted>,
}

impl Following {
    /// Follows what is written from now on.
    pub(super) async fn start(
        options: PgConnectOptions,
        contact: Contact,
        followers: Followers,
    ) -> Result<Self, StorageError> {
        let mut following = Self {
            options,
            listener: None,
            contact,
            followers,
            since: i64::MAX,
            known: HashSet::new(),
            forgotten_at: Instant::now(),
        };
        following.since = following.look().await?.oldest_running;
        Ok(following)
    }

    /// Makes known what others write, and whether the server can be reached.
    pub(super) async fn run(mut self, mut panics: mpsc::Receiver<()>) -> WriterEnd {
        let mut interval = tokio::time::interval(LOOK_EVERY);
        interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                panic = panics.recv() => {
                    return panic.map_or(WriterEnd::Ended, |()| WriterEnd::Panicked);
                }
                () = heard(&mut self.listener, &mut interval) => {}
            }
            let began = Instant::now();
            let looked = timeout(LOOK_WITHIN, self.look()).await;
            match looked.unwrap_or(Err(sqlx::Error::PoolTimedOut)) {
                Ok(look) => self.make_known(look, began),
                Err(error) => self.note_lost(&error),
            }
        }
    }

    fn make_known(&mut self, mut look: Look, began: Instant) {
        let found = look.noted.iter().map(|noted| noted.id).collect();
        let known = std::mem::replace(&mut self.known, found);
        look.noted.retain(|noted| !known.contains(&noted.id));
        let is_all = look.noted.iter().any(|noted| noted.is_all);
        // Before anything that is remembered is trusted again.
        if is_all || look.is_new_connection || self.contact.is_cut_off() {
            self.followers.notice_anything();
        } else if !look.noted.is_empty() {
            self.followers.notice(&Changes::from_iter(look.noted));
        }
        self.since = look.oldest_running;
        if self.contact.looked(began) {
            metrics::gauge!("medialink_database_cut_off").decrement(1);
            tracing::info!("the database can be reached again");
        }
    }

    fn note_lost(&mut self, error: &sqlx::Error) {
        if self.contact.lost() {
            metrics::gauge!("medialink_database_cut_off").increment(1);
            metrics::counter!("medialink_database_outages_total").increment(1);
            tracing::warn!(%error, "the database cannot be reached");
        }
    }

    /// What was committed since the last look, and perhaps what was known before. The connection is
    /// given up if it fails, or takes too long.
    async fn look(&mut self) -> Result<Look, sqlx::Error> {
        let open = self.listener.take();
        let is_new_connection = open.is_none();
        let mut listener = match open {
            Some(listener) => listener,
            None => listen(&self.options).await?,
        };
        let number = "SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint";
        let oldest_running = sqlx::query_scalar(number).fetch_one(&mut listener).await?;
        let changed = "SELECT id, links, usages, is_all, concerns_cache FROM changes \
                       WHERE transaction_id >= $1::text::xid8";
        let noted = sqlx::query_as(changed)
            .bind(self.since.to_string())
            .fetch_all(&mut listener)
            .await?;
        if self.forgotten_at.elapsed() > FORGET_EVERY {
            self.forgotten_at = Instant::now();
            let seen = "DELETE FROM changes WHERE changed_at < now() - INTERVAL '10 minutes'";
            // A database that takes no writes may tell what has changed all the same.
            drop(sqlx::query::<Postgres>(seen).execute(&mut listener).await);
        }
        self.listener = Some(listener);
        Ok(Look {
            is_new_connection,
            oldest_running,
            noted,
        })
    }
}

/// A new connection that hears of changes. It has a pool of its own, as one that leads nowhere may keep
/// its place there for long.
async fn listen(options: &PgConnectOptions) -> Result<PgListener, sqlx::Error> {
    let pool = PgPoolOptions::new()
        .max_connections(1)
        .acquire_timeout(LOOK_WITHIN)
        .max_lifetime(None)
        .idle_timeout(None)
        .connect_lazy_with(options.clone());
    let mut listener = PgListener::connect_with(&pool).await?;
    listener.eager_reconnect(false);
    listener.listen("medialink_changes").await?;
    Ok(listener)
}

/// Waits for a notification, or for the time of the next look.
async fn heard(listener: &mut Option<PgListener>, interval: &mut Interval) {
    let Some(listening) = listener else {
        interval.tick().await;
        return;
    };
    let is_lost = tokio::select! {
        heard = listening.try_recv() => !matches!(heard, Ok(Some(_))),
        _ = interval.tick() => false,
    };
    if is_lost {
        *listener = None;
    }
}
