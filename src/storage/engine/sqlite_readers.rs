//! The connections that read a SQLite file.
//!
//! sqlx's pool sends a message to a connection's thread, and waits for its answer, before each use and once more
//! after it, to see whether it still answers: a lookup would take three such exchanges in place of one. A
//! connection to a file does not break off, and a query that nobody waits for any more leaves it as it was.

use std::sync::Arc;

use sqlx::SqliteConnection;
use tokio::sync::{Mutex, OwnedMutexGuard, OwnedSemaphorePermit, Semaphore};

use crate::storage::StorageError;

/// Connections of which each has one user at a time. Clones share them.
#[derive(Debug, Clone)]
pub struct SqliteReaders {
    /// Those at the beginning are used most, so that their caches hold what is read most.
    connections: Arc<[Arc<Mutex<SqliteConnection>>]>,
    free: Arc<Semaphore>,
}

/// A connection in use.
#[derive(Debug)]
pub struct SqliteReading {
    // Given back in this order: who is let in next finds it free.
    connection: OwnedMutexGuard<SqliteConnection>,
    _place: OwnedSemaphorePermit,
}

impl SqliteReaders {
    /// All connections that there will be.
    #[must_use]
    pub fn new(connections: Vec<SqliteConnection>) -> Self {
        let connections = connections.into_iter();
        let connections: Arc<[_]> = connections.map(Mutex::new).map(Arc::new).collect();
        Self {
            free: Arc::new(Semaphore::new(connections.len())),
            connections,
        }
    }

    /// A connection, once one is free.
    ///
    /// # Errors
    /// If there is none at all.
    pub(in crate::storage) async fn acquire(&self) -> Result<SqliteReading, StorageError> {
        let place = Arc::clone(&self.free).acquire_owned().await;
        let place = place.map_err(|_| StorageError::Closed)?;
        let free = self.connections.iter().find_map(|connection| {
            let connection = Arc::clone(connection);
            connection.try_lock_owned().ok()
        });
        Ok(SqliteReading {
            connection: free.ok_or(StorageError::Closed)?,
            _place: place,
        })
    }
}

impl SqliteReading {
    /// The connection itself.
    pub(in crate::storage) fn connection(&mut self) -> &mut SqliteConnection {
        &mut self.connection
    }
}
