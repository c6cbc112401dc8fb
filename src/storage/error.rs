//! The ways in which the database fails.

/// The beginnings of PostgreSQL's codes of outages: connections that break or cannot be made; transactions
/// that may only read; those that were broken off again and again; what is used up, such as connections
/// and space on disk; servers that shut down, crash or start; their disks.
const OUTAGES: [&str; 6] = ["08", "25006", "40", "53", "57P0", "58"];

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
    /// Nobody knows whether a write was committed.
    #[error("the database may not have committed: {0}")]
    Unsure(sqlx::Error),
    /// The server of the database cannot be reached.
    #[error("the database cannot be reached")]
    CutOff,
    /// The writer has stopped.
    #[error("the database is closed")]
    Closed,
    /// The file could not be made or locked.
    #[error("{0}")]
    File(String),
    /// The secrets in the database do not open, or are not sealed as they have to be.
    #[error("{0}")]
    RootSecret(String),
}

impl StorageError {
    /// Whether the database is away, or takes no writes for now; the same may succeed later.
    #[must_use]
    pub fn is_outage(&self) -> bool {
        match self {
            Self::CutOff | Self::Unsure(_) => true,
            Self::Database(error) => is_outage(error),
            _ => false,
        }
    }

    /// Whether a row holds what cannot be read, while the database itself works.
    #[must_use]
    pub fn is_of_row(&self) -> bool {
        matches!(
            self,
            Self::Corrupt(_)
                | Self::Database(sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_))
        )
    }
}

fn is_outage(error: &sqlx::Error) -> bool {
    match error {
        // Half of an answer may be all that arrives.
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::PoolTimedOut => true,
        // Codes of PostgreSQL have five characters, those of SQLite are shorter.
        sqlx::Error::Database(error) => error.code().is_some_and(|code| {
            code.len() == 5 && OUTAGES.iter().any(|outage| code.starts_with(outage))
        }),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_that_is_away_is_told_from_one_that_refuses() {
        let timed_out = StorageError::from(sqlx::Error::PoolTimedOut);
        let refused = sqlx::Error::Io(std::io::ErrorKind::ConnectionRefused.into());
        let unsure = StorageError::Unsure(sqlx::Error::RowNotFound);
        for away in [timed_out, refused.into(), unsure, StorageError::CutOff] {
            assert!(away.is_outage(), "{away}");
        }
        let missing = StorageError::from(sqlx::Error::RowNotFound);
        let full = StorageError::Commit("the disk is full".to_owned());
        for refusal in [
            missing,
            full,
            StorageError::Corrupt("row"),
            StorageError::Closed,
        ] {
            assert!(!refusal.is_outage(), "{refusal}");
        }
    }
}
