//! The one writer. Concurrent writes are committed in groups, so that each does not pay for an
//! fsync of its own; whoever waits is answered after the commit.

use futures_util::future::BoxFuture;
use sqlx::{Connection, Executor, SqliteConnection};
use tokio::sync::{mpsc, oneshot};

use super::StorageError;

/// The most writes in one commit.
const GROUP: usize = 256;
/// The most writes that wait; more wait outside, for a place.
const QUEUE: usize = 1024;

/// Tells whoever asked for a write how it ended, once the group is committed or not.
type Deliver = Box<dyn FnOnce(Result<(), String>) + Send>;
/// A write: whether its changes are to be kept, and how to tell.
type Write =
    Box<dyn for<'c> FnOnce(&'c mut SqliteConnection) -> BoxFuture<'c, (bool, Deliver)> + Send>;

/// Hands writes to the one connection that writes.
#[derive(Debug, Clone)]
pub struct Writer {
    queue: mpsc::Sender<Write>,
}

impl Writer {
    /// Takes over a connection and starts to write.
    pub(super) fn start(connection: SqliteConnection) -> Self {
        let (queue, writes) = mpsc::channel(QUEUE);
        tokio::spawn(run(connection, writes));
        Self { queue }
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

async fn run(mut connection: SqliteConnection, mut writes: mpsc::Receiver<Write>) {
    let mut group = Vec::with_capacity(GROUP);
    while writes.recv_many(&mut group, GROUP).await > 0 {
        let mut waiting = Vec::with_capacity(group.len());
        let outcome = commit(&mut connection, group.drain(..), &mut waiting).await;
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
