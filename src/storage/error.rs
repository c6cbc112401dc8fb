//! The ways in which the database fails.

/// A failure of the database. It holds no values of rows, which may be secret.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// The database answered with an error.
    #[error("the database failed: {0}")]
    Database(#[from] sqlx::Error),
    /// A migration failed.
    #[error("the database cannot be migrated: {0}")]
    Migration(#[from] sqlx::migrate::MigrateError),
    /// A row holds a value that this version never writes.
    #[error("the database holds an impossible {0}")]
    Corrupt(&'static str),
    /// A group of writes was not committed; none of them has taken effect.
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
    /// Whether a row holds what cannot be read, while the database itself works.
    #[must_use]
    pub fn is_of_row(&self) -> bool {
        matches!(
            self,
            Self::Corrupt(_)
                | Self::Database(sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_))
        )
    }

    /// Whether there is already a row with the same unique value.
    #[must_use]
    pub fn is_unique_violation(&self) -> bool {
        matches!(self, Self::Database(sqlx::Error::Database(error)) if error.is_unique_violation())
    }
}
