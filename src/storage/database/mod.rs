//! The database of one service: opened, migrated, read and written.

mod backup;
mod lookups;
pub(super) mod opened;
mod postgres;
mod sqlite;

use std::{
    fs::File,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use super::{
    StorageError, Writer,
    engine::{Connection, Contact, Reader},
    links::LinkRow,
    recent::RecentLinks,
};
use crate::{
    config::{DatabaseConfig, DatabasePlace},
    random,
};
use lookups::Lookups;
use opened::Opened;

pub use opened::Opener;

/// The database of one service. Clones share its connections.
#[derive(Debug, Clone)]
pub struct Database {
    recent: RecentLinks,
    lookups: Lookups,
    link_lookups: Arc<AtomicU64>,
    replica: Arc<str>,
    opened: Opened,
}

/// A database that no service has open, nor will as long as this is held.
#[derive(Debug)]
pub(super) struct Alone {
    pub(super) connection: Connection,
    /// Of a SQLite file. A session of a PostgreSQL server holds its lock itself.
    _lock: Option<File>,
}

impl Alone {
    /// Opens a database whose tables may be of any version. Where there is no SQLite file, it makes one if
    /// `is_made`.
    pub(super) async fn open(config: &DatabaseConfig, is_made: bool) -> Result<Self, StorageError> {
        Ok(match &config.place {
            DatabasePlace::Sqlite(path) => {
                let (connection, lock) = sqlite::open_alone(path, is_made).await?;
                Self {
                    connection,
                    _lock: Some(lock),
                }
            }
            DatabasePlace::Postgres(server) => Self {
                connection: postgres::open_alone(server).await?,
                _lock: None,
            },
        })
    }
}

/// Opens a database to look at it alone: nothing can be changed through the connection, whose tables may be of any
/// version. A service may run on it.
pub(super) async fn open_to_look(config: &DatabaseConfig) -> Result<Connection, StorageError> {
    match &config.place {
        DatabasePlace::Sqlite(path) => sqlite::open_to_look(path).await,
        DatabasePlace::Postgres(server) => postgres::open_to_look(server).await,
    }
}

impl Database {
    /// Opens a database. The service makes a SQLite file and its folder if they are missing, and brings
    /// the tables up to date, and seals the secrets of a database that has held them open; a command does
    /// nothing of that.
    ///
    /// # Errors
    /// If the database cannot be made, opened or brought up to date, another service runs on the file,
    /// the root secret is another one, or a command finds no database of its own version.
    pub async fn open(config: &DatabaseConfig, opener: Opener) -> Result<Self, StorageError> {
        let recent = RecentLinks::default();
        let root_secret = config.root_secret.as_ref();
        let opened = match &config.place {
            DatabasePlace::Sqlite(path) => {
                sqlite::open(path, root_secret, opener, recent.clone()).await?
            }
            DatabasePlace::Postgres(server) => {
                postgres::open(server, root_secret, opener, recent.clone()).await?
            }
        };
        Ok(Self {
            recent,
            lookups: Lookups::default(),
            link_lookups: Arc::default(),
            replica: random::id().into(),
            opened,
        })
    }

    /// Copies a SQLite file, also while a service runs on it, to where nothing is yet. The copy is as the file
    /// was at one moment, and on disk when this returns.
    ///
    /// # Errors
    /// If the file cannot be read, or something is there already; then nothing is left of the copy.
    pub async fn back_up(file: &Path, to: &Path) -> Result<(), StorageError> {
        backup::back_up(file, to).await
    }

    /// The connections for reading.
    #[must_use]
    pub fn reader(&self) -> &Reader {
        &self.opened.reader
    }

    /// The way to write.
    #[must_use]
    pub fn writer(&self) -> &Writer {
        &self.opened.writer
    }

    /// Whether no other service can have it open, so that whoever has claimed anything in it has ended.
    #[must_use]
    pub fn is_ours_alone(&self) -> bool {
        self.opened.lock.is_some()
    }

    /// The name by which others that have it open know this service: another one at each start.
    #[must_use]
    pub fn replica(&self) -> Arc<str> {
        Arc::clone(&self.replica)
    }

    /// The link with this ID as of the last acknowledged commit, except for its counters. Commits of
    /// other processes are seen within half a second; while the server of the database cannot be
    /// reached, links that are remembered are as of the last look, for as long as `database_grace`.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn link(&self, link_id: &str) -> Result<Option<Arc<LinkRow>>, StorageError> {
        let generation = match self.recent.get(link_id) {
            Ok(row) if self.is_trusted() => return Ok(Some(row)),
            Ok(_) => None,
            Err(generation) => Some(generation),
        };
        metrics::counter!("medialink_link_lookups_total").increment(1);
        self.link_lookups.fetch_add(1, Ordering::Relaxed);
        let row = self.lookups.find(self.reader(), link_id).await?;
        if let (Some(generation), Some(row)) = (generation, &row) {
            self.recent.put(generation, row);
        }
        Ok(row)
    }

    /// Whether what is remembered may be served.
    fn is_trusted(&self) -> bool {
        let contact = self.opened.contact.as_ref();
        contact.is_none_or(Contact::is_trusted)
    }

    /// How many links were not cached and had to be looked up so far, to be watched by a test.
    #[must_use]
    pub fn link_lookups(&self) -> u64 {
        self.link_lookups.load(Ordering::Relaxed)
    }

    /// Proves that the database takes writes, by a write, unless that was tried within the last
    /// second.
    ///
    /// # Errors
    /// Why it takes none.
    pub async fn prove_writable(&self, now_ms: i64) -> Result<(), String> {
        self.opened.readiness.prove(self.writer(), now_ms).await
    }

    /// Empties the write-ahead log of a SQLite file into it, so that it holds no values that have been
    /// overwritten there. `false`: somebody was reading from it.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn empty_log(&self) -> Result<bool, StorageError> {
        let Some((place, options)) = &self.opened.log else {
            return Ok(true);
        };
        place.check().map_err(StorageError::File)?;
        sqlite::empty_log(options).await
    }
}
