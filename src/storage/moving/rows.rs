//! Rows of any table, read from one database and written to the other.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};
use sqlx::{
    AssertSqlSafe, FromRow, Row as _, TypeInfo as _, ValueRef as _, postgres::PgRow,
    sqlite::SqliteRow,
};

use super::tables::{Table, listed};
use crate::storage::{
    StorageError,
    engine::{Connection, On, Value, Way, query, query_as, storable},
    sealer::{Open, Sealing},
    sealing::places::{SECRETS, SecretColumn},
};

/// How many rows are read and written at once. A row is of 64 KiB at the most, nearly all are far smaller.
pub(super) const PIECE: usize = 1000;
/// How many rows a statement of SQLite inserts: it takes no more than 32,766 values.
const ROWS_OF_STATEMENT: usize = 100;
/// How much is sent to PostgreSQL at once.
const SENT_AT_ONCE: usize = 1 << 20;

/// A value, the same whichever database it comes from. It has no `Debug`: values may be secret.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Cell {
    Null,
    /// Flags too.
    Integer(i64),
    Text(String),
    Bytes(Vec<u8>),
}

/// A row, in the order of the table's columns.
pub(super) struct Row(Vec<Cell>);

macro_rules! from_row {
    ($row:ty, $($kind:pat => $make:expr),+) => {
        impl<'r> FromRow<'r, $row> for Row {
            fn from_row(row: &'r $row) -> Result<Self, sqlx::Error> {
                let cell = |place: usize| {
                    let value = row.try_get_raw(place)?;
                    if value.is_null() {
                        return Ok(Cell::Null);
                    }
                    match value.type_info().name() {
                        $($kind => $make(row, place),)+
                        kind => Err(sqlx::Error::Decode(format!("a value of type {kind}").into())),
                    }
                };
                (0..row.len()).map(cell).collect::<Result<_, _>>().map(Self)
            }
        }
    };
}

from_row!(SqliteRow,
    "INTEGER" | "BOOLEAN" => |row: &SqliteRow, place| row.try_get_unchecked(place).map(Cell::Integer),
    "TEXT" => |row: &SqliteRow, place| row.try_get_unchecked(place).map(|text| Cell::Text(storable(text))),
    "BLOB" => |row: &SqliteRow, place| row.try_get_unchecked(place).map(Cell::Bytes)
);
from_row!(PgRow,
    "INT2" => |row: &PgRow, place| row.try_get_unchecked::<i16, _>(place).map(|number| Cell::Integer(number.into())),
    "INT8" => |row: &PgRow, place| row.try_get_unchecked(place).map(Cell::Integer),
    "BOOL" => |row: &PgRow, place| row.try_get_unchecked::<bool, _>(place).map(|flag| Cell::Integer(flag.into())),
    "TEXT" => |row: &PgRow, place| row.try_get_unchecked(place).map(Cell::Text),
    "BYTEA" => |row: &PgRow, place| row.try_get_unchecked(place).map(Cell::Bytes)
);

impl Cell {
    fn value(&self) -> Value {
        match self {
            Self::Null => Value::Text(None),
            Self::Integer(number) => Value::Integer(Some(*number)),
            Self::Text(text) => Value::Text(Some(text.clone())),
            Self::Bytes(bytes) => Value::Bytes(Some(bytes.clone())),
        }
    }

    fn add_to(&self, hash: &mut Sha256) {
        let mut add = |kind: u8, bytes: &[u8]| {
            hash.update([kind]);
            hash.update((bytes.len() as u64).to_be_bytes());
            hash.update(bytes);
        };
        match self {
            Self::Null => add(0, &[]),
            Self::Integer(number) => add(1, &number.to_be_bytes()),
            Self::Text(text) => add(2, text.as_bytes()),
            Self::Bytes(bytes) => add(3, bytes),
        }
    }

    /// Appends it in the text format of `COPY`.
    fn write_to(&self, line: &mut String) {
        match self {
            Self::Null => line.push_str("\\N"),
            // Writing to a text cannot fail.
            Self::Integer(number) => drop(write!(line, "{number}")),
            Self::Text(text) => {
                for character in text.chars() {
                    match character {
                        '\\' => line.push_str("\\\\"),
                        '\t' => line.push_str("\\t"),
                        '\n' => line.push_str("\\n"),
                        '\r' => line.push_str("\\r"),
                        other => line.push(other),
                    }
                }
            }
            Self::Bytes(bytes) => {
                line.push_str("\\\\x");
                for byte in bytes {
                    let _ = write!(line, "{byte:02x}");
                }
            }
        }
    }
}

impl Row {
    pub(super) fn add_to(&self, hash: &mut Sha256) {
        for cell in &self.0 {
            cell.add_to(hash);
        }
    }

    /// The values of its primary key.
    pub(super) fn key(&self, table: &Table) -> Vec<Cell> {
        let places = table.key.iter();
        places.map(|place| self.0[*place].clone()).collect()
    }
}

/// A column of secrets in rows of a table: where it is, and where stands what it is about.
type Place = (&'static SecretColumn, usize, usize);

fn secrets_of(table: &Table) -> Vec<Place> {
    let columns = SECRETS.iter().filter(|column| column.table == table.name);
    let places = columns.filter_map(|column| {
        let place = table.place(column.column)?;
        Some((column, place, table.place(column.about)?))
    });
    places.collect()
}

impl Row {
    /// What a secret in it is about.
    fn about(&self, place: usize) -> String {
        match &self.0[place] {
            Cell::Integer(number) => number.to_string(),
            Cell::Text(text) => text.clone(),
            Cell::Null | Cell::Bytes(_) => String::new(),
        }
    }

    /// With its secrets opened.
    fn open(mut self, sealing: &Sealing, secrets: &[Place]) -> Result<Self, StorageError> {
        for (column, place, about) in secrets {
            let about = self.about(*about);
            let cell = &mut self.0[*place];
            match std::mem::replace(cell, Cell::Null) {
                Cell::Text(text) => {
                    *cell = Cell::Text(sealing.open_text(column.kind, &about, text)?);
                }
                Cell::Bytes(bytes) => {
                    *cell = Cell::Bytes(sealing.open_bytes(column.kind, &about, bytes)?);
                }
                other => *cell = other,
            }
        }
        Ok(self)
    }

    /// With its secrets as a database keeps them.
    fn sealed(&self, sealing: &Sealing, secrets: &[Place]) -> Result<Vec<Cell>, StorageError> {
        let mut cells = self.0.clone();
        for (column, place, about) in secrets {
            let open = match &cells[*place] {
                Cell::Text(text) => Open::Text(text.clone()),
                Cell::Bytes(bytes) => Open::Bytes(bytes.clone()),
                Cell::Null | Cell::Integer(_) => continue,
            };
            cells[*place] = match sealing.seal(column.kind, &self.about(*about), &open)? {
                Open::Text(text) => Cell::Text(text),
                Open::Bytes(bytes) => Cell::Bytes(bytes),
            };
        }
        Ok(cells)
    }
}

/// The next rows behind a key, with their secrets opened, in the order of the primary key, which is the same in both databases: numbers
/// by size, texts and bytes by their bytes.
pub(super) async fn read(
    connection: &mut Connection,
    table: &Table,
    after: &[Cell],
) -> Result<Vec<Row>, StorageError> {
    let (columns, name, keys) = (table.columns(), table.quoted(), table.keys(""));
    let after_key = if after.is_empty() {
        String::new()
    } else {
        let places = listed((1..=after.len()).map(|place| format!("${place}")));
        format!("WHERE ({keys}) > ({places}) ")
    };
    let text = format!("SELECT {columns} FROM {name} {after_key}ORDER BY {keys} LIMIT {PIECE}");
    let mut select = query_as::<Row>(AssertSqlSafe(text));
    for cell in after {
        select = select.bind(cell.value());
    }
    let rows = select.fetch_all(&mut *connection).await?;
    let secrets = secrets_of(table);
    let opened = rows
        .into_iter()
        .map(|row| row.open(&connection.sealing, &secrets));
    opened.collect()
}

/// The key of the last row; nothing, if there is none.
pub(super) async fn last_key(
    connection: &mut Connection,
    table: &Table,
) -> Result<Vec<Cell>, StorageError> {
    let (columns, name, keys) = (table.columns(), table.quoted(), table.keys(" DESC"));
    let text = format!("SELECT {columns} FROM {name} ORDER BY {keys} LIMIT 1");
    let last = query_as::<Row>(AssertSqlSafe(text));
    let last = last.fetch_optional(connection).await?;
    Ok(last.map_or_else(Vec::new, |row| row.key(table)))
}

/// Inserts rows, whose secrets get there as the database keeps them.
pub(super) async fn write(
    connection: &mut Connection,
    table: &Table,
    rows: &[Row],
) -> Result<(), StorageError> {
    let (name, columns) = (table.quoted(), table.columns());
    let secrets = secrets_of(table);
    let rows = rows
        .iter()
        .map(|row| row.sealed(&connection.sealing, &secrets));
    let rows = rows.collect::<Result<Vec<_>, _>>()?;
    if let Way::Postgres(connection) = On::from(&mut *connection).way {
        let statement = format!("COPY {name} ({columns}) FROM STDIN");
        let mut copy = connection.copy_in_raw(&statement).await?;
        let mut lines = String::new();
        for row in &rows {
            for (place, cell) in row.iter().enumerate() {
                if place > 0 {
                    lines.push('\t');
                }
                cell.write_to(&mut lines);
            }
            lines.push('\n');
            if lines.len() > SENT_AT_ONCE {
                copy.send(lines.as_bytes()).await?;
                lines.clear();
            }
        }
        copy.send(lines.as_bytes()).await?;
        copy.finish().await?;
        return Ok(());
    }
    for rows in rows.chunks(ROWS_OF_STATEMENT) {
        let width = table.width();
        let places = listed((0..rows.len()).map(|row| {
            let places = (1..=width).map(|column| format!("${}", row * width + column));
            format!("({})", listed(places))
        }));
        let text = format!("INSERT INTO {name} ({columns}) VALUES {places}");
        let mut insert = query(AssertSqlSafe(text));
        for cell in rows.iter().flatten() {
            insert = insert.bind(cell.value());
        }
        insert.execute(&mut *connection).await?;
    }
    Ok(())
}
