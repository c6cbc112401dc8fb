//! The database of a test: a SQLite file, or one of its own on a PostgreSQL server.

use std::{
    io::{Read as _, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use medialink::{
    config::{Config, DatabaseConfig, RootSecret},
    storage::{Database, Opener},
};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

/// The environment variable with the URL of the server, without the name of a database. Unset: SQLite.
const SERVER: &str = "TEST_POSTGRES_URL";

/// The databases that were made, with the folders that they are for.
static NEXT: AtomicU64 = AtomicU64::new(1);
static MADE: Mutex<Vec<(PathBuf, String)>> = Mutex::new(Vec::new());

/// Whether tests run on PostgreSQL.
pub fn is_postgres() -> bool {
    std::env::var_os(SERVER).is_some()
}

/// Whether a test can run that needs SQLite; if not, says why it is skipped.
pub fn only_on_sqlite(reason: &str) -> bool {
    runs(!is_postgres(), "SQLite", reason)
}

/// Whether a test can run that needs PostgreSQL; if not, says why it is skipped.
pub fn only_on_postgres(reason: &str) -> bool {
    runs(is_postgres(), "PostgreSQL", reason)
}

fn runs(is_right: bool, database: &str, reason: &str) -> bool {
    if !is_right {
        // Past the test runner, which shows what it captures of failed tests only.
        let _ = writeln!(std::io::stderr(), "skipped, for {database} alone: {reason}");
    }
    is_right
}

/// The setting `database` of a service whose files are in this folder. It is the same each time.
pub fn database_url(folder: &Path) -> String {
    match std::env::var(SERVER) {
        Err(_) => "sqlite:data/medialink.db".to_owned(),
        Ok(server) => {
            let (folder, at) = (folder.to_owned(), server.clone());
            // Tests may be inside a runtime already.
            let name = std::thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build();
                let runtime = runtime.expect("a runtime");
                runtime.block_on(database_of(&folder, &at))
            });
            with_name(&server, &name.join().expect("the server makes a database"))
        }
    }
}

/// Makes the root secret of a service whose files are in this folder, unless there is one; its file.
pub fn root_secret_file(folder: &Path) -> PathBuf {
    let path = folder.join("root-secret");
    let mut options = std::fs::OpenOptions::new();
    if let Ok(mut file) = options.write(true).create_new(true).mode(0o600).open(&path) {
        let mut secret = [0; 32];
        let mut random = std::fs::File::open("/dev/urandom").expect("randomness");
        random.read_exact(&mut secret).expect("randomness");
        let hex: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
        writeln!(file, "{hex}").expect("written");
    }
    path
}

/// The root secret of the configuration in this folder, where there is one.
pub fn root_secret(folder: &Path) -> Option<RootSecret> {
    database_config(folder).root_secret
}

/// The same for code that opens the database itself.
pub fn database_config(folder: &Path) -> DatabaseConfig {
    let text = crate::settings::config_text(folder, "http://127.0.0.1:1", "http://127.0.0.1:1", "");
    let config = Config::parse(&text, std::collections::HashMap::new(), folder);
    config.expect("a valid configuration").database
}

/// Claims of services that were killed run out, as after minutes. On SQLite, where a service is alone, the next
/// one frees them at its start.
pub async fn claims_run_out(folder: &Path) {
    if is_postgres() {
        let database = Database::open(&database_config(folder), Opener::Command).await;
        let database = database.expect("opens");
        let freed = database.writer().write(|connection| {
            Box::pin(medialink::storage::meta_events::free_all_claims(connection))
        });
        freed.await.expect("freed");
    }
}

/// The URL of a server, with the name of a database before its parameters.
fn with_name(server: &str, name: &str) -> String {
    match server.split_once('?') {
        None => format!("{}/{name}", server.trim_end_matches('/')),
        Some((server, parameters)) => {
            format!("{}/{name}?{parameters}", server.trim_end_matches('/'))
        }
    }
}

/// Makes the database of a folder, if there is none yet; its name. Those of folders that have gone go.
async fn database_of(folder: &Path, server: &str) -> String {
    let (known, gone) = {
        let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
        let known = made.iter().find(|(of, _)| of == folder);
        let known = known.map(|(_, name)| name.clone());
        let gone: Vec<_> = made.extract_if(.., |(of, _)| !of.exists()).collect();
        (known, gone)
    };
    if let Some(name) = known {
        return name;
    }
    let url = with_name(server, "postgres");
    let mut connection = PgConnection::connect(&url).await.expect("a server");
    for (_, name) in gone {
        let drop = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
        connection
            .execute(AssertSqlSafe(drop))
            .await
            .expect("drops");
    }
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let name = format!("test_{}_{number}", std::process::id());
    let create = format!("CREATE DATABASE {name}");
    connection
        .execute(AssertSqlSafe(create))
        .await
        .expect("creates");
    let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    made.push((folder.to_owned(), name.clone()));
    name
}
