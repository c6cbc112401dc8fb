//! The database of one service: opened, migrated, read and written.

use std::{
    fs::File,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use sqlx::{
    ConnectOptions, SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use super::{
    StorageError, Writer,
    links::{self, LinkRow},
    recent::RecentLinks,
};

static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("migrations/sqlite");

/// How many readers there are at once.
const READERS: u32 = 4;

/// The database of one service. Clones share its connections.
#[derive(Debug, Clone)]
pub struct Database {
    reader: SqlitePool,
    writer: Writer,
    recent: RecentLinks,
    link_lookups: Arc<AtomicU64>,
    _lock: Option<Arc<File>>,
}

/// The kind of process that opens the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opener {
    /// The running service: at most one at a time.
    Service,
    /// A command, beside a running service or without one.
    Command,
}

impl Database {
    /// Opens a SQLite file, makes it and its folder if they are missing, and migrates it.
    ///
    /// # Errors
    /// If the file cannot be made, opened or migrated, or another service runs on it.
    pub async fn open(path: &Path, opener: Opener) -> Result<Self, StorageError> {
        let file_error = |action: &str, path: &Path, error: std::io::Error| {
            StorageError::File(format!("{} cannot be {action}: {error}", path.display()))
        };
        if let Some(folder) = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty())
        {
            std::fs::create_dir_all(folder).map_err(|e| file_error("made", folder, e))?;
        }
        let lock = match opener {
            Opener::Service => Some(Arc::new(lock(path)?)),
            Opener::Command => None,
        };
        make_private(path).map_err(|e| file_error("made", path, e))?;
        let options = SqliteConnectOptions::new()
            .filename(path)
            .journal_mode(SqliteJournalMode::Wal)
            // Acknowledged writes survive a loss of power, not only the end of the process.
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(Duration::from_secs(10))
            .statement_cache_capacity(256)
            .disable_statement_logging();
        let mut connection = options.connect().await?;
        MIGRATIONS.run(&mut connection).await?;
        let reader = SqlitePoolOptions::new()
            .max_connections(READERS)
            .connect_with(options.read_only(true))
            .await?;
        let recent = RecentLinks::default();
        Ok(Self {
            reader,
            writer: Writer::start(connection, recent.clone()).await?,
            recent,
            link_lookups: Arc::default(),
            _lock: lock,
        })
    }

    /// The connections for reading.
    #[must_use]
    pub fn reader(&self) -> &SqlitePool {
        &self.reader
    }

    /// The one connection for writing.
    #[must_use]
    pub fn writer(&self) -> &Writer {
        &self.writer
    }

    /// The link with this ID as of the last acknowledged commit, except for its counters. Commits of
    /// other processes are seen within half a second.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn link(&self, link_id: &str) -> Result<Option<Arc<LinkRow>>, StorageError> {
        let generation = match self.recent.get(link_id) {
            Ok(row) => return Ok(Some(row)),
            Err(generation) => generation,
        };
        metrics::counter!("medialink_link_lookups_total").increment(1);
        self.link_lookups.fetch_add(1, Ordering::Relaxed);
        let row = links::find(&self.reader, link_id).await?.map(Arc::new);
        if let Some(row) = &row {
            self.recent.put(generation, row);
        }
        Ok(row)
    }

    /// How many links were not cached and had to be looked up so far, to be watched by a test.
    #[must_use]
    pub fn link_lookups(&self) -> u64 {
        self.link_lookups.load(Ordering::Relaxed)
    }

    /// Asks the database for nothing.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn ping(&self) -> Result<(), StorageError> {
        sqlx::query("SELECT 1").execute(&self.reader).await?;
        Ok(())
    }
}

/// Locks the database for this service: two on one file would both send its meta events.
fn lock(path: &Path) -> Result<File, StorageError> {
    let mut lock_path = path.as_os_str().to_owned();
    lock_path.push(".lock");
    let failed =
        |error: String| StorageError::File(format!("{} cannot be locked: {error}", path.display()));
    let file = File::create(&lock_path).map_err(|error| failed(error.to_string()))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => {
            Err(failed("another service runs on it".to_owned()))
        }
        Err(std::fs::TryLockError::Error(error)) => Err(failed(error.to_string())),
    }
}

/// Makes the file readable by its owner alone: it holds content tokens and file keys.
fn make_private(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(path)
        .map(drop)
}
