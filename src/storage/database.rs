//! The database of one service: opened, migrated, read and written.

use std::{
    fs::{File, TryLockError},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use sqlx::{
    ConnectOptions, Connection, Row, SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use super::{
    StorageError, Writer,
    links::{self, LinkRow},
    readiness::Readiness,
    recent::RecentLinks,
    schema,
};

/// How many readers there are at once.
const READERS: u32 = 4;
/// How long the emptying of the write-ahead log waits for readers; it is tried again later.
const EMPTY_LOG_WAIT: Duration = Duration::from_millis(200);
/// How long to wait for the lock of another service, and how often to try for it.
const LOCKED_WITHIN: Duration = Duration::from_secs(2);
const LOCK_EVERY: Duration = Duration::from_millis(20);

/// The database of one service. Clones share its connections.
#[derive(Debug, Clone)]
pub struct Database {
    reader: SqlitePool,
    writer: Writer,
    recent: RecentLinks,
    link_lookups: Arc<AtomicU64>,
    readiness: Readiness,
    options: Arc<SqliteConnectOptions>,
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
    /// Opens a SQLite file. The service makes it and its folder if they are missing, and brings its
    /// tables up to date; a command does neither.
    ///
    /// # Errors
    /// If the file cannot be made, opened or brought up to date, another service runs on it, or a
    /// command finds none of its own version.
    pub async fn open(path: &Path, opener: Opener) -> Result<Self, StorageError> {
        let lock = match opener {
            Opener::Service => Some(Arc::new(make(path).await?)),
            Opener::Command => None,
        };
        if let Err(error) = std::fs::metadata(path) {
            return Err(not_there(path, &error));
        }
        let options = SqliteConnectOptions::new()
            .filename(path)
            .journal_mode(SqliteJournalMode::Wal)
            // Acknowledged writes survive a loss of power, not only the end of the process.
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(Duration::from_secs(10))
            // Values that are deleted or replaced are overwritten: they may be secret.
            .pragma("secure_delete", "ON")
            .statement_cache_capacity(256)
            .disable_statement_logging();
        let mut connection = options.connect().await?;
        match opener {
            Opener::Service => schema::migrate(&mut connection, path).await?,
            Opener::Command => schema::check(&mut connection, path).await?,
        }
        let readiness = Readiness::of(path).map_err(|error| not_there(path, &error))?;
        let reader = SqlitePoolOptions::new()
            .max_connections(READERS)
            .connect_with(options.clone().read_only(true))
            .await?;
        let recent = RecentLinks::default();
        Ok(Self {
            reader,
            writer: Writer::start(connection, recent.clone()).await?,
            recent,
            link_lookups: Arc::default(),
            readiness,
            options: Arc::new(options),
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
        let row = Box::pin(links::find(&self.reader, link_id)).await?;
        let row = row.map(Arc::new);
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

    /// Proves that the database takes writes, by a write, unless that was tried within the last
    /// second.
    ///
    /// # Errors
    /// Why it takes none.
    pub async fn prove_writable(&self, now_ms: i64) -> Result<(), String> {
        self.readiness.prove(&self.writer, now_ms).await
    }

    /// Empties the write-ahead log into the database file, so that it holds no values that have been
    /// overwritten there. `false`: somebody was reading from it.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn empty_log(&self) -> Result<bool, StorageError> {
        self.readiness.is_in_place().map_err(StorageError::File)?;
        // On a connection of its own, so that no write waits in line behind it.
        let options = SqliteConnectOptions::clone(&self.options).busy_timeout(EMPTY_LOG_WAIT);
        let mut connection = options.connect().await?;
        let checkpoint = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)");
        let is_busy: i64 = checkpoint.fetch_one(&mut connection).await?.try_get(0)?;
        connection.close().await?;
        Ok(is_busy == 0)
    }
}

/// Makes the file and its folder if they are missing, and locks it.
async fn make(path: &Path) -> Result<File, StorageError> {
    let failed = |path: &Path, error: std::io::Error| {
        StorageError::File(format!("{} cannot be made: {error}", path.display()))
    };
    if let Some(folder) = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
    {
        std::fs::create_dir_all(folder).map_err(|error| failed(folder, error))?;
    }
    let lock = lock(path).await?;
    make_private(path).map_err(|error| failed(path, error))?;
    Ok(lock)
}

fn not_there(path: &Path, error: &std::io::Error) -> StorageError {
    let hint = match error.kind() {
        std::io::ErrorKind::NotFound => {
            ": `medialink serve` makes it at its first start; if there was one, is its folder mounted?"
        }
        _ => "",
    };
    StorageError::File(format!(
        "{} cannot be opened: {error}{hint}",
        path.display()
    ))
}

/// Locks the database for this service: two on one file would both send its meta events.
///
/// A lock may outlive the service that had it for a moment: a process that is just being started
/// holds the files of the one that starts it, until it is another program.
async fn lock(path: &Path) -> Result<File, StorageError> {
    let mut lock_path = path.as_os_str().to_owned();
    lock_path.push(".lock");
    let failed =
        |error: String| StorageError::File(format!("{} cannot be locked: {error}", path.display()));
    let file = File::create(&lock_path).map_err(|error| failed(error.to_string()))?;
    let until = Instant::now() + LOCKED_WITHIN;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) if Instant::now() < until => {
                tokio::time::sleep(LOCK_EVERY).await;
            }
            Err(TryLockError::WouldBlock) => {
                return Err(failed("another service runs on it".to_owned()));
            }
            Err(TryLockError::Error(error)) => return Err(failed(error.to_string())),
        }
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
