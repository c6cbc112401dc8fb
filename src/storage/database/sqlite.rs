//! A SQLite file: made, locked and opened.

use std::{
    fs::{File, TryLockError},
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use sqlx::{
    ConnectOptions, Connection as _,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};

use super::opened::{Opened, Opener};
use crate::{
    config::RootSecret,
    storage::{
        StorageError, Writer,
        engine::{Connection, Line, Pool, Reader, SqliteReaders, query},
        place::Place,
        readiness::Readiness,
        recent::RecentLinks,
        schema,
        sealer::Sealing,
        sealing,
    },
};

/// How many readers there are at once.
const READERS: usize = 4;
/// How much the writer remembers of the file, in SQLite's words: 16 MiB. Each new link is written in the midst of
/// a few indexes.
const WRITER_CACHE: &str = "-16384";
/// After how many pages the write-ahead log is written into the file: 16 MiB. A page that many writes change is
/// written there once for them all.
const LOG_PAGES: &str = "4000";
/// How long the emptying of the write-ahead log waits for readers; it is tried again later.
const EMPTY_LOG_WAIT: Duration = Duration::from_millis(200);
/// How long to wait for the lock of another service, and how often to try for it.
const LOCKED_WITHIN: Duration = Duration::from_secs(2);
const LOCK_EVERY: Duration = Duration::from_millis(20);

/// Opens a SQLite file.
pub(super) async fn open(
    path: &Path,
    root_secret: Option<&RootSecret>,
    opener: Opener,
    recent: RecentLinks,
) -> Result<Opened, StorageError> {
    let lock = match opener {
        Opener::Service => Some(Arc::new(make(path).await?)),
        Opener::Command => None,
    };
    let options = options(path)?;
    let writing = options
        .clone()
        .pragma("cache_size", WRITER_CACHE)
        .pragma("wal_autocheckpoint", LOG_PAGES);
    let line = Line::Sqlite(writing.connect().await?);
    let mut connection = Connection::new(line, Sealing::default());
    let place = path.display().to_string();
    schema::prepare(&mut connection, &place, opener).await?;
    sealing::prepare(&mut connection, root_secret, &place, opener).await?;
    // What it takes to undo one write of a group is kept in memory, not in a file. Not before the tables are as they
    // should be: to make an index of a large one takes space in a file.
    query("PRAGMA temp_store = MEMORY")
        .execute(&mut connection)
        .await?;
    let place = Place::of(path).map_err(|error| not_there(path, &error))?;
    let mut readers = Vec::new();
    for _ in 0..READERS {
        readers.push(options.clone().read_only(true).connect().await?);
    }
    Ok(Opened {
        reader: Reader::new(
            Pool::Sqlite(SqliteReaders::new(readers)),
            connection.sealing.clone(),
        ),
        writer: Writer::to_sqlite(connection, place.clone(), recent).await?,
        readiness: Readiness::default(),
        contact: None,
        log: Some((place, Arc::new(options))),
        lock,
    })
}

/// Opens a SQLite file that no service has open, nor will as long as the lock is held.
pub(super) async fn open_alone(
    path: &Path,
    is_made: bool,
) -> Result<(Connection, File), StorageError> {
    let (options, lock) = if is_made {
        let lock = make(path).await?;
        (options(path)?, lock)
    } else {
        // No lock is made beside nothing.
        (options(path)?, lock(path).await?)
    };
    let line = Line::Sqlite(options.connect().await?);
    Ok((Connection::new(line, Sealing::default()), lock))
}

/// Opens a SQLite file through which nothing can be changed.
pub(super) async fn open_to_look(path: &Path) -> Result<Connection, StorageError> {
    if let Err(error) = std::fs::metadata(path) {
        return Err(not_there(path, &error));
    }
    // Its journal stays as it is: a copy has another one.
    let options = SqliteConnectOptions::new()
        .filename(path)
        .read_only(true)
        .busy_timeout(Duration::from_secs(10))
        .disable_statement_logging();
    let line = Line::Sqlite(options.connect().await?);
    Ok(Connection::new(line, Sealing::default()))
}

/// How the file is opened that is there.
pub(super) fn options(path: &Path) -> Result<SqliteConnectOptions, StorageError> {
    if let Err(error) = std::fs::metadata(path) {
        return Err(not_there(path, &error));
    }
    Ok(SqliteConnectOptions::new()
        .filename(path)
        .journal_mode(SqliteJournalMode::Wal)
        // Acknowledged writes survive a loss of power, not only the end of the process.
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(Duration::from_secs(10))
        // Values that are deleted or replaced are overwritten: they may be secret.
        .pragma("secure_delete", "ON")
        .statement_cache_capacity(256)
        .disable_statement_logging())
}

/// Empties the write-ahead log of a file into it. `false`: somebody was reading from it.
pub(super) async fn empty_log(options: &SqliteConnectOptions) -> Result<bool, StorageError> {
    // On a connection of its own, so that no write waits in line behind it.
    let options = options.clone().busy_timeout(EMPTY_LOG_WAIT);
    let mut connection = options.connect().await?;
    let checkpoint = sqlx::query_scalar("PRAGMA wal_checkpoint(TRUNCATE)");
    let is_busy: i64 = checkpoint.fetch_one(&mut connection).await?;
    connection.close().await?;
    Ok(is_busy == 0)
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
                return Err(failed(
                    "another service runs on it, or `medialink migrate` moves it".to_owned(),
                ));
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
