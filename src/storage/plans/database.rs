//! A database that is filled, and asked for plans.

use sqlx::AssertSqlSafe;

use crate::storage::{
    Connection, Database, StorageError,
    engine::{query, query_as, query_scalar},
    statistics,
};
use futures_util::FutureExt;

/// The rows of large tables, and what is known of them to those who plan.
pub async fn fill(database: &Database) {
    let is_sqlite = !support::is_postgres();
    let written = database.writer().write::<_, StorageError, _>(move |c| {
        async move {
            let bytes = if is_sqlite { "BLOB" } else { "BYTEA" };
            for statement in include_str!("fill.sql").split(";\n") {
                let statement = statement.replace("BYTES", bytes);
                if !statement.trim().is_empty() {
                    query(AssertSqlSafe(statement)).execute(&mut *c).await?;
                }
            }
            if is_sqlite {
                statistics::take(c).await
            } else {
                query("ANALYZE").execute(c).await.map(drop)
            }
        }
        .boxed()
    });
    written.await.expect("is filled");
    if is_sqlite {
        let known = query_scalar("SELECT COUNT(*) FROM sqlite_stat1 WHERE tbl = 'links'");
        let known: i64 = known.fetch_one(database.reader()).await.expect("reads");
        assert!(known > 5, "statistics of {known} indexes of links");
    }
}

/// The lines of the plan of a statement, whatever its values.
pub async fn plan(connection: &mut Connection, text: &str) -> Vec<String> {
    let explained = explain(connection, text).await;
    explained.unwrap_or_else(|error| panic!("{error}: {text}"))
}

async fn explain(connection: &mut Connection, text: &str) -> Result<Vec<String>, StorageError> {
    if connection.is_sqlite() {
        let rows: Vec<(i64, i64, i64, String)> =
            query_as(AssertSqlSafe(format!("EXPLAIN QUERY PLAN {text}")))
                .fetch_all(connection)
                .await?;
        return Ok(rows.into_iter().map(|row| row.3).collect());
    }
    query(AssertSqlSafe(format!("PREPARE planned AS {text}")))
        .execute(&mut *connection)
        .await?;
    let values = (1..).take_while(|n| text.contains(&format!("${n}")));
    let values: Vec<&str> = values.map(|_| "NULL").collect();
    let execute = match &values[..] {
        [] => "EXPLAIN (COSTS OFF) EXECUTE planned".to_owned(),
        values => format!(
            "EXPLAIN (COSTS OFF) EXECUTE planned ({})",
            values.join(", ")
        ),
    };
    let lines = query_scalar(AssertSqlSafe(execute));
    let lines = lines.fetch_all(&mut *connection).await?;
    query("DEALLOCATE planned").execute(connection).await?;
    Ok(lines)
}
