//! Statements with their values, and how they are run.

use std::marker::PhantomData;

use sqlx::{
    AssertSqlSafe, FromRow, Postgres, SqlSafeStr, SqlStr, Sqlite,
    postgres::{PgArguments, PgRow},
    sqlite::{SqliteArguments, SqliteRow},
};

#[cfg(test)]
use super::sites::{Site, note_statement};
use super::{
    connection::{On, Way},
    contact::Contact,
    rows::Rows,
    value::Value,
};
use crate::storage::{StorageError, sealer::Sealing};

/// What is read from a row of either database.
pub trait Stored:
    for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin
{
}

impl<T> Stored for T where
    T: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin
{
}

/// The text of a statement: one for both databases, or one for each.
#[derive(Debug, Clone)]
pub struct Text {
    sqlite: SqlStr,
    postgres: Option<SqlStr>,
}

impl Text {
    /// A text for each database, put together of parts of this program alone.
    pub(super) fn of_each(sqlite: AssertSqlSafe<String>, postgres: AssertSqlSafe<String>) -> Self {
        Self {
            sqlite: sqlite.into_sql_str(),
            postgres: Some(postgres.into_sql_str()),
        }
    }

    fn for_postgres(self) -> SqlStr {
        self.postgres.unwrap_or(self.sqlite)
    }
}

impl From<&'static str> for Text {
    fn from(both: &'static str) -> Self {
        Self {
            sqlite: both.into_sql_str(),
            postgres: None,
        }
    }
}

/// A text that was put together, of parts of this program alone.
impl From<AssertSqlSafe<String>> for Text {
    fn from(both: AssertSqlSafe<String>) -> Self {
        Self {
            sqlite: both.into_sql_str(),
            postgres: None,
        }
    }
}

/// The two texts of a statement that one text cannot say. They take the same values.
#[must_use]
pub fn pick(sqlite: &'static str, postgres: &'static str) -> Text {
    Text {
        sqlite: sqlite.into_sql_str(),
        postgres: Some(postgres.into_sql_str()),
    }
}

/// What a statement takes.
pub(super) enum Argument {
    Value(Value),
    Rows(Rows),
}

/// A statement that returns no rows, with its values.
#[must_use]
pub struct Query {
    text: Text,
    arguments: Vec<Argument>,
    #[cfg(test)]
    site: Site,
}

/// A statement whose rows are `T`.
#[must_use]
pub struct QueryAs<T> {
    query: Query,
    row: PhantomData<fn() -> T>,
}

/// A statement whose rows have one column, a `T`.
#[must_use]
pub struct QueryScalar<T>(QueryAs<(T,)>);

/// A statement that returns no rows.
#[cfg_attr(test, track_caller)]
pub fn query(text: impl Into<Text>) -> Query {
    Query::with(text.into(), Vec::new())
}

/// A statement whose rows are `T`.
#[cfg_attr(test, track_caller)]
pub fn query_as<T>(text: impl Into<Text>) -> QueryAs<T> {
    query(text).into_as()
}

/// A statement whose rows are read as `T`, with their secrets opened.
#[cfg_attr(test, track_caller)]
pub fn query_opened<T: Opened>(text: impl Into<Text>) -> QueryOpened<T> {
    query(text).into_opened()
}

/// A statement whose rows have one column, a `T`.
#[cfg_attr(test, track_caller)]
pub fn query_scalar<T>(text: impl Into<Text>) -> QueryScalar<T> {
    QueryScalar(query_as(text))
}

impl Query {
    #[cfg_attr(test, track_caller)]
    pub(super) fn with(text: Text, arguments: Vec<Argument>) -> Self {
        Self {
            text,
            arguments,
            #[cfg(test)]
            site: Site::caller(),
        }
    }

    #[cfg(test)]
    pub(super) fn at(self, site: Site) -> Self {
        Self { site, ..self }
    }

    pub(super) fn into_as<T>(self) -> QueryAs<T> {
        QueryAs {
            query: self,
            row: PhantomData,
        }
    }

    pub(super) fn into_opened<T: Opened>(self) -> QueryOpened<T> {
        QueryOpened(self.into_as())
    }

    pub(super) fn into_scalar<T>(self) -> QueryScalar<T> {
        QueryScalar(self.into_as())
    }

    /// The value of the next `$n`.
    pub fn bind(mut self, value: impl Into<Value>) -> Self {
        self.arguments.push(Argument::Value(value.into()));
        self
    }

    /// Runs it; returns how many rows it has changed.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn execute<'c>(self, on: impl Into<On<'c>>) -> Result<u64, StorageError> {
        let On { way, sealing } = on.into();
        let changed = match way {
            Way::Sqlite(connection) => {
                let (sql, arguments) = self.into_sqlite(sealing)?;
                let query = sqlx::query_with::<Sqlite, _>(sql, arguments);
                query.execute(connection).await?.rows_affected()
            }
            Way::SqliteReaders(readers) => {
                let (sql, arguments) = self.into_sqlite(sealing)?;
                let query = sqlx::query_with::<Sqlite, _>(sql, arguments);
                let mut reading = readers.acquire().await?;
                query.execute(reading.connection()).await?.rows_affected()
            }
            Way::Postgres(connection) => {
                let (sql, arguments) = self.into_postgres(sealing)?;
                let query = sqlx::query_with::<Postgres, _>(sql, arguments);
                query.execute(connection).await?.rows_affected()
            }
            Way::PostgresReader(connection, contact) => {
                let (sql, arguments) = self.into_postgres(sealing)?;
                let query = sqlx::query_with::<Postgres, _>(sql, arguments);
                answered(contact, query.execute(connection))
                    .await?
                    .rows_affected()
            }
            Way::PostgresPool(pool, contact) => {
                let (sql, arguments) = self.into_postgres(sealing)?;
                let query = sqlx::query_with::<Postgres, _>(sql, arguments);
                answered(contact, query.execute(pool))
                    .await?
                    .rows_affected()
            }
        };
        Ok(changed)
    }

    fn into_sqlite(self, sealing: &Sealing) -> Result<(SqlStr, SqliteArguments), sqlx::Error> {
        #[cfg(test)]
        note_statement(self.site, self.text.sqlite.as_str());
        let mut arguments = SqliteArguments::default();
        for argument in self.arguments {
            match argument {
                Argument::Value(value) => value.add_to(sealing, &mut arguments),
                Argument::Rows(rows) => rows.add_to_sqlite(sealing, &mut arguments),
            }
            .map_err(sqlx::Error::Encode)?;
        }
        Ok((self.text.sqlite, arguments))
    }

    fn into_postgres(self, sealing: &Sealing) -> Result<(SqlStr, PgArguments), sqlx::Error> {
        let mut arguments = PgArguments::default();
        for argument in self.arguments {
            match argument {
                Argument::Value(value) => value.add_to(sealing, &mut arguments),
                Argument::Rows(rows) => rows.add_to_postgres(sealing, &mut arguments),
            }
            .map_err(sqlx::Error::Encode)?;
        }
        let text = self.text.for_postgres();
        #[cfg(test)]
        note_statement(self.site, text.as_str());
        Ok((text, arguments))
    }
}

/// Fetches rows by one of sqlx's methods, from whichever database.
macro_rules! fetch {
    ($method:ident, $query:expr, $on:expr) => {{
        let On { way, sealing } = $on.into();
        match way {
            Way::Sqlite(connection) => {
                let (sql, arguments) = $query.into_sqlite(sealing)?;
                let query = sqlx::query_as_with::<Sqlite, T, _>(sql, arguments);
                query.$method(connection).await.map_err(StorageError::from)
            }
            Way::SqliteReaders(readers) => {
                let (sql, arguments) = $query.into_sqlite(sealing)?;
                let query = sqlx::query_as_with::<Sqlite, T, _>(sql, arguments);
                let mut reading = readers.acquire().await?;
                let fetched = query.$method(reading.connection()).await;
                fetched.map_err(StorageError::from)
            }
            Way::Postgres(connection) => {
                let (sql, arguments) = $query.into_postgres(sealing)?;
                let query = sqlx::query_as_with::<Postgres, T, _>(sql, arguments);
                query.$method(connection).await.map_err(StorageError::from)
            }
            Way::PostgresReader(connection, contact) => {
                let (sql, arguments) = $query.into_postgres(sealing)?;
                let query = sqlx::query_as_with::<Postgres, T, _>(sql, arguments);
                answered(contact, query.$method(connection)).await
            }
            Way::PostgresPool(pool, contact) => {
                let (sql, arguments) = $query.into_postgres(sealing)?;
                let query = sqlx::query_as_with::<Postgres, T, _>(sql, arguments);
                answered(contact, query.$method(pool)).await
            }
        }
    }};
}

/// What a server answers, unless it is cut off before.
async fn answered<T>(
    contact: &Contact,
    answer: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, StorageError> {
    contact
        .unless_cut(async { answer.await.map_err(StorageError::from) })
        .await
}

impl<T: Stored> QueryAs<T> {
    /// The value of the next `$n`.
    pub fn bind(mut self, value: impl Into<Value>) -> Self {
        self.query = self.query.bind(value);
        self
    }

    /// Its one row.
    ///
    /// # Errors
    /// If there is none, or the database fails.
    pub async fn fetch_one<'c>(self, on: impl Into<On<'c>>) -> Result<T, StorageError> {
        fetch!(fetch_one, self.query, on)
    }

    /// Its first row, if there is one.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn fetch_optional<'c>(
        self,
        on: impl Into<On<'c>>,
    ) -> Result<Option<T>, StorageError> {
        fetch!(fetch_optional, self.query, on)
    }

    /// All its rows.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn fetch_all<'c>(self, on: impl Into<On<'c>>) -> Result<Vec<T>, StorageError> {
        fetch!(fetch_all, self.query, on)
    }
}

/// What is read from a row with secrets.
pub trait Opened: Sized {
    /// The row, whose secrets are as the database holds them.
    type Row: Stored;

    /// Opens them.
    ///
    /// # Errors
    /// If one does not open, or the row holds something else that is impossible.
    fn open(row: Self::Row, sealing: &Sealing) -> Result<Self, StorageError>;
}

/// A statement whose rows are read as `T`, with their secrets opened.
#[must_use]
pub struct QueryOpened<T: Opened>(QueryAs<T::Row>);

impl<T: Opened> QueryOpened<T> {
    /// The value of the next `$n`.
    pub fn bind(self, value: impl Into<Value>) -> Self {
        Self(self.0.bind(value))
    }

    /// Its first row, if there is one.
    ///
    /// # Errors
    /// If the database fails, or the row does not open.
    pub async fn fetch_optional<'c>(
        self,
        on: impl Into<On<'c>>,
    ) -> Result<Option<T>, StorageError> {
        let on = on.into();
        let sealing = on.sealing;
        let row = self.0.fetch_optional(on).await?;
        row.map(|row| T::open(row, sealing)).transpose()
    }

    /// All its rows.
    ///
    /// # Errors
    /// If the database fails, or a row does not open.
    pub async fn fetch_all<'c>(self, on: impl Into<On<'c>>) -> Result<Vec<T>, StorageError> {
        let on = on.into();
        let sealing = on.sealing;
        let rows = self.0.fetch_all(on).await?;
        rows.into_iter().map(|row| T::open(row, sealing)).collect()
    }
}

impl<T> QueryScalar<T>
where
    (T,): Stored,
{
    /// The value of the next `$n`.
    pub fn bind(self, value: impl Into<Value>) -> Self {
        Self(self.0.bind(value))
    }

    /// The column of its one row.
    ///
    /// # Errors
    /// If there is none, or the database fails.
    pub async fn fetch_one<'c>(self, on: impl Into<On<'c>>) -> Result<T, StorageError> {
        Ok(self.0.fetch_one(on).await?.0)
    }

    /// The column of its first row, if there is one.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn fetch_optional<'c>(
        self,
        on: impl Into<On<'c>>,
    ) -> Result<Option<T>, StorageError> {
        Ok(self.0.fetch_optional(on).await?.map(|row| row.0))
    }

    /// The column of all its rows.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn fetch_all<'c>(self, on: impl Into<On<'c>>) -> Result<Vec<T>, StorageError> {
        let rows = self.0.fetch_all(on).await?;
        Ok(rows.into_iter().map(|row| row.0).collect())
    }
}
