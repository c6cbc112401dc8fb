//! The tables of a database, by their version: brought up to date by the service alone.

use std::collections::BTreeSet;

use sqlx::migrate::Migrator;

use super::{
    StorageError,
    database::opened::Opener,
    engine::{Connection, On, Way, pick, query_as, query_scalar},
    moving::progress,
};

static SQLITE: Migrator = sqlx::migrate!("migrations/sqlite");
static POSTGRES: Migrator = sqlx::migrate!("migrations/postgres");

/// The migrations of a database beside those of this version.
#[derive(Debug)]
pub(super) struct Versions {
    applied: BTreeSet<i64>,
    known: BTreeSet<i64>,
    /// Whether it is the target of a move that has not ended.
    pub(super) is_moved_to: bool,
    /// Those that have begun and not ended.
    pub(super) unfinished: Vec<i64>,
    /// Those that were applied with other statements.
    pub(super) altered: Vec<i64>,
}

impl Versions {
    /// The version of the tables; `None`: there are none.
    pub(super) fn found(&self) -> Option<i64> {
        self.applied.last().copied()
    }

    /// The version that this program has.
    pub(super) fn known(&self) -> i64 {
        last(&self.known)
    }

    /// The newest migration that this program does not know.
    pub(super) fn unknown(&self) -> Option<i64> {
        self.applied.difference(&self.known).last().copied()
    }

    /// The oldest migration that was not applied.
    pub(super) fn missing(&self) -> Option<i64> {
        self.known.difference(&self.applied).next().copied()
    }
}

/// Compares the tables with those of this version; nothing is changed.
pub(super) async fn look(connection: &mut Connection) -> Result<Versions, StorageError> {
    let is_moved_to = progress::is_there(connection).await?;
    let rows: Vec<(i64, bool, Vec<u8>)> = if has_migrations(connection).await? {
        query_as("SELECT version, success, checksum FROM _sqlx_migrations ORDER BY version")
            .fetch_all(&mut *connection)
            .await?
    } else {
        Vec::new()
    };
    let migrations = migrations(connection);
    let is_altered = |version: i64, checksum: &[u8]| {
        let known = migrations.iter().find(|known| known.version == version);
        known.is_some_and(|known| *known.checksum != *checksum)
    };
    let applied = rows.iter().filter(|(_, success, _)| *success);
    Ok(Versions {
        known: known(connection),
        is_moved_to,
        unfinished: rows
            .iter()
            .filter(|(_, success, _)| !success)
            .map(|(version, ..)| *version)
            .collect(),
        altered: applied
            .clone()
            .filter(|(version, _, checksum)| is_altered(*version, checksum))
            .map(|(version, ..)| *version)
            .collect(),
        applied: applied.map(|(version, ..)| *version).collect(),
    })
}

/// Brings the tables up to date for a service, or makes sure for a command that they are; `place`: what
/// errors call the database.
pub(super) async fn prepare(
    connection: &mut Connection,
    place: &str,
    opener: Opener,
) -> Result<(), StorageError> {
    if progress::is_there(connection).await? {
        return Err(StorageError::File(format!(
            "{place} is the target of a move that has not ended: `medialink migrate` goes on with it, if the same \
             --from and --to are given again"
        )));
    }
    match opener {
        Opener::Service => migrate(connection, place).await,
        Opener::Command => check(connection, place).await,
    }
}

/// Brings the tables up to date, or makes them.
pub(super) async fn migrate(connection: &mut Connection, place: &str) -> Result<(), StorageError> {
    let applied = applied(connection).await?;
    let known = known(connection);
    if applied.iter().any(|version| !known.contains(version)) {
        return Err(newer(place, &applied, &known));
    }
    match On::from(connection).way {
        Way::Sqlite(connection) => SQLITE.run(connection).await?,
        Way::SqliteReaders(readers) => SQLITE.run(readers.acquire().await?.connection()).await?,
        Way::Postgres(connection) | Way::PostgresReader(connection, _) => {
            POSTGRES.run(connection).await?
        }
        Way::PostgresPool(pool, _) => POSTGRES.run(pool).await?,
    }
    Ok(())
}

/// Makes sure that the tables are those of this version. A command that brought them up to date would
/// do so below an older service that may be running.
async fn check(connection: &mut Connection, place: &str) -> Result<(), StorageError> {
    let applied = applied(connection).await?;
    let known = known(connection);
    if applied == known {
        return Ok(());
    }
    if applied.is_empty() {
        return Err(StorageError::File(format!(
            "{place} has no tables yet: `medialink serve` makes them at its first start"
        )));
    }
    if applied.iter().any(|version| !known.contains(version)) {
        return Err(newer(place, &applied, &known));
    }
    Err(StorageError::File(format!(
        "{place} is of an older version (found {}, this version has {}): start `medialink serve` of this version \
         first, which brings it up to date, or use the `medialink` of the running service",
        last(&applied),
        last(&known)
    )))
}

fn newer(place: &str, applied: &BTreeSet<i64>, known: &BTreeSet<i64>) -> StorageError {
    StorageError::File(format!(
        "{place} is of a newer version (found {}, this version has {}): use the `medialink` of that version",
        last(applied),
        last(known)
    ))
}

fn last(versions: &BTreeSet<i64>) -> i64 {
    versions.last().copied().unwrap_or_default()
}

fn migrations(connection: &Connection) -> &'static Migrator {
    if connection.is_sqlite() {
        &SQLITE
    } else {
        &POSTGRES
    }
}

fn known(connection: &Connection) -> BTreeSet<i64> {
    let versions = migrations(connection)
        .iter()
        .map(|migration| migration.version);
    versions.collect()
}

/// The versions that were applied; none, if there are no tables.
async fn applied(connection: &mut Connection) -> Result<BTreeSet<i64>, StorageError> {
    if !has_migrations(connection).await? {
        return Ok(BTreeSet::new());
    }
    let versions: Vec<i64> =
        query_scalar("SELECT version FROM _sqlx_migrations WHERE success ORDER BY version")
            .fetch_all(connection)
            .await?;
    Ok(versions.into_iter().collect())
}

async fn has_migrations(connection: &mut Connection) -> Result<bool, StorageError> {
    query_scalar(pick(
        "SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = '_sqlx_migrations')",
        "SELECT to_regclass('_sqlx_migrations') IS NOT NULL",
    ))
    .fetch_one(connection)
    .await
}
