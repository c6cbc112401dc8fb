//! The tables are the same in both databases.

use std::collections::{BTreeMap, BTreeSet};

use medialink::{
    config::DatabaseConfig,
    storage::{Database, Opener},
};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection, sqlite::SqliteConnectOptions};
use support::{World, database_url, only_on_postgres};

/// A column: its type, and whether it may be null.
type Columns = BTreeMap<String, (String, bool)>;

/// Tables that one of the databases needs for itself.
const OWN: [&str; 3] = ["_sqlx_migrations", "sqlite_sequence", "changes"];

/// Indexes that one of the databases has for itself. That of PostgreSQL decides between two who make the same usage,
/// and finds the usages of a medium besides. SQLite has one writer, so its own has to find them alone.
const OWN_INDEXES: [&str; 2] = ["media_references_identity", "media_references_of_mxc"];

#[derive(Debug, Default, PartialEq, Eq)]
struct Schema {
    tables: BTreeMap<String, Columns>,
    /// Names of indexes, with their columns.
    indexes: BTreeSet<(String, String)>,
}

/// The columns and expressions of an index, from the statement that makes it: without what PostgreSQL adds
/// when it prints one, and without the row's number, with which each index of SQLite ends.
fn columns_of(statement: &str) -> String {
    let after = statement.split_once(" ON ").expect("an index").1;
    let columns = after.split_once('(').expect("columns").1;
    let columns = columns.split_once(" WHERE ").map_or(columns, |both| both.0);
    let columns: String = columns.split_whitespace().collect();
    let columns = columns.replace("::text", "").replace("COLLATE\"C\"", "");
    let columns = columns.strip_suffix(')').expect("the end of the columns");
    columns.strip_suffix(",id").unwrap_or(columns).to_owned()
}

async fn of_sqlite() -> Schema {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("m.db");
    let config = DatabaseConfig::sqlite(path.clone());
    drop(
        Database::open(&config, Opener::Service)
            .await
            .expect("opens"),
    );
    let options = SqliteConnectOptions::new().filename(path);
    let mut connection = options.connect().await.expect("opens");
    let mut schema = Schema::default();
    let tables: Vec<String> =
        sqlx::query_scalar("SELECT name FROM sqlite_master WHERE type = 'table'")
            .fetch_all(&mut connection)
            .await
            .expect("reads");
    for table in tables
        .into_iter()
        .filter(|table| !OWN.contains(&table.as_str()))
    {
        let columns: Vec<(String, String, bool, i64)> = sqlx::query_as(AssertSqlSafe(format!(
            "SELECT name, type, \"notnull\" = 0 AND pk = 0, pk FROM pragma_table_info('{table}')"
        )))
        .fetch_all(&mut connection)
        .await
        .expect("reads");
        let columns = columns.into_iter().map(|(name, kind, may_be_null, _)| {
            let kind = match kind.as_str() {
                "INTEGER" => "bigint".to_owned(),
                "BLOB" => "bytea".to_owned(),
                other => other.to_lowercase(),
            };
            (name, (kind, may_be_null))
        });
        schema.tables.insert(table, columns.collect());
    }
    let indexes: Vec<(String, String)> = sqlx::query_as(
        "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL",
    )
    .fetch_all(&mut connection)
    .await
    .expect("reads");
    schema.indexes = shared(indexes)
        .map(|(name, sql)| (name, columns_of(&sql)))
        .collect();
    schema
}

/// The indexes that both databases should have.
fn shared(indexes: Vec<(String, String)>) -> impl Iterator<Item = (String, String)> {
    let indexes = indexes.into_iter();
    indexes.filter(|(name, _)| !OWN_INDEXES.contains(&name.as_str()))
}

async fn of_postgres(url: &str) -> Schema {
    let mut connection = PgConnection::connect(url).await.expect("connects");
    let mut schema = Schema::default();
    let columns: Vec<(String, String, String, bool)> = sqlx::query_as(
        "SELECT table_name::text, column_name::text, data_type::text, is_nullable = 'YES' \
         FROM information_schema.columns WHERE table_schema = 'public'",
    )
    .fetch_all(&mut connection)
    .await
    .expect("reads");
    for (table, column, kind, may_be_null) in columns {
        if !OWN.contains(&table.as_str()) {
            let columns = schema.tables.entry(table).or_default();
            columns.insert(column, (kind, may_be_null));
        }
    }
    let indexes: Vec<(String, String)> = sqlx::query_as(
        "SELECT i.indexname::text, i.indexdef FROM pg_indexes i WHERE i.schemaname = 'public' \
         AND i.tablename NOT IN ('changes', '_sqlx_migrations') \
         AND NOT EXISTS (SELECT 1 FROM pg_constraint c WHERE c.conname = i.indexname)",
    )
    .fetch_all(&mut connection)
    .await
    .expect("reads");
    schema.indexes = shared(indexes)
        .map(|(name, sql)| (name, columns_of(&sql)))
        .collect();
    schema
}

#[tokio::test]
async fn the_tables_and_their_indexes_are_the_same_in_both_databases() {
    if !only_on_postgres("it compares the tables of both databases") {
        return;
    }
    let world = World::new().await;
    let service = world.service("").await;
    let postgres = of_postgres(&database_url(world.folder.path())).await;
    let sqlite = of_sqlite().await;
    assert!(postgres.tables.len() > 20 && postgres.indexes.len() > 40);
    assert_eq!(postgres, sqlite);
    service.stop().await;
}
