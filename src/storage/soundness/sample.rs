//! Whether sealed values open: some of each column, the newest and the oldest.

use crate::storage::{
    StorageError,
    engine::{Connection, QueryBuilder},
    sealing::places::SecretColumn,
};

/// How many values of a column are opened, from each of its ends.
const FROM_EACH_END: i64 = 500;

/// A value as it stands in its row, with what it is about.
#[derive(sqlx::FromRow)]
struct Stored {
    key: String,
    about: String,
    text: Option<String>,
    bytes: Option<Vec<u8>>,
}

/// What has come of the values of a column.
#[derive(Debug, Default)]
pub(super) struct Sampled {
    /// How many do not open.
    pub(super) unopened: i64,
    /// The key of the row of one of them.
    pub(super) example: Option<String>,
}

/// Opens some values of a column.
pub(super) async fn open_some(
    connection: &mut Connection,
    column: &SecretColumn,
) -> Result<Sampled, StorageError> {
    let key = if column.table == "secrets" {
        "name"
    } else {
        "id"
    };
    let mut sampled = Sampled::default();
    let mut before: Option<String> = None;
    for order in [" DESC LIMIT ", " LIMIT "] {
        let rows = read(connection, column, key, order).await?;
        let oldest_of_newest = rows.last().map(|row| row.key.clone());
        for row in rows {
            if before.as_ref() == Some(&row.key) {
                break; // The two ends meet here.
            }
            let opened = match (row.text, row.bytes) {
                (Some(text), _) => {
                    let opened = connection.sealing.open_text(column.kind, &row.about, text);
                    opened.map(drop)
                }
                (None, Some(bytes)) => {
                    let opened = connection
                        .sealing
                        .open_bytes(column.kind, &row.about, bytes);
                    opened.map(drop)
                }
                (None, None) => Ok(()),
            };
            if opened.is_err() {
                sampled.unopened += 1;
                sampled.example.get_or_insert(row.key);
            }
        }
        before = oldest_of_newest;
    }
    Ok(sampled)
}

async fn read(
    connection: &mut Connection,
    column: &SecretColumn,
    key: &'static str,
    order: &'static str,
) -> Result<Vec<Stored>, StorageError> {
    let mut select = QueryBuilder::new("SELECT CAST(");
    select.push(key).push(" AS TEXT) AS key, ");
    column.select(&mut select);
    select
        .push(" WHERE ")
        .push(column.column)
        .push(" IS NOT NULL");
    select.push(" ORDER BY ").push(column.table).push(".");
    select.push(key).push(order).push_bind(FROM_EACH_END);
    select.build_query_as().fetch_all(connection).await
}
