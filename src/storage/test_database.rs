//! The database of a unit test: a SQLite file, or one of its own on the server of the tests.

use std::{collections::HashMap, path::Path};

use crate::{
    config::{Config, DatabaseConfig},
    storage::{Database, Opener},
};

/// The configuration of a test whose files are in this folder.
pub fn config(folder: &Path) -> Config {
    let text = support::config_text(folder, "http://127.0.0.1:1", "http://127.0.0.1:1", "");
    Config::parse(&text, HashMap::new(), folder).expect("a configuration")
}

/// Where the database of a folder is; the same each time.
pub fn place(folder: &Path) -> DatabaseConfig {
    config(folder).database
}

/// A new database, and the folder that it is for.
pub async fn open() -> (tempfile::TempDir, Database) {
    let folder = tempfile::tempdir().expect("a folder");
    let database = Database::open(&place(folder.path()), Opener::Service).await;
    (folder, database.expect("opens"))
}
