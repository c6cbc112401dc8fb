//! The tables of a database, by their version: brought up to date by the service alone.

use std::{collections::BTreeSet, path::Path};

use sqlx::{SqliteConnection, migrate::Migrator};

use super::StorageError;

static MIGRATIONS: Migrator = sqlx::migrate!("migrations/sqlite");

/// Brings the tables up to date.
pub(super) async fn migrate(
    connection: &mut SqliteConnection,
    path: &Path,
) -> Result<(), StorageError> {
    let applied = applied(connection).await?;
    if applied.iter().any(|version| !known().contains(version)) {
        return Err(newer(path, &applied));
    }
    MIGRATIONS.run(connection).await?;
    Ok(())
}

/// Makes sure that the tables are those of this version. A command that brought them up to date would
/// do so below an older service that may be running.
pub(super) async fn check(
    connection: &mut SqliteConnection,
    path: &Path,
) -> Result<(), StorageError> {
    let applied = applied(connection).await?;
    let known = known();
    if applied == known {
        return Ok(());
    }
    if applied.is_empty() {
        return Err(StorageError::File(format!(
            "{} has no tables yet: `medialink serve` makes them at its first start",
            path.display()
        )));
    }
    if applied.iter().any(|version| !known.contains(version)) {
        return Err(newer(path, &applied));
    }
    Err(StorageError::File(format!(
        "{} is of an older version (found {}, this version has {}): start `medialink serve` of this version first, \
         which brings it up to date, or use the `medialink` of the running service",
        path.display(),
        last(&applied),
        last(&known)
    )))
}

fn newer(path: &Path, applied: &BTreeSet<i64>) -> StorageError {
    StorageError::File(format!(
        "{} is of a newer version (found {}, this version has {}): use the `medialink` of that version",
        path.display(),
        last(applied),
        last(&known())
    ))
}

fn last(versions: &BTreeSet<i64>) -> i64 {
    versions.last().copied().unwrap_or_default()
}

fn known() -> BTreeSet<i64> {
    MIGRATIONS
        .iter()
        .map(|migration| migration.version)
        .collect()
}

/// The versions that were applied; none, if there are no tables.
async fn applied(connection: &mut SqliteConnection) -> Result<BTreeSet<i64>, StorageError> {
    let has_table: bool = sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = '_sqlx_migrations')",
    )
    .fetch_one(&mut *connection)
    .await?;
    if !has_table {
        return Ok(BTreeSet::new());
    }
    let versions: Vec<i64> =
        sqlx::query_scalar("SELECT version FROM _sqlx_migrations WHERE success ORDER BY version")
            .fetch_all(connection)
            .await?;
    Ok(versions.into_iter().collect())
}
