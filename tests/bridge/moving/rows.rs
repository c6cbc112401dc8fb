//! Every row of every table arrives, and comes back the same.

use std::{collections::BTreeMap, os::unix::fs::PermissionsExt as _};

use medialink::{
    config::DatabaseConfig,
    storage::{Database, Opener},
};
use serde_json::Value;
use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, PgConnection, SqliteConnection,
    sqlite::SqliteConnectOptions,
};
use support::{only_on_postgres, root_secret};

use super::scene::{Scene, told};

/// What SQLite needs for itself.
const OWN: [&str; 3] = ["_sqlx_migrations", "data_keys", "sqlite_sequence"];

/// A text that has to be escaped on its way.
const TEXT: &str = "a\tb\\N\\x\r\n'ü\u{1}";

async fn tables(connection: &mut SqliteConnection) -> Vec<String> {
    let tables: Vec<String> =
        sqlx::query_scalar("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
            .fetch_all(connection)
            .await
            .expect("reads");
    let tables = tables.into_iter();
    tables
        .filter(|table| !OWN.contains(&table.as_str()))
        .collect()
}

async fn columns(connection: &mut SqliteConnection, table: &str) -> Vec<(String, String)> {
    sqlx::query_as("SELECT name, type FROM pragma_table_info($1)")
        .bind(table)
        .fetch_all(connection)
        .await
        .expect("reads")
}

/// Puts two rows into each table: one with values in all columns, one with as few as can be.
async fn fill(connection: &mut SqliteConnection) {
    // Parts come before what consists of them.
    sqlx::query("PRAGMA foreign_keys = OFF")
        .execute(&mut *connection)
        .await
        .expect("set");
    for table in tables(connection).await {
        let columns = columns(connection, &table).await;
        let names: Vec<&str> = columns.iter().map(|(name, _)| name.as_str()).collect();
        for number in 1..=2 {
            let values = columns.iter().map(|(_, kind)| match kind.as_str() {
                "INTEGER" | "BIGINT" | "SMALLINT" => number.to_string(),
                "BOOLEAN" => (number - 1).to_string(),
                "BLOB" => format!("x'00ff5c0a0{number}'"),
                "TEXT" => format!("'{}{number}'", TEXT.replace('\'', "''")),
                kind => panic!("a column of type {kind}"),
            });
            let values: Vec<String> = values.collect();
            let insert = format!(
                "INSERT INTO {table} ({}) VALUES ({})",
                names.join(", "),
                values.join(", ")
            );
            let inserted = sqlx::query(AssertSqlSafe(insert)).execute(&mut *connection);
            inserted.await.unwrap_or_else(|e| panic!("{table}: {e}"));
        }
        // What may be null is null in the second row.
        let nullable: Vec<String> = sqlx::query_scalar(
            "SELECT name || ' = NULL' FROM pragma_table_info($1) WHERE \"notnull\" = 0 AND pk = 0",
        )
        .bind(&table)
        .fetch_all(&mut *connection)
        .await
        .expect("reads");
        if !nullable.is_empty() {
            let update = format!(
                "UPDATE {table} SET {} WHERE rowid = (SELECT MAX(rowid) FROM {table})",
                nullable.join(", ")
            );
            let updated = sqlx::query(AssertSqlSafe(update)).execute(&mut *connection);
            updated.await.unwrap_or_else(|e| panic!("{table}: {e}"));
        }
    }
    // An ID that was given, and whose row has gone.
    sqlx::query("UPDATE sqlite_sequence SET seq = 700 WHERE name = 'revocations'")
        .execute(connection)
        .await
        .expect("set");
}

/// All rows of all tables as SQLite writes them.
async fn dump(connection: &mut SqliteConnection) -> BTreeMap<String, Vec<String>> {
    let mut dumped = BTreeMap::new();
    let mut names = tables(connection).await;
    names.push("sqlite_sequence".to_owned());
    for table in names {
        let columns = columns(connection, &table).await;
        let quoted: Vec<String> = columns
            .iter()
            .map(|(name, _)| format!("quote(\"{name}\")"))
            .collect();
        let rows = format!(
            "SELECT {} AS line FROM {table} ORDER BY line",
            quoted.join(" || ',' || ")
        );
        let rows: Vec<String> = sqlx::query_scalar(AssertSqlSafe(rows))
            .fetch_all(&mut *connection)
            .await
            .expect("reads");
        dumped.insert(table, rows);
    }
    dumped
}

#[tokio::test]
async fn every_row_of_every_table_goes_there_and_comes_back() {
    if !only_on_postgres("it moves between the two databases") {
        return;
    }
    let scene = Scene::with_file().await;
    let mut connection = scene.connection().await;
    fill(&mut connection).await;
    let before = dump(&mut connection).await;
    connection.close().await.expect("closes");
    assert!(before.len() > 20 && before.values().all(|rows| rows.len() > 1));

    let there = scene.migrate(&scene.sqlite(), &scene.postgres());
    assert!(there.status.success(), "{}", told(&there));
    let summary: Value = serde_json::from_slice(&there.stdout).expect("JSON");
    let moved = summary["tables"].as_array().expect("tables");
    assert_eq!(moved.len(), before.len() - 1, "all but the sequences");
    assert!(moved.iter().all(|table| table["rows"] == 2), "{summary}");
    assert_eq!(summary["resumed"], false);
    assert!(String::from_utf8_lossy(&there.stderr).contains("comparing links: 2 of 2 rows"));

    // What is new there has an ID of its own.
    let mut server = PgConnection::connect(&scene.postgres())
        .await
        .expect("connects");
    for (table, next) in [("revocations", 701_i64), ("open_questions", 3)] {
        let sequence = format!("SELECT nextval(pg_get_serial_sequence('{table}', 'id'))");
        let id: i64 = sqlx::query_scalar(AssertSqlSafe(sequence))
            .fetch_one(&mut server)
            .await
            .expect("a number");
        assert_eq!(id, next, "{table}");
        let back = format!(
            "SELECT setval(pg_get_serial_sequence('{table}', 'id'), {})",
            next - 1
        );
        sqlx::query(AssertSqlSafe(back))
            .execute(&mut server)
            .await
            .expect("set");
    }
    server.close().await.expect("closes");

    let file = scene.world.folder.path().join("back.db");
    let back = scene.migrate(&scene.postgres(), &format!("sqlite:{}", file.display()));
    assert!(back.status.success(), "{}", told(&back));
    let again: Value = serde_json::from_slice(&back.stdout).expect("JSON");
    assert_eq!(again["tables"], summary["tables"], "the same digests");
    let options = SqliteConnectOptions::new().filename(&file);
    let mut connection = options.connect().await.expect("opens");
    assert_eq!(dump(&mut connection).await, before);
    connection.close().await.expect("closes");
    let config = DatabaseConfig::sqlite(file);
    let opened = Database::open(&config, Opener::Command).await;
    drop(opened.expect("nothing of the move is left"));
}

#[tokio::test]
async fn a_file_moves_to_another() {
    let scene = Scene::with_file().await;
    let mut connection = scene.connection().await;
    fill(&mut connection).await;
    let before = dump(&mut connection).await;
    connection.close().await.expect("closes");
    let file = scene.world.folder.path().join("new/other.db");
    let output = scene.migrate(&scene.sqlite(), &format!("sqlite:{}", file.display()));
    assert!(output.status.success(), "{}", told(&output));
    let mode = std::fs::metadata(&file)
        .expect("a file")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    let options = SqliteConnectOptions::new().filename(&file);
    let mut connection = options.connect().await.expect("opens");
    assert_eq!(dump(&mut connection).await, before);
    // Whoever commands has to wait for the end of a move.
    sqlx::query("CREATE TABLE migration_progress (table_name TEXT)")
        .execute(&mut connection)
        .await
        .expect("made");
    connection.close().await.expect("closes");
    let opened = Database::open(&DatabaseConfig::sqlite(file), Opener::Command).await;
    let error = opened.expect_err("refused").to_string();
    assert!(
        error.contains("the target of a move that has not ended"),
        "{error}"
    );
}

// The database is closed in the background, while the command waits for that.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_that_does_not_arrive_as_it_was_is_noticed() {
    if !only_on_postgres("it moves between the two databases") {
        return;
    }
    let scene = Scene::with_file().await;
    scene.add_links(5).await;
    let (from, to) = (scene.sqlite(), scene.postgres());
    // The target gets a trigger before the move: it changes what arrives.
    let mut server = PgConnection::connect(&to).await.expect("connects");
    let open = DatabaseConfig::of_option("--to", &to, None, root_secret(scene.world.folder.path()))
        .expect("a server");
    drop(Database::open(&open, Opener::Service).await.expect("opens"));
    sqlx::raw_sql(
        "CREATE FUNCTION spoil() RETURNS TRIGGER LANGUAGE plpgsql AS \
         $$ BEGIN NEW.issued_at := NEW.issued_at + 1; RETURN NEW; END $$; \
         CREATE TRIGGER spoils BEFORE INSERT ON links FOR EACH ROW WHEN (NEW.link_id = 'many000003') \
         EXECUTE FUNCTION spoil()",
    )
    .execute(&mut server)
    .await
    .expect("made");
    server.close().await.expect("closes");
    let output = scene.migrate(&from, &to);
    assert_eq!(output.status.code(), Some(1));
    let text = told(&output);
    assert!(
        text.contains("the rows of links differ: 5 in the source"),
        "{text}"
    );
    // It stays unfinished: no service runs on what is not the same.
    let refused = Database::open(&open, Opener::Service).await;
    let error = refused.expect_err("refused").to_string();
    assert!(
        error.contains("the target of a move that has not ended"),
        "{error}"
    );
}
