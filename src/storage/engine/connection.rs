//! Connections to one of the two databases.

use sqlx::{
    Connection as _, PgConnection, PgPool, Postgres, SqliteConnection, Transaction,
    pool::PoolConnection,
};

use super::{
    contact::Contact,
    sqlite_readers::{SqliteReaders, SqliteReading},
};
use crate::storage::{StorageError, sealer::Sealing};

/// A connection for several statements in a row, with the way in which secrets are kept there.
#[derive(Debug)]
pub struct Connection {
    pub(in crate::storage) line: Line,
    pub(in crate::storage) sealing: Sealing,
}

/// Where a connection leads.
#[derive(Debug)]
pub enum Line {
    /// To a SQLite file: the only one that writes.
    Sqlite(SqliteConnection),
    /// To a SQLite file: one of those that read.
    SqliteReader(SqliteReading),
    /// To a PostgreSQL server: a transaction that writes.
    Postgres(Transaction<'static, Postgres>),
    /// To a PostgreSQL server: one of those that read.
    PostgresReader(PoolConnection<Postgres>, Contact),
    /// To a PostgreSQL server: of somebody who needs one session.
    PostgresSession(PgConnection),
}

/// The connections for reading. Clones share them.
#[derive(Debug, Clone)]
pub struct Reader {
    pool: Pool,
    sealing: Sealing,
}

/// Where the connections for reading lead.
#[derive(Debug, Clone)]
pub enum Pool {
    /// To a SQLite file.
    Sqlite(SqliteReaders),
    /// To a PostgreSQL server.
    Postgres(PgPool, Contact),
}

impl Connection {
    /// A connection whose secrets are kept in this way.
    pub(in crate::storage) fn new(line: Line, sealing: Sealing) -> Self {
        Self { line, sealing }
    }

    /// Whether it is to a SQLite file.
    pub(in crate::storage) fn is_sqlite(&self) -> bool {
        matches!(self.line, Line::Sqlite(_) | Line::SqliteReader(_))
    }

    /// Ends it; what fails at that concerns nobody.
    pub(in crate::storage) async fn close(self) {
        match self.line {
            Line::Sqlite(connection) => drop(connection.close().await),
            Line::PostgresSession(connection) => drop(connection.close().await),
            Line::SqliteReader(_) | Line::Postgres(_) | Line::PostgresReader(..) => {}
        }
    }
}

impl Reader {
    /// Connections where secrets are kept in this way.
    pub(in crate::storage) fn new(pool: Pool, sealing: Sealing) -> Self {
        Self { pool, sealing }
    }

    /// One of the connections, for several statements in a row.
    ///
    /// # Errors
    /// If none becomes free in time, or the database fails.
    pub async fn acquire(&self) -> Result<Connection, StorageError> {
        let line = match &self.pool {
            Pool::Sqlite(readers) => Line::SqliteReader(readers.acquire().await?),
            Pool::Postgres(pool, contact) => {
                let acquired =
                    contact.unless_cut(async { Ok::<_, StorageError>(pool.acquire().await?) });
                Line::PostgresReader(acquired.await?, contact.clone())
            }
        };
        Ok(Connection::new(line, self.sealing.clone()))
    }
}

/// Where a statement runs, and how secrets are kept there.
#[derive(Debug)]
pub struct On<'c> {
    pub(in crate::storage) way: Way<'c>,
    pub(in crate::storage) sealing: &'c Sealing,
}

/// Where a statement runs: inside a write, or on any connection for reading.
#[derive(Debug)]
pub enum Way<'c> {
    /// Inside a write to SQLite.
    Sqlite(&'c mut SqliteConnection),
    /// On SQLite, reading.
    SqliteReaders(&'c SqliteReaders),
    /// Inside a write to PostgreSQL.
    Postgres(&'c mut PgConnection),
    /// On a connection to PostgreSQL, reading.
    PostgresReader(&'c mut PgConnection, &'c Contact),
    /// On PostgreSQL, reading.
    PostgresPool(&'c PgPool, &'c Contact),
}

impl<'c> From<&'c mut Connection> for On<'c> {
    fn from(connection: &'c mut Connection) -> Self {
        let way = match &mut connection.line {
            Line::Sqlite(connection) => Way::Sqlite(connection),
            Line::SqliteReader(reading) => Way::Sqlite(reading.connection()),
            Line::Postgres(transaction) => Way::Postgres(transaction),
            Line::PostgresReader(connection, contact) => Way::PostgresReader(connection, contact),
            Line::PostgresSession(connection) => Way::Postgres(connection),
        };
        Self {
            way,
            sealing: &connection.sealing,
        }
    }
}

impl<'c> From<&'c Reader> for On<'c> {
    fn from(reader: &'c Reader) -> Self {
        let way = match &reader.pool {
            Pool::Sqlite(readers) => Way::SqliteReaders(readers),
            Pool::Postgres(pool, contact) => Way::PostgresPool(pool, contact),
        };
        Self {
            way,
            sealing: &reader.sealing,
        }
    }
}
