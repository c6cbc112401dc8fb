//! Connections to one of the two databases.

use sqlx::{
    Connection as _, PgConnection, PgPool, Postgres, Sqlite, SqliteConnection, SqlitePool,
    Transaction, pool::PoolConnection,
};

use super::contact::Contact;
use crate::storage::StorageError;

/// A connection for several statements in a row.
#[derive(Debug)]
pub enum Connection {
    /// To a SQLite file: the only one that writes.
    Sqlite(SqliteConnection),
    /// To a SQLite file: one of those that read.
    SqliteReader(PoolConnection<Sqlite>),
    /// To a PostgreSQL server: a transaction that writes.
    Postgres(Transaction<'static, Postgres>),
    /// To a PostgreSQL server: one of those that read.
    PostgresReader(PoolConnection<Postgres>, Contact),
    /// To a PostgreSQL server: of somebody who needs one session.
    PostgresSession(PgConnection),
}

/// The connections for reading. Clones share them.
#[derive(Debug, Clone)]
pub enum Reader {
    /// To a SQLite file.
    Sqlite(SqlitePool),
    /// To a PostgreSQL server.
    Postgres(PgPool, Contact),
}

impl Connection {
    /// Whether it is to a SQLite file.
    pub(in crate::storage) fn is_sqlite(&self) -> bool {
        matches!(self, Self::Sqlite(_) | Self::SqliteReader(_))
    }

    /// Ends it; what fails at that concerns nobody.
    pub(in crate::storage) async fn close(self) {
        match self {
            Self::Sqlite(connection) => drop(connection.close().await),
            Self::PostgresSession(connection) => drop(connection.close().await),
            Self::SqliteReader(_) | Self::Postgres(_) | Self::PostgresReader(..) => {}
        }
    }
}

impl Reader {
    /// One of the connections, for several statements in a row.
    ///
    /// # Errors
    /// If none becomes free in time, or the database fails.
    pub async fn acquire(&self) -> Result<Connection, StorageError> {
        Ok(match self {
            Self::Sqlite(pool) => Connection::SqliteReader(pool.acquire().await?),
            Self::Postgres(pool, contact) => {
                let acquired =
                    contact.unless_cut(async { Ok::<_, StorageError>(pool.acquire().await?) });
                Connection::PostgresReader(acquired.await?, contact.clone())
            }
        })
    }
}

/// Where a statement runs: inside a write, or on any connection for reading.
#[derive(Debug)]
pub enum On<'c> {
    /// Inside a write to SQLite.
    Sqlite(&'c mut SqliteConnection),
    /// On SQLite, reading.
    SqlitePool(&'c SqlitePool),
    /// Inside a write to PostgreSQL.
    Postgres(&'c mut PgConnection),
    /// On a connection to PostgreSQL, reading.
    PostgresReader(&'c mut PgConnection, &'c Contact),
    /// On PostgreSQL, reading.
    PostgresPool(&'c PgPool, &'c Contact),
}

impl<'c> From<&'c mut Connection> for On<'c> {
    fn from(connection: &'c mut Connection) -> Self {
        match connection {
            Connection::Sqlite(connection) => Self::Sqlite(connection),
            Connection::SqliteReader(connection) => Self::Sqlite(connection),
            Connection::Postgres(transaction) => Self::Postgres(transaction),
            Connection::PostgresReader(connection, contact) => {
                Self::PostgresReader(connection, contact)
            }
            Connection::PostgresSession(connection) => Self::Postgres(connection),
        }
    }
}

impl<'c> From<&'c Reader> for On<'c> {
    fn from(reader: &'c Reader) -> Self {
        match reader {
            Reader::Sqlite(pool) => Self::SqlitePool(pool),
            Reader::Postgres(pool, contact) => Self::PostgresPool(pool, contact),
        }
    }
}
