//! Writes: each is durable when it is answered, and its changes are made known before that.

mod followers;
mod following;
mod postgres;
mod run;
mod sqlite;

use sqlx::{PgPool, postgres::PgConnectOptions};
use tokio::sync::watch;

use super::{
    StorageError,
    engine::{Connection, Contact},
    place::Place,
    recent::RecentLinks,
    sealer::Sealing,
};
use followers::Followers;
use postgres::Transactions;
use sqlite::Groups;

pub use run::{Run, WriterEnd};

#[derive(Debug, Clone)]
enum Way {
    Sqlite(Groups),
    Postgres(Transactions),
}

/// Writes to the database.
#[derive(Debug, Clone)]
pub struct Writer {
    way: Way,
    followers: Followers,
    usage_changed: watch::Receiver<()>,
    cache_changed: watch::Receiver<()>,
    ended: watch::Receiver<Option<WriterEnd>>,
}

impl Writer {
    /// Takes over the one connection to a SQLite file that writes. Links that a commit changes are
    /// forgotten by `recent` before anybody is answered.
    pub(super) async fn to_sqlite(
        connection: Connection,
        place: Place,
        recent: RecentLinks,
    ) -> Result<Self, StorageError> {
        let followers = Followers::new(recent);
        let (groups, work) = Groups::new(connection, place, followers.clone()).await?;
        Ok(Self::start(Way::Sqlite(groups), followers, work))
    }

    /// Writes through connections to a PostgreSQL server, and follows what others commit there.
    pub(super) async fn to_postgres(
        (pool, sealing): (PgPool, Sealing),
        options: PgConnectOptions,
        contact: Contact,
        recent: RecentLinks,
    ) -> Result<Self, StorageError> {
        let followers = Followers::new(recent);
        let (transactions, work) =
            Transactions::new((pool, sealing), options, contact, followers.clone()).await?;
        Ok(Self::start(Way::Postgres(transactions), followers, work))
    }

    fn start(
        way: Way,
        followers: Followers,
        work: impl Future<Output = WriterEnd> + Send + 'static,
    ) -> Self {
        let working = tokio::spawn(work);
        let (end, ended) = watch::channel(None);
        tokio::spawn(async move {
            // A panic drops the connection, and with it the open transaction; everybody who waits
            // for it is told so.
            let reason = match working.await {
                Err(error) if error.is_panic() => WriterEnd::Panicked,
                Ok(reason) => reason,
                Err(_) => WriterEnd::Ended,
            };
            end.send_replace(Some(reason));
        });
        Self {
            way,
            usage_changed: followers.usage(),
            cache_changed: followers.cache(),
            followers,
            ended,
        }
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
        self.followers.commits()
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

    /// Runs `write` inside a transaction. Its changes are durable when this returns `Ok`; they
    /// are undone if it returns an error. They happen even if the caller stops waiting.
    ///
    /// # Errors
    /// If `write` returns an error, or could not be committed.
    pub async fn write<T, E, F>(&self, write: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StorageError> + Send + 'static,
        F: Run<T, E>,
    {
        self.run(write, false).await
    }

    /// The same for a write that changes nothing but counters of links: cached links stay, and the
    /// usage worker sleeps on.
    ///
    /// # Errors
    /// If `write` returns an error, or could not be committed.
    pub(crate) async fn write_counts<T, E, F>(&self, write: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StorageError> + Send + 'static,
        F: Run<T, E>,
    {
        self.run(write, true).await
    }

    async fn run<T, E, F>(&self, write: F, only_counts: bool) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StorageError> + Send + 'static,
        F: Run<T, E>,
    {
        match &self.way {
            Way::Sqlite(groups) => groups.write(write, only_counts).await,
            Way::Postgres(transactions) => transactions.write(write, only_counts).await,
        }
    }
}
