//! Writes to SQLite: one connection takes them all, and commits them in groups, so that each does not pay
//! for an fsync of its own. Each is answered after the commit.

use std::{sync::Arc, time::Duration};

use futures_util::future::BoxFuture;
use tokio::sync::{mpsc, oneshot};

use super::{
    followers::Followers,
    run::{Run, WriterEnd},
};
use crate::storage::{
    StorageError,
    changes::ChangeLog,
    engine::{Connection, Line, query, query_scalar},
    place::Place,
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
type Work = Box<dyn for<'c> FnOnce(&'c mut Connection) -> BoxFuture<'c, (bool, Deliver)> + Send>;

struct Write {
    work: Work,
    /// Whether it changes nothing but counters of links.
    only_counts: bool,
}

/// Hands writes to the one connection that writes.
#[derive(Debug, Clone)]
pub(super) struct Groups(mpsc::Sender<Write>);

impl Groups {
    /// Takes over a connection; the future commits, as long as anybody may write.
    pub(super) async fn new(
        mut connection: Connection,
        place: Place,
        followers: Followers,
    ) -> Result<(Self, impl Future<Output = WriterEnd>), StorageError> {
        let (queue, writes) = mpsc::channel(QUEUE);
        let Line::Sqlite(file) = &mut connection.line else {
            return Err(StorageError::Closed);
        };
        let changes = ChangeLog::of(file).await?;
        let file = Committing {
            connection,
            place,
            changes,
        };
        Ok((Self(queue), run(file, writes, followers)))
    }

    /// Runs a write inside the next commit.
    pub(super) async fn write<T, E, F>(&self, write: F, only_counts: bool) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StorageError> + Send + 'static,
        F: Run<T, E>,
    {
        let (answer, answered) = oneshot::channel();
        let work: Work = Box::new(move |connection| {
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
        self.0
            .send(Write { work, only_counts })
            .await
            .map_err(|_| StorageError::Closed)?;
        answered.await.map_err(|_| StorageError::Closed)?
    }
}

/// A file that is written.
struct Committing {
    connection: Connection,
    place: Place,
    changes: Arc<ChangeLog>,
}

async fn run(
    mut file: Committing,
    mut writes: mpsc::Receiver<Write>,
    followers: Followers,
) -> WriterEnd {
    let mut group = Vec::with_capacity(GROUP);
    let mut look = tokio::time::interval(LOOK_EVERY);
    look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut seen = file.others_version().await;
    loop {
        let count = tokio::select! {
            count = writes.recv_many(&mut group, GROUP) => count,
            _ = look.tick() => {
                let version = file.others_version().await;
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
        let outcome = file.commit(group.drain(..), &mut waiting).await;
        let changed = file.changes.take();
        match &outcome {
            Ok(()) => followers.notice_own(&changed),
            Err(error) => {
                tracing::error!(%error, "a group of writes was not committed");
                // There may be no transaction any more to roll back.
                drop(query("ROLLBACK").execute(&mut file.connection).await);
                followers.distrust();
            }
        }
        let committed = outcome.map_err(|error| error.to_string());
        for deliver in waiting {
            deliver(committed.clone());
        }
    }
    file.connection.close().await;
    WriterEnd::Ended
}

impl Committing {
    /// Changes when another connection has committed something (SQLite, `PRAGMA data_version`).
    async fn others_version(&mut self) -> Option<i64> {
        let version = query_scalar("PRAGMA data_version");
        version.fetch_one(&mut self.connection).await.ok()
    }

    async fn commit(
        &mut self,
        group: impl ExactSizeIterator<Item = Write>,
        waiting: &mut Vec<Deliver>,
    ) -> Result<(), StorageError> {
        let connection = &mut self.connection;
        query("BEGIN IMMEDIATE").execute(&mut *connection).await?;
        // One that is alone is undone with the whole transaction.
        let is_alone = group.len() == 1;
        let mut is_undone = false;
        for write in group {
            if !is_alone {
                query("SAVEPOINT one").execute(&mut *connection).await?;
            }
            self.changes.pause(write.only_counts);
            let (keep, deliver) = (write.work)(connection).await;
            self.changes.pause(false);
            waiting.push(deliver);
            if is_alone {
                is_undone = !keep;
                continue;
            }
            if !keep {
                query("ROLLBACK TO one").execute(&mut *connection).await?;
            }
            query("RELEASE one").execute(&mut *connection).await?;
        }
        self.place.check().map_err(StorageError::File)?;
        let end = if is_undone {
            query("ROLLBACK")
        } else {
            query("COMMIT")
        };
        end.execute(&mut *connection).await?;
        Ok(())
    }
}
