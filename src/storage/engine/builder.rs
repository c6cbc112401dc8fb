//! Statements whose text depends on what is asked.

use std::fmt::Write;

use serde::de::DeserializeOwned;
use sqlx::AssertSqlSafe;

#[cfg(test)]
use super::sites::Site;
use super::{
    connection::On,
    query::{Argument, Opened, Query, QueryAs, QueryOpened, QueryScalar, Text},
    rows::Rows,
    value::Value,
};
use crate::storage::StorageError;

/// Puts a statement together, of parts of this program and of values.
pub struct QueryBuilder {
    text: String,
    /// The text for PostgreSQL and the number of its arguments, once they are others.
    postgres: Option<(String, usize)>,
    arguments: Vec<Argument>,
    #[cfg(test)]
    site: Site,
}

impl QueryBuilder {
    /// Begins with a text.
    #[must_use]
    #[cfg_attr(test, track_caller)]
    pub fn new(start: &'static str) -> Self {
        Self {
            text: start.to_owned(),
            postgres: None,
            arguments: Vec::new(),
            #[cfg(test)]
            site: Site::caller(),
        }
    }

    /// Begins to read these columns of many rows, which come as one ([`fetch_packed`](Self::fetch_packed)): with
    /// SQLite, to hand a row from thread to thread costs more than to find it. `FROM` follows. Columns are numbers
    /// and texts.
    #[must_use]
    #[cfg_attr(test, track_caller)]
    pub fn packed(columns: &'static str) -> Self {
        let mut query = Self::new("SELECT json_group_array(json_array(");
        query.postgres = Some(("SELECT COALESCE(json_agg(json_build_array(".to_owned(), 0));
        query.push(columns);
        query.text.push_str(")) ");
        if let Some((postgres, _)) = &mut query.postgres {
            postgres.push_str(")), '[]')::TEXT ");
        }
        query
    }

    /// Appends a text.
    pub fn push(&mut self, text: &'static str) -> &mut Self {
        self.text.push_str(text);
        if let Some((postgres, _)) = &mut self.postgres {
            postgres.push_str(text);
        }
        self
    }

    /// Appends a value.
    pub fn push_bind(&mut self, value: impl Into<Value>) -> &mut Self {
        self.arguments.push(Argument::Value(value.into()));
        // Writing to a text cannot fail.
        let _ = write!(self.text, "${}", self.arguments.len());
        if let Some((postgres, count)) = &mut self.postgres {
            *count += 1;
            let _ = write!(postgres, "${count}");
        }
        self
    }

    /// Appends values with commas between them.
    pub fn push_list<V: Into<Value>>(&mut self, values: impl IntoIterator<Item = V>) -> &mut Self {
        for (index, value) in values.into_iter().enumerate() {
            if index > 0 {
                self.push(", ");
            }
            self.push_bind(value);
        }
        self
    }

    /// Appends that the mxc URI in a column of usages (`r.mxc`) is this one.
    pub fn push_is_mxc(&mut self, column: &'static str, mxc: impl Into<Value>) -> &mut Self {
        let number = self.postgres_or_both().1 + 1;
        self.push_numbers_equal(column, &format!("${number}"));
        self.push(column).push(" = ").push_bind(mxc)
    }

    /// Appends that the mxc URI in a column of usages (`r.mxc`) is the one in another column.
    pub fn push_same_mxc(&mut self, column: &'static str, other: &'static str) -> &mut Self {
        self.push_numbers_equal(column, other);
        self.push(column).push(" = ").push(other)
    }

    /// In PostgreSQL, an index has the numbers of mxc URIs, which are shorter than they are.
    fn push_numbers_equal(&mut self, column: &str, other: &str) {
        let (postgres, _) = self.postgres_or_both();
        let _ = write!(postgres, "number_of({column}) = number_of({other}) AND ");
    }

    /// The text for PostgreSQL and the number of its arguments, which may become others from here on.
    fn postgres_or_both(&mut self) -> &mut (String, usize) {
        self.postgres
            .get_or_insert_with(|| (self.text.clone(), self.arguments.len()))
    }

    /// Appends rows as a table in parentheses, which the statement may name.
    pub fn push_rows(&mut self, rows: Rows) -> &mut Self {
        let (text, count) = self.postgres_or_both();
        rows.write_postgres(text, *count + 1);
        *count += rows.arrays();
        rows.write_sqlite(&mut self.text, self.arguments.len() + 1);
        self.arguments.push(Argument::Rows(rows));
        self
    }

    /// The statement so far.
    #[cfg(test)]
    pub fn sql(&self) -> &str {
        &self.text
    }

    /// The statement, which returns no rows.
    pub fn build(self) -> Query {
        let text = match self.postgres {
            None => Text::from(AssertSqlSafe(self.text)),
            Some((postgres, _)) => Text::of_each(AssertSqlSafe(self.text), AssertSqlSafe(postgres)),
        };
        let query = Query::with(text, self.arguments);
        #[cfg(test)]
        let query = query.at(self.site);
        query
    }

    /// The statement, whose rows are `T`.
    pub fn build_query_as<T>(self) -> QueryAs<T> {
        self.build().into_as()
    }

    /// The statement, whose rows are read as `T`, with their secrets opened.
    pub fn build_query_opened<T: Opened>(self) -> QueryOpened<T> {
        self.build().into_opened()
    }

    /// All rows of a statement that was begun by [`packed`](Self::packed), in no order. A `T` is read from the array
    /// of its columns.
    ///
    /// # Errors
    /// If the database fails, or a row is no `T`.
    pub async fn fetch_packed<'c, T: DeserializeOwned>(
        self,
        on: impl Into<On<'c>>,
    ) -> Result<Vec<T>, StorageError> {
        let rows: String = self.build_query_scalar().fetch_one(on).await?;
        serde_json::from_str(&rows).map_err(|_| StorageError::Corrupt("row"))
    }

    /// The statement, whose rows have one column, a `T`.
    pub fn build_query_scalar<T>(self) -> QueryScalar<T> {
        self.build().into_scalar()
    }
}

#[cfg(test)]
mod tests {
    use super::QueryBuilder;

    #[test]
    fn values_are_numbered_in_order() {
        let mut query = QueryBuilder::new("SELECT a FROM b WHERE c = ");
        query.push_bind(1_i64).push(" AND d IN (");
        query.push_list(["x", "y"]).push(")");
        assert_eq!(
            query.sql(),
            "SELECT a FROM b WHERE c = $1 AND d IN ($2, $3)"
        );
    }

    #[test]
    fn usages_of_a_medium_are_found_by_its_number_in_postgresql() {
        let mut query = QueryBuilder::new("SELECT 1 FROM r WHERE bridge = ");
        query.push_bind("irc").push(" AND ");
        query.push_is_mxc("r.mxc", "mxc://a/b").push(" AND room = ");
        query.push_bind(1_i64).push(" AND ");
        query.push_same_mxc("r.mxc", "t.mxc");
        assert_eq!(
            query.sql(),
            "SELECT 1 FROM r WHERE bridge = $1 AND r.mxc = $2 AND room = $3 AND r.mxc = t.mxc"
        );
        assert_eq!(
            query.postgres,
            Some((
                "SELECT 1 FROM r WHERE bridge = $1 AND number_of(r.mxc) = number_of($2) AND r.mxc = $2 \
                 AND room = $3 AND number_of(r.mxc) = number_of(t.mxc) AND r.mxc = t.mxc"
                    .to_owned(),
                3
            ))
        );
    }
}
