//! Writes to PostgreSQL: each is a transaction on a connection of its own. The server puts their commits
//! on disk together.
//!
//! Triggers note what a transaction changes in the table `changes`, as a part of it. Our own changes are
//! made known before a write is answered; those of others, by [`Following`].

use sqlx::{PgPool, postgres::PgConnectOptions};
use tokio::sync::mpsc;

use super::{
    followers::Followers,
    following::{Following, Noted},
    run::{Run, WriterEnd},
};
use crate::storage::{
    StorageError,
    changes::Changes,
    engine::{Connection, Contact, Line, query},
    sealer::Sealing,
};

/// How often a transaction is tried that the server breaks off, such as one of two that wait for each
/// other.
const ATTEMPTS: usize = 5;

/// Runs writes as transactions.
#[derive(Debug, Clone)]
pub(super) struct Transactions {
    pool: PgPool,
    sealing: Sealing,
    contact: Contact,
    followers: Followers,
    panicked: mpsc::Sender<()>,
}

/// The outcome of one attempt at a transaction.
enum Attempt<T, E> {
    Done(Result<T, E>),
    /// The server has broken it off; the error, should nobody try again.
    BrokenOff(E),
}

impl Transactions {
    /// Writes through these connections; the future follows what others write, as long as anybody may
    /// write here.
    pub(super) async fn new(
        (pool, sealing): (PgPool, Sealing),
        options: PgConnectOptions,
        contact: Contact,
        followers: Followers,
    ) -> Result<(Self, impl Future<Output = WriterEnd>), StorageError> {
        let (panicked, panics) = mpsc::channel(1);
        let following = Following::start(options, contact.clone(), followers.clone()).await?;
        let transactions = Self {
            pool,
            sealing,
            contact,
            followers,
            panicked,
        };
        Ok((transactions, following.run(panics)))
    }

    /// Runs a write in a transaction of its own.
    pub(super) async fn write<T, E, F>(&self, write: F, only_counts: bool) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StorageError> + Send + 'static,
        F: Run<T, E>,
    {
        let this = self.clone();
        // In a task of its own: it goes on if the caller stops waiting.
        let written = self.contact.home().spawn(async move {
            let attempts = this.attempts(write, only_counts);
            this.contact.unless_cut(attempts).await
        });
        match written.await {
            Ok(result) => result,
            Err(error) => {
                if error.is_panic() {
                    // Somebody who has panicked before has said the same.
                    let _ = self.panicked.try_send(());
                }
                Err(StorageError::Closed.into())
            }
        }
    }

    async fn attempts<T, E, F>(&self, write: F, only_counts: bool) -> Result<T, E>
    where
        E: From<StorageError>,
        F: Run<T, E>,
    {
        for _ in 1..ATTEMPTS {
            if let Attempt::Done(result) = self.attempt(write.clone(), only_counts).await {
                return result;
            }
            metrics::counter!("medialink_transactions_repeated_total").increment(1);
        }
        match self.attempt(write, only_counts).await {
            Attempt::Done(result) => result,
            Attempt::BrokenOff(error) => Err(error),
        }
    }

    async fn attempt<T, E, F>(&self, write: F, only_counts: bool) -> Attempt<T, E>
    where
        E: From<StorageError>,
        F: Run<T, E>,
    {
        let transaction = match self.pool.begin().await {
            Ok(transaction) => transaction,
            Err(error) => return Attempt::Done(Err(StorageError::from(error).into())),
        };
        let line = Line::Postgres(transaction);
        let mut connection = Connection::new(line, self.sealing.clone());
        match write(&mut connection).await {
            Ok(value) => {
                let committed = self.commit(connection, only_counts).await;
                Attempt::Done(committed.map(|()| value).map_err(E::from))
            }
            // A transaction that was broken off takes no statement any more.
            Err(error) => match query("SELECT 1").execute(&mut connection).await {
                Ok(_) => Attempt::Done(Err(error)),
                Err(_) => Attempt::BrokenOff(error),
            },
        }
    }

    async fn commit(&self, connection: Connection, only_counts: bool) -> Result<(), StorageError> {
        let Line::Postgres(mut transaction) = connection.line else {
            return Err(StorageError::Closed);
        };
        let own = "SELECT id, links, usages, is_all, concerns_cache FROM changes \
                   WHERE transaction_id = pg_current_xact_id_if_assigned()";
        let noted: Vec<Noted> = sqlx::query_as(own).fetch_all(&mut *transaction).await?;
        let is_all = noted.iter().any(|noted| noted.is_all);
        let mut changes = Changes::from_iter(noted);
        // Whatever we write may be work for us: others see it in time.
        changes.concerns_usage |= !only_counts;
        let committed = transaction.commit().await;
        // What may have been changed is forgotten even if nobody knows that it was; the rest is still
        // what is served while the server is away.
        if is_all {
            self.followers.distrust();
        }
        match committed {
            Ok(()) => {
                self.followers.notice_own(&changes);
                Ok(())
            }
            Err(error) => {
                tracing::error!(%error, "a transaction may not have been committed");
                self.followers.notice(&changes);
                Err(StorageError::Unsure(error))
            }
        }
    }
}
