//! What can go wrong with the database.

/// A failure of the database. It holds no value of a row.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// The database answered with an error.
    #[error("the database failed: {0}")]
    Database(#[from] sqlx::Error),
    /// The tables could not be brought up to date.
    #[error("the database cannot be migrated: {0}")]
    Migration(#[from] sqlx::migrate::MigrateError),
    /// A row holds what this version never writes.
    #[error("the database holds an impossible {0}")]
    Corrupt(&'static str),
    /// A group of writes was not committed; none of it happened.
    #[error("the database could not commit: {0}")]
    Commit(String),
    /// The writer has stopped.
    #[error("the database is closed")]
    Closed,
    /// The file could not be made or locked.
    #[error("{0}")]
    File(String),
}

impl StorageError {
    /// Whether a row with the same unique value is there already.
    #[must_use]
    pub fn is_unique_violation(&self) -> bool {
        matches!(self, Self::Database(sqlx::Error::Database(error)) if error.is_unique_violation())
    }
}
