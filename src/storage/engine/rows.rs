//! Rows of values that a statement reads as a table, so that one statement does for many what would take
//! one for each.
//!
//! SQLite gets them as one JSON text (`json_each`), PostgreSQL as an array for each column (`UNNEST`). Rows
//! come in the order in which they were pushed.

use std::fmt::Write;

use sqlx::{Arguments, error::BoxDynError, postgres::PgArguments, sqlite::SqliteArguments};

use super::value::{Value, storable};
use crate::storage::sealer::Sealing;

/// The type of a column of [`Rows`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `BIGINT`.
    Integer,
    /// `TEXT`.
    Text,
    /// `BLOB`, `BYTEA`.
    Bytes,
}

/// Rows of values. Like [`Value`], it has no `Debug`.
#[derive(Clone)]
pub struct Rows {
    columns: &'static [(&'static str, Kind)],
    /// One row after the other.
    values: Vec<Value>,
}

impl Rows {
    /// A table without rows, with columns of these names.
    #[must_use]
    pub fn new(columns: &'static [(&'static str, Kind)]) -> Self {
        Self {
            columns,
            values: Vec::new(),
        }
    }

    /// A table of one column.
    #[must_use]
    pub fn of<V: Into<Value>>(
        column: &'static [(&'static str, Kind); 1],
        values: impl IntoIterator<Item = V>,
    ) -> Self {
        Self {
            columns: column,
            values: values.into_iter().map(Into::into).collect(),
        }
    }

    /// Appends a row, which has a value for each column.
    pub fn push<const N: usize>(&mut self, row: [Value; N]) {
        debug_assert_eq!(N, self.columns.len(), "a value for each column");
        self.values.extend(row);
    }

    /// The number of arguments that PostgreSQL gets.
    pub(super) fn arrays(&self) -> usize {
        self.columns.len()
    }

    /// Whether a column has no value in any row. To look for one in each costs SQLite as much as to read one.
    fn is_null(&self, column: usize) -> bool {
        let mut values = self.values.iter().skip(column).step_by(self.columns.len());
        values.all(Value::is_null)
    }

    /// The table as SQLite reads it; `argument`: the number of the argument with the rows.
    pub(super) fn write_sqlite(&self, text: &mut String, argument: usize) {
        text.push_str("(SELECT ");
        for (index, (name, kind)) in self.columns.iter().enumerate() {
            let comma = if index > 0 { ", " } else { "" };
            // Writing to a text cannot fail.
            let _ = match kind {
                _ if self.is_null(index) => write!(text, "{comma}NULL AS {name}"),
                Kind::Integer | Kind::Text => write!(text, "{comma}v ->> {index} AS {name}"),
                Kind::Bytes => write!(text, "{comma}unhex(v ->> {index}) AS {name}"),
            };
        }
        // With OFFSET, each row is made once and not again for each of its columns.
        let _ = write!(
            text,
            " FROM (SELECT value AS v FROM json_each(${argument}) LIMIT -1 OFFSET 0))"
        );
    }

    /// The table as PostgreSQL reads it; `argument`: the number of the first array.
    pub(super) fn write_postgres(&self, text: &mut String, argument: usize) {
        text.push_str("(SELECT * FROM UNNEST(");
        for (index, (_, kind)) in self.columns.iter().enumerate() {
            let comma = if index > 0 { ", " } else { "" };
            let kind = match kind {
                Kind::Integer => "BIGINT",
                Kind::Text => "TEXT",
                Kind::Bytes => "BYTEA",
            };
            let _ = write!(text, "{comma}${}::{kind}[]", argument + index);
        }
        text.push_str(") AS t (");
        for (index, (name, _)) in self.columns.iter().enumerate() {
            text.push_str(if index > 0 { ", " } else { "" });
            text.push_str(name);
        }
        text.push_str("))");
    }

    /// Appends the argument for SQLite.
    pub(super) fn add_to_sqlite(
        self,
        sealing: &Sealing,
        arguments: &mut SqliteArguments,
    ) -> Result<(), BoxDynError> {
        let mut json = String::from("[");
        for (index, value) in self.values.into_iter().enumerate() {
            json.push_str(match (index % self.columns.len(), index) {
                (0, 0) => "[",
                (0, _) => "],[",
                _ => ",",
            });
            write_json(&mut json, value.stored(sealing)?)?;
        }
        json.push_str(if json.len() > 1 { "]]" } else { "]" });
        arguments.add(json)
    }

    /// Appends the arguments for PostgreSQL.
    pub(super) fn add_to_postgres(
        self,
        sealing: &Sealing,
        arguments: &mut PgArguments,
    ) -> Result<(), BoxDynError> {
        let width = self.columns.len();
        let mut columns: Vec<Column> = self
            .columns
            .iter()
            .map(|(_, kind)| (*kind).into())
            .collect();
        for (index, value) in self.values.into_iter().enumerate() {
            if let Some(column) = columns.get_mut(index % width) {
                column.push(value.stored(sealing)?)?;
            }
        }
        for column in columns {
            match column {
                Column::Integers(values) => arguments.add(values)?,
                Column::Texts(values) => arguments.add(values)?,
                Column::Bytes(values) => arguments.add(values)?,
            }
        }
        Ok(())
    }
}

fn write_json(json: &mut String, value: Value) -> Result<(), BoxDynError> {
    match value {
        Value::Integer(None) | Value::Text(None) | Value::Bytes(None) => json.push_str("null"),
        Value::Integer(Some(value)) => write!(json, "{value}")?,
        Value::Text(Some(value)) => json.push_str(&serde_json::to_string(&storable(value))?),
        Value::Bytes(Some(value)) => {
            json.push('"');
            for byte in value {
                write!(json, "{byte:02x}")?;
            }
            json.push('"');
        }
        Value::Boolean(value) => json.push_str(if value { "1" } else { "0" }),
        Value::Secret(_) => return Err("a secret that is not sealed".into()),
    }
    Ok(())
}

/// A column as an array.
enum Column {
    Integers(Vec<Option<i64>>),
    Texts(Vec<Option<String>>),
    Bytes(Vec<Option<Vec<u8>>>),
}

impl From<Kind> for Column {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Integer => Self::Integers(Vec::new()),
            Kind::Text => Self::Texts(Vec::new()),
            Kind::Bytes => Self::Bytes(Vec::new()),
        }
    }
}

impl Column {
    fn push(&mut self, value: Value) -> Result<(), BoxDynError> {
        match (self, value) {
            (Self::Integers(values), Value::Integer(value)) => values.push(value),
            (Self::Integers(values), Value::Boolean(value)) => values.push(Some(value.into())),
            (Self::Texts(values), Value::Text(value)) => values.push(value.map(storable)),
            (Self::Bytes(values), Value::Bytes(value)) => values.push(value),
            _ => return Err("a value is not of the type of its column".into()),
        }
        Ok(())
    }
}
