//! The one writer. Concurrent writes are committed in groups, so that each does not pay for an
//! fsync of its own; whoever waits is answered after the commit.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures_util::future::BoxFuture;
use sqlx::{Connection, Executor, SqliteConnection};
use tokio::sync::{mpsc, oneshot};

use super::StorageError;

/// The most writes in one commit.
const GROUP: usize = 256;
/// The most writes that wait; more wait outside, for a place.
const QUEUE: usize = 1024;
/// How often to look whether another process has committed something.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// Tells whoever asked for a write how it ended, once the group is committed or not.
type Deliver = Box<dyn FnOnce(Result<(), String>) + Send>;
/// A write: whether its changes are to be kept, and how to tell.
type Write =
    Box<dyn for<'c> FnOnce(&'c mut SqliteConnection) -> BoxFuture<'c, (bool, Deliver)> + Send>;

/// Hands writes to the one connection that writes.
#[derive(Debug, Clone)]
pub struct Writer {
    queue: mpsc::Sender<Write>,
    commits: Arc<AtomicU64>,
}

impl Writer {
    /// Takes over a connection and starts to write.
    pub(super) fn start(connection: SqliteConnection) -> Self {
        let (queue, writes) = mpsc::channel(QUEUE);
        let commits = Arc::<AtomicU64>::default();
        tokio::spawn(run(connection, writes, Arc::clone(&commits)));
        Self { queue, commits }
    }

    /// How many commits there have been, ours and those of others that were noticed: what was
    /// read before the last one may be old.
    pub(crate) fn commits(&self) -> u64 {
        self.commits.load(Ordering::Acquire)
    }

    /// Runs `write` inside the next commit. Its changes are durable when this returns `Ok`; they
    /// are undone if it returns an error. They happen even if the caller stops waiting.
    ///
    /// # Errors
    /// What `write` returned, or that the group could not be committed.
    pub async fn write<T, E, F>(&self, write: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StorageError> + Send + 'static,
        F: for<'c> FnOnce(&'c mut SqliteConnection) -> BoxFuture<'c, Result<T, E>> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let boxed: Write = Box::new(move |connection| {
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
            .send(boxed)
            .await
            .map_err(|_| StorageError::Closed)?;
        answered.await.map_err(|_| StorageError::Closed)?
    }
}

async fn run(
    mut connection: SqliteConnection,
    mut writes: mpsc::Receiver<Write>,
    commits: Arc<AtomicU64>,
) {
    let mut group = Vec::with_capacity(GROUP);
    let mut look = tokio::time::interval(LOOK_EVERY);
    look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut seen = 0;
    loop {
        let count = tokio::select! {
            count = writes.recv_many(&mut group, GROUP) => count,
            _ = look.tick() => {
                let version = others_version(&mut connection).await;
                if version != Some(seen) {
                    commits.fetch_add(1, Ordering::Release);
                }
                seen = version.unwrap_or(seen);
                continue;
            }
        };
        if count == 0 {
            break;
        }
        let mut waiting = Vec::with_capacity(group.len());
        let outcome = commit(&mut connection, group.drain(..), &mut waiting).await;
        // Before anybody is answered.
        commits.fetch_add(1, Ordering::Release);
        if let Err(error) = &outcome {
            tracing::error!(%error, "a group of writes was not committed");
            // There may be no transaction any more to roll back.
            drop(connection.execute("ROLLBACK").await);
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
    waiting: &mut Vec<Deliver>,
) -> Result<(), sqlx::Error> {
    connection.execute("BEGIN IMMEDIATE").await?;
    for write in group {
        connection.execute("SAVEPOINT one").await?;
        let (keep, deliver) = write(connection).await;
        waiting.push(deliver);
        if !keep {
            connection.execute("ROLLBACK TO one").await?;
        }
        connection.execute("RELEASE one").await?;
    }
    connection.execute("COMMIT").await?;
    Ok(())
}
