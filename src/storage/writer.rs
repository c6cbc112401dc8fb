//! The one writer. Concurrent writes are committed in groups, so that each does not pay for an
//! fsync of its own; each is answered after the commit.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures_util::future::BoxFuture;
use sqlx::{Connection, Executor, SqliteConnection};
use tokio::sync::{mpsc, oneshot, watch};

use super::{
    StorageError,
    changes::{ChangeLog, Changes},
    recent::RecentLinks,
};

/// The most writes in one commit.
const GROUP: usize = 256;
/// The most writes that wait; more wait outside, for a place.
const QUEUE: usize = 1024;
/// How often to look whether another process has committed something: SQLite does not tell.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// Answers the caller of a write, once its group is committed or has failed.
type Deliver = Box<dyn FnOnce(Result<(), String>) + Send>;
/// Runs a write; returns whether its changes are to be kept, and how to answer.
type Run =
    Box<dyn for<'c> FnOnce(&'c mut SqliteConnection) -> BoxFuture<'c, (bool, Deliver)> + Send>;

struct Write {
    run: Run,
    /// Whether it changes nothing but counters of links.
    only_counts: bool,
}

/// Hands writes to the one connection that writes.
#[derive(Debug, Clone)]
pub struct Writer {
    queue: mpsc::Sender<Write>,
    usage_changed: watch::Receiver<()>,
    cache_changed: watch::Receiver<()>,
    commits: Arc<AtomicU64>,
    ended: watch::Receiver<Option<WriterEnd>>,
}

/// Why the writer has ended. No write is possible after that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WriterEnd {
    /// A write has panicked. Nothing of its group was committed.
    #[error("a write to the database has panicked")]
    Panicked,
    /// Nobody can write any more.
    #[error("the writer of the database has ended")]
    Ended,
}

impl Writer {
    /// Takes over a connection and starts to write. Links that a commit changes are forgotten by
    /// `recent` before anybody is answered.
    pub(super) async fn start(
        mut connection: SqliteConnection,
        recent: RecentLinks,
    ) -> Result<Self, StorageError> {
        let (queue, writes) = mpsc::channel(QUEUE);
        let changes = ChangeLog::of(&mut connection).await?;
        let (usage, usage_changed) = watch::channel(());
        let (cache, cache_changed) = watch::channel(());
        let commits = Arc::<AtomicU64>::default();
        let followers = Followers {
            recent,
            usage,
            cache,
            commits: Arc::clone(&commits),
        };
        let writing = tokio::spawn(run(connection, writes, changes, followers));
        let (end, ended) = watch::channel(None);
        tokio::spawn(async move {
            // A panic drops the connection, and with it the open transaction; everybody who waits
            // for it is told so.
            let reason = match writing.await {
                Err(error) if error.is_panic() => WriterEnd::Panicked,
                Ok(()) | Err(_) => WriterEnd::Ended,
            };
            end.send_replace(Some(reason));
        });
        Ok(Self {
            queue,
            usage_changed,
            cache_changed,
            commits,
            ended,
        })
    }

    /// Waits for the end of the writer, which lasts as long as all is well.
    pub async fn ended(&self) -> WriterEnd {
        let mut ended = self.ended.clone();
        match ended.wait_for(Option::is_some).await {
            Ok(reason) => (*reason).unwrap_or(WriterEnd::Ended),
            Err(_) => WriterEnd::Ended,
        }
    }

    /// The number of commits so far, to be watched by a test.
    #[must_use]
    pub fn commits(&self) -> u64 {
        self.commits.load(Ordering::Relaxed)
    }

    /// Changes with every commit, ours or another process's, that may give the usage worker
    /// something to do.
    pub(crate) fn usage_changed(&self) -> watch::Receiver<()> {
        self.usage_changed.clone()
    }

    /// Changes with every commit, ours or another process's, that may give the cache something to
    /// purge.
    pub(crate) fn cache_changed(&self) -> watch::Receiver<()> {
        self.cache_changed.clone()
    }

    /// Runs `write` inside the next commit. Its changes are durable when this returns `Ok`; they
    /// are undone if it returns an error. They happen even if the caller stops waiting.
    ///
    /// # Errors
    /// If `write` returns an error, or the group could not be committed.
    pub async fn write<T, E, F>(&self, write: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StorageError> + Send + 'static,
        F: for<'c> FnOnce(&'c mut SqliteConnection) -> BoxFuture<'c, Result<T, E>> + Send + 'static,
    {
        self.enqueue(write, false).await
    }

    /// The same for a write that changes nothing but counters of links: cached links stay, and the
    /// usage worker sleeps on.
    ///
    /// # Errors
    /// If `write` returns an error, or the group could not be committed.
    pub(crate) async fn write_counts<T, E, F>(&self, write: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StorageError> + Send + 'static,
        F: for<'c> FnOnce(&'c mut SqliteConnection) -> BoxFuture<'c, Result<T, E>> + Send + 'static,
    {
        self.enqueue(write, true).await
    }

    async fn enqueue<T, E, F>(&self, write: F, only_counts: bool) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StorageError> + Send + 'static,
        F: for<'c> FnOnce(&'c mut SqliteConnection) -> BoxFuture<'c, Result<T, E>> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let run: Run = Box::new(move |connection| {
            Box::pin(async move {
                let result = write(connection).await;
                let keep = result.is_ok();
                let deliver: Deliver = Box::new(move |committed: Result<(), String>| {
                    // Nobody may be waiting any more: the write stands all the same.
                    drop(answer.send(match committed {
                        Ok(()) => result,
                        Err(error) => result.and(Err(StorageError::Commit(error).into())),
                    }));
                });
                (keep, deliver)
            })
        });
        self.queue
            .send(Write { run, only_counts })
            .await
            .map_err(|_| StorageError::Closed)?;
        answered.await.map_err(|_| StorageError::Closed)?
    }
}

/// Those who follow the changes of the database.
struct Followers {
    recent: RecentLinks,
    usage: watch::Sender<()>,
    cache: watch::Sender<()>,
    commits: Arc<AtomicU64>,
}

impl Followers {
    /// A group of writes has been committed.
    fn notice(&self, changes: &Changes) {
        self.commits.fetch_add(1, Ordering::Relaxed);
        self.recent.forget(changes);
        if changes.concerns_usage {
            self.usage.send_replace(());
        }
        if changes.concerns_cache {
            self.cache.send_replace(());
        }
    }

    /// Another process has committed something.
    fn notice_anything(&self) {
        self.recent.forget_all();
        self.usage.send_replace(());
        self.cache.send_replace(());
    }
}

async fn run(
    mut connection: SqliteConnection,
    mut writes: mpsc::Receiver<Write>,
    changes: Arc<ChangeLog>,
    followers: Followers,
) {
    let mut group = Vec::with_capacity(GROUP);
    let mut look = tokio::time::interval(LOOK_EVERY);
    look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut seen = others_version(&mut connection).await;
    loop {
        let count = tokio::select! {
            count = writes.recv_many(&mut group, GROUP) => count,
            _ = look.tick() => {
                let version = others_version(&mut connection).await;
                if version != seen {
                    followers.notice_anything();
                }
                seen = version;
                continue;
            }
        };
        if count == 0 {
            break;
        }
        let mut waiting = Vec::with_capacity(group.len());
        let outcome = commit(&mut connection, group.drain(..), &changes, &mut waiting).await;
        let changed = changes.take();
        match &outcome {
            Ok(()) => followers.notice(&changed),
            Err(error) => {
                tracing::error!(%error, "a group of writes was not committed");
                // There may be no transaction any more to roll back.
                drop(connection.execute("ROLLBACK").await);
                followers.recent.forget_all();
            }
        }
        let committed = outcome.map_err(|error| error.to_string());
        for deliver in waiting {
            deliver(committed.clone());
        }
    }
    drop(connection.close().await);
}

/// Changes when another connection has committed something (SQLite, `PRAGMA data_version`).
async fn others_version(connection: &mut SqliteConnection) -> Option<i64> {
    let version = sqlx::query_scalar("PRAGMA data_version");
    version.fetch_one(connection).await.ok()
}

async fn commit(
    connection: &mut SqliteConnection,
    group: impl Iterator<Item = Write>,
    changes: &ChangeLog,
    waiting: &mut Vec<Deliver>,
) -> Result<(), sqlx::Error> {
    connection.execute("BEGIN IMMEDIATE").await?;
    for write in group {
        connection.execute("SAVEPOINT one").await?;
        changes.pause(write.only_counts);
        let (keep, deliver) = (write.run)(connection).await;
        changes.pause(false);
        waiting.push(deliver);
        if !keep {
            connection.execute("ROLLBACK TO one").await?;
        }
        connection.execute("RELEASE one").await?;
    }
    connection.execute("COMMIT").await?;
    Ok(())
}
