//! A copy of a SQLite file, made while a service runs on it.

use std::{
    fs::{File, OpenOptions},
    io,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use sqlx::{ConnectOptions, Connection as _};

use super::sqlite;
use crate::storage::StorageError;

/// Copies a SQLite file to where nothing is yet: as it is at one moment, without what was deleted from it, and
/// readable by its owner only. The copy is on disk when this returns.
pub(super) async fn back_up(from: &Path, to: &Path) -> Result<(), StorageError> {
    let options = sqlite::options(from)?;
    let failed =
        |error: io::Error| StorageError::File(format!("{} cannot be made: {error}", to.display()));
    // Its name is ours from now on.
    make(to).map_err(failed)?;
    let part = beside(to);
    let copied = async {
        make(&part).map_err(failed)?;
        let mut connection = options.connect().await?;
        sqlx::query("VACUUM INTO $1")
            .bind(part.display().to_string())
            .execute(&mut connection)
            .await?;
        connection.close().await?;
        File::open(&part)
            .and_then(|file| file.sync_all())
            .and_then(|()| std::fs::rename(&part, to))
            .and_then(|()| sync_folder(to))
            .map_err(failed)
    };
    let copied = copied.await;
    if copied.is_err() {
        // What is left there is no copy.
        for left in [&part, to] {
            drop(std::fs::remove_file(left));
        }
    }
    copied
}

fn make(path: &Path) -> io::Result<()> {
    let mut new = OpenOptions::new();
    new.write(true).create_new(true).mode(0o600);
    new.open(path).map(drop)
}

/// Where the copy is while it is not complete.
fn beside(to: &Path) -> PathBuf {
    let mut part = to.as_os_str().to_owned();
    part.push(".part");
    part.into()
}

fn sync_folder(of: &Path) -> io::Result<()> {
    let folder = of.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}
