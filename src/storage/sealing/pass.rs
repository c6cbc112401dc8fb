//! Sealing the secrets of a database that has held them open so far.
//!
//! It is done before the service answers, since rows are unique and compared by what they hold: half of
//! them sealed, a medium would be counted twice. It goes in pieces, each in a transaction, and can be killed
//! at any moment: what opens is sealed already.

use super::places::{SECRETS, SecretColumn};
use crate::storage::{
    StorageError,
    engine::{Connection, Kind, QueryBuilder, Rows, Value, pick, query, query_as},
    sealer::{Open, Secret},
};

/// How many rows are sealed in one transaction.
const PIECE: i64 = 1000;

/// Seals every secret, and notes that all are sealed.
pub(super) async fn seal_all(connection: &mut Connection) -> Result<(), StorageError> {
    let mut sealed = 0;
    for column in &SECRETS {
        if column.table == "secrets" {
            sealed += of_own(connection, column).await?;
            continue;
        }
        let mut after = -1;
        while let Some(last) = piece(connection, column, after, &mut sealed).await? {
            after = last;
        }
    }
    query("UPDATE data_keys SET is_all = 1 WHERE id = 1")
        .execute(&mut *connection)
        .await?;
    if sealed > 0 {
        tracing::info!(
            secrets = sealed,
            "the secrets in the database are sealed from now on"
        );
        if connection.is_sqlite() {
            // The write-ahead log holds them as they were.
            query("PRAGMA wal_checkpoint(TRUNCATE)")
                .execute(connection)
                .await?;
        }
    }
    Ok(())
}

/// Begins a piece; another service that does the same waits for its end.
async fn begin(connection: &mut Connection) -> Result<(), StorageError> {
    let begin = query(pick("BEGIN IMMEDIATE", "BEGIN"));
    begin.execute(&mut *connection).await?;
    let hold = pick(
        "SELECT id FROM data_keys WHERE id = 1",
        "SELECT id FROM data_keys WHERE id = 1 FOR UPDATE",
    );
    query(hold).execute(connection).await?;
    Ok(())
}

async fn commit(connection: &mut Connection) -> Result<(), StorageError> {
    query("COMMIT").execute(connection).await?;
    Ok(())
}

/// A secret as it stands in its row, with what it is about.
#[derive(sqlx::FromRow)]
struct Found {
    key: i64,
    about: String,
    text: Option<String>,
    bytes: Option<Vec<u8>>,
}

impl Found {
    /// It sealed; `None`: it is sealed already, or nothing.
    fn sealed(self, connection: &Connection, column: &SecretColumn) -> Option<Value> {
        let (by, kind, about) = (&connection.sealing, column.kind, self.about);
        let open = match (self.text, self.bytes) {
            (Some(text), _) => {
                if by.open_text(kind, &about, text.clone()).is_ok() {
                    return None;
                }
                Open::Text(text)
            }
            (None, Some(bytes)) => {
                if by.open_bytes(kind, &about, bytes.clone()).is_ok() {
                    return None;
                }
                Open::Bytes(bytes)
            }
            (None, None) => return None,
        };
        Some(Secret::new(kind, about, open).into())
    }
}

/// Seals the secrets of the next rows behind a row; the last of them, if there are any.
async fn piece(
    connection: &mut Connection,
    column: &SecretColumn,
    after: i64,
    sealed: &mut u64,
) -> Result<Option<i64>, StorageError> {
    begin(connection).await?;
    let mut select = QueryBuilder::new("SELECT id AS key, ");
    column.select(&mut select);
    select.push(" WHERE id > ").push_bind(after);
    select.push(" ORDER BY id LIMIT ").push_bind(PIECE);
    let found: Vec<Found> = select.build_query_as().fetch_all(&mut *connection).await?;
    let last = found.last().map(|found| found.key);
    let mut rows = Rows::new(if column.is_text {
        &[("key", Kind::Integer), ("value", Kind::Text)]
    } else {
        &[("key", Kind::Integer), ("value", Kind::Bytes)]
    });
    let mut count = 0;
    for found in found {
        let key = found.key;
        if let Some(value) = found.sealed(connection, column) {
            rows.push([key.into(), value]);
            count += 1;
        }
    }
    if count > 0 {
        let mut update = QueryBuilder::new("UPDATE ");
        update.push(column.table).push(" SET ").push(column.column);
        update.push(" = new.value FROM ").push_rows(rows);
        update.push(" AS new WHERE id = new.key");
        update.build().execute(&mut *connection).await?;
        *sealed += count;
    }
    commit(connection).await?;
    Ok(last)
}

/// Seals the secrets of the service itself, of which there are a few.
async fn of_own(connection: &mut Connection, column: &SecretColumn) -> Result<u64, StorageError> {
    begin(connection).await?;
    let found: Vec<(String, Vec<u8>)> = query_as("SELECT name, value FROM secrets")
        .fetch_all(&mut *connection)
        .await?;
    let mut sealed = 0;
    for (name, value) in found {
        let found = Found {
            key: 0,
            about: name.clone(),
            text: None,
            bytes: Some(value),
        };
        if let Some(value) = found.sealed(connection, column) {
            sealed += query("UPDATE secrets SET value = $1 WHERE name = $2")
                .bind(value)
                .bind(name)
                .execute(&mut *connection)
                .await?;
        }
    }
    commit(connection).await?;
    Ok(sealed)
}
