//! The tables of a database, as it lists them itself: no table is forgotten.

use std::collections::BTreeMap;

use sqlx::AssertSqlSafe;

use crate::storage::{
    StorageError,
    engine::{Connection, Query, pick, query, query_as, query_scalar},
};

/// Tables that one of the databases needs for itself, and that of the progress.
const OWN: [&str; 4] = [
    "_sqlx_migrations",
    "changes",
    "data_keys",
    "migration_progress",
];

/// A table: its name and its columns, of which some are the primary key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Table {
    pub(super) name: String,
    /// In the order of their names.
    columns: Vec<String>,
    /// Places in `columns`, in the order of the primary key.
    pub(super) key: Vec<usize>,
}

impl Table {
    /// The column of its key, if a single one is.
    pub(super) fn only_key(&self) -> Option<&str> {
        match self.key.as_slice() {
            [key] => Some(&self.columns[*key]),
            _ => None,
        }
    }

    pub(super) fn width(&self) -> usize {
        self.columns.len()
    }

    /// The place of a column of this name.
    pub(super) fn place(&self, column: &str) -> Option<usize> {
        self.columns.iter().position(|name| name == column)
    }

    /// Its name as it stands in statements.
    pub(super) fn quoted(&self) -> String {
        quoted(&self.name)
    }

    /// The names of its columns with commas between them.
    pub(super) fn columns(&self) -> String {
        listed(self.columns.iter().map(|name| quoted(name)))
    }

    /// The names of the key's columns, each with this behind it.
    pub(super) fn keys(&self, direction: &str) -> String {
        let names = self.key.iter().map(|place| &self.columns[*place]);
        listed(names.map(|name| format!("{}{direction}", quoted(name))))
    }
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Texts with commas between them.
pub(super) fn listed(texts: impl Iterator<Item = String>) -> String {
    texts.collect::<Vec<_>>().join(", ")
}

/// The tables in an order in which each comes behind those that it refers to.
pub(super) async fn list(connection: &mut Connection) -> Result<Vec<Table>, StorageError> {
    let columns: Vec<(String, String, i64)> = query_as(pick(
        "SELECT m.name, c.name, c.pk FROM sqlite_master m, pragma_table_info(m.name) c \
         WHERE m.type = 'table' AND substr(m.name, 1, 7) <> 'sqlite_'",
        "SELECT c.relname::text, a.attname::text, \
         COALESCE(array_position(i.indkey::int2[], a.attnum) + 1, 0)::bigint \
         FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped \
         LEFT JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary \
         WHERE c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace",
    ))
    .fetch_all(&mut *connection)
    .await?;
    let mut tables = BTreeMap::<String, BTreeMap<String, i64>>::new();
    for (table, column, place) in columns {
        if !OWN.contains(&table.as_str()) {
            tables.entry(table).or_default().insert(column, place);
        }
    }
    let tables = tables.into_iter().map(|(name, columns)| {
        let places = columns.values().enumerate();
        let mut key: Vec<(i64, usize)> = places
            .filter(|(_, in_key)| **in_key > 0)
            .map(|(place, in_key)| (*in_key, place))
            .collect();
        key.sort_unstable();
        if key.is_empty() {
            return Err(StorageError::Corrupt("table without a primary key"));
        }
        Ok(Table {
            name,
            columns: columns.into_keys().collect(),
            key: key.into_iter().map(|(_, place)| place).collect(),
        })
    });
    let tables = tables.collect::<Result<Vec<_>, _>>()?;
    in_order(tables, &references(connection).await?)
}

/// Which tables refer to which.
async fn references(connection: &mut Connection) -> Result<Vec<(String, String)>, StorageError> {
    query_as(pick(
        "SELECT m.name, f.\"table\" FROM sqlite_master m, pragma_foreign_key_list(m.name) f WHERE m.type = 'table'",
        "SELECT a.relname::text, b.relname::text FROM pg_constraint f \
         JOIN pg_class a ON a.oid = f.conrelid JOIN pg_class b ON b.oid = f.confrelid \
         WHERE f.contype = 'f' AND f.connamespace = current_schema()::regnamespace",
    ))
    .fetch_all(connection)
    .await
}

fn in_order(
    mut rest: Vec<Table>,
    references: &[(String, String)],
) -> Result<Vec<Table>, StorageError> {
    let mut ordered = Vec::with_capacity(rest.len());
    while !rest.is_empty() {
        let waits = |table: &Table| {
            let mut of_table = references.iter().filter(|(from, _)| *from == table.name);
            of_table.any(|(_, to)| rest.iter().any(|other| other.name == *to))
        };
        let (waiting, next): (Vec<_>, Vec<_>) = rest.iter().cloned().partition(waits);
        if next.is_empty() {
            return Err(StorageError::Corrupt("circle of tables"));
        }
        ordered.extend(next);
        rest = waiting;
    }
    Ok(ordered)
}

/// How many rows a table has.
pub(super) async fn count(connection: &mut Connection, table: &Table) -> Result<i64, StorageError> {
    let count = format!("SELECT COUNT(*) FROM {}", table.quoted());
    query_scalar(AssertSqlSafe(count))
        .fetch_one(connection)
        .await
}

/// The tables with rows in them, by name.
pub(super) async fn filled(
    connection: &mut Connection,
    tables: &[Table],
) -> Result<Vec<String>, StorageError> {
    let mut filled = Vec::new();
    for table in tables {
        let any = format!("SELECT EXISTS (SELECT 1 FROM {})", table.quoted());
        if query_scalar(AssertSqlSafe(any))
            .fetch_one(&mut *connection)
            .await?
        {
            filled.push(table.name.clone());
        }
    }
    filled.sort_unstable();
    Ok(filled)
}

/// The last ID that each table has given, whether its row is still there or not. Rows that came with an ID of
/// their own count on SQLite alone.
pub(super) async fn last_ids(
    connection: &mut Connection,
) -> Result<BTreeMap<String, i64>, StorageError> {
    let ids: Vec<(String, i64)> = query_as(pick(
        "SELECT name, seq FROM sqlite_sequence",
        "SELECT c.relname::text, COALESCE(pg_sequence_last_value(\
         pg_get_serial_sequence(quote_ident(c.relname), a.attname)::regclass), 0)::bigint \
         FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attidentity <> '' \
         WHERE c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace",
    ))
    .fetch_all(connection)
    .await?;
    Ok(ids.into_iter().collect())
}

/// Has a table go on behind this ID.
pub(super) async fn set_last_id(
    connection: &mut Connection,
    table: &Table,
    last: i64,
) -> Result<(), StorageError> {
    let Some(key) = table.only_key().filter(|_| last > 0) else {
        return Ok(());
    };
    if !connection.is_sqlite() {
        return query("SELECT setval(pg_get_serial_sequence(quote_ident($1), $2), $3)")
            .bind(&table.name)
            .bind(key)
            .bind(last)
            .execute(connection)
            .await
            .map(drop);
    }
    let run = |query: Query| query.bind(&table.name).bind(last);
    let set = "UPDATE sqlite_sequence SET seq = $2 WHERE name = $1";
    if run(query(set)).execute(&mut *connection).await? == 0 {
        let add = "INSERT INTO sqlite_sequence (name, seq) VALUES ($1, $2)";
        run(query(add)).execute(connection).await?;
    }
    Ok(())
}

/// Has PostgreSQL look at what has arrived, so that it does not plan for empty tables.
pub(super) async fn take_statistics(
    connection: &mut Connection,
    tables: &[Table],
) -> Result<(), StorageError> {
    if connection.is_sqlite() {
        return Ok(());
    }
    for table in tables {
        let analyze = format!("ANALYZE {}", table.quoted());
        query(AssertSqlSafe(analyze))
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Table, in_order};

    fn table(name: &str) -> Table {
        Table {
            name: name.to_owned(),
            columns: vec!["id".to_owned()],
            key: vec![0],
        }
    }

    #[test]
    fn a_table_comes_behind_those_that_it_refers_to() {
        let tables = ["a", "b", "c", "d"].map(table).to_vec();
        let refers = |pairs: &[(&str, &str)]| {
            let pairs = pairs.iter();
            pairs
                .map(|(from, to)| ((*from).to_owned(), (*to).to_owned()))
                .collect::<Vec<_>>()
        };
        let references = refers(&[("a", "c"), ("c", "d"), ("a", "d")]);
        let ordered = in_order(tables.clone(), &references).expect("an order");
        let names: Vec<&str> = ordered.iter().map(|table| table.name.as_str()).collect();
        assert_eq!(names, ["b", "d", "c", "a"]);
        let circle = refers(&[("a", "b"), ("b", "a")]);
        assert!(in_order(tables, &circle).is_err());
    }
}
