//! The database of a unit test: a SQLite file, or one of its own on the server of the tests.

use std::{collections::HashMap, path::Path};

use futures_util::FutureExt;

use crate::{
    config::{Config, DatabaseConfig},
    storage::{
        Database, Opener, StorageError,
        engine::{Connection, query, query_scalar},
    },
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

/// Stores a live link, of a usage of its own.
pub async fn insert_link(database: &Database, link_id: String) {
    let written = database
        .writer()
        .write(move |connection| async move { insert(connection, &link_id).await }.boxed());
    written.await.expect("writes");
}

async fn insert(connection: &mut Connection, link_id: &str) -> Result<(), StorageError> {
    let room = "INSERT INTO matrix_ids (id, matrix_id) VALUES (1, '!r:example.org') ON CONFLICT DO NOTHING";
    query(room).execute(&mut *connection).await?;
    let usage: i64 = query_scalar(
        "INSERT INTO media_references (bridge, room, mxc, state) VALUES ('irc', 1, $1, 'disabled') RETURNING id",
    )
    .bind(format!("mxc://example.org/{link_id}"))
    .fetch_one(&mut *connection)
    .await?;
    query(
        "INSERT INTO links (link_id, form, key_id, bridge, media_reference_id, room, issued_at, state) \
         VALUES ($1, 'short', 1, 'irc', $2, 1, 1, 'live')",
    )
    .bind(link_id)
    .bind(usage)
    .execute(connection)
    .await?;
    Ok(())
}
