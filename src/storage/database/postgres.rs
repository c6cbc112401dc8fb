//! A PostgreSQL server: its connections.

use std::{
    str::FromStr,
    time::{Duration, Instant},
};

use sqlx::{
    ConnectOptions, Connection as _, PgConnection,
    postgres::{PgConnectOptions, PgPool, PgPoolOptions},
};

use super::opened::{Opened, Opener};
use crate::{
    config::{PostgresConfig, RootSecret},
    storage::{
        StorageError, Writer,
        engine::{Connection, Contact, Line, Pool, Reader},
        readiness::Readiness,
        recent::RecentLinks,
        schema,
        sealer::Sealing,
        sealing,
    },
};

/// How many readers there are at once.
const READERS: u32 = 8;
/// How many transactions write at once.
const WRITERS: u32 = 16;
/// How long to wait for a connection.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// After how long without use a connection is tried before its next one.
const TRIED_AFTER: Duration = Duration::from_secs(1);
/// The oldest version that has all that the statements use.
const OLDEST: i32 = 150_000;
/// The number of the advisory lock that every session of ours shares, and that a move has for itself.
const IN_USE: i64 = i64::from_be_bytes(*b"medialnk");
/// How long to wait for that lock, and how often to try for it: the server may not have noticed yet that a
/// process has ended.
const LOCKED_WITHIN: Duration = Duration::from_secs(2);
const LOCK_EVERY: Duration = Duration::from_millis(20);

/// Opens a database on a PostgreSQL server.
pub(super) async fn open(
    config: &PostgresConfig,
    root_secret: Option<&RootSecret>,
    opener: Opener,
    recent: RecentLinks,
) -> Result<Opened, StorageError> {
    let options = options(config)?;
    let contact = Contact::new(config.grace());
    // A pool would try again and again, and not tell why.
    let first = session(config, &options, true).await?;
    let readers = pool(READERS, options.clone(), &contact).await?;
    let readers = Pool::Postgres(readers, contact.clone());
    drop(first.close().await);
    let unprepared = Reader::new(readers.clone(), Sealing::default());
    let mut connection = unprepared.acquire().await?;
    let place = config.to_string();
    schema::prepare(&mut connection, &place, opener).await?;
    sealing::prepare(&mut connection, root_secret, &place, opener).await?;
    let sealing = connection.sealing.clone();
    drop(connection);
    let writer = pool(WRITERS, options.clone(), &contact).await?;
    Ok(Opened {
        reader: Reader::new(readers, sealing.clone()),
        writer: Writer::to_postgres((writer, sealing), options, contact.clone(), recent).await?,
        readiness: Readiness::default(),
        contact: Some(contact),
        log: None,
        lock: None,
    })
}

/// Opens a database that nobody else has open, nor will as long as the session lasts.
pub(super) async fn open_alone(config: &PostgresConfig) -> Result<Connection, StorageError> {
    // It waits for another database meanwhile.
    let options = options(config)?.options([("idle_in_transaction_session_timeout", "0")]);
    let session = session(config, &options, false).await?;
    Ok(Connection::new(
        Line::PostgresSession(session),
        Sealing::default(),
    ))
}

/// Opens a database through whose session nothing can be changed. Whole tables are read by it, so statements are
/// planned as the server likes.
pub(super) async fn open_to_look(config: &PostgresConfig) -> Result<Connection, StorageError> {
    let settings = [
        ("default_transaction_read_only", "on"),
        ("enable_seqscan", "on"),
        ("enable_hashjoin", "on"),
        ("enable_mergejoin", "on"),
        ("work_mem", "16MB"),
    ];
    let session = session(config, &options(config)?.options(settings), true).await?;
    Ok(Connection::new(
        Line::PostgresSession(session),
        Sealing::default(),
    ))
}

/// A session on a server that can be used, with the lock of those who use the database.
async fn session(
    config: &PostgresConfig,
    options: &PgConnectOptions,
    is_shared: bool,
) -> Result<PgConnection, StorageError> {
    let mut session = PgConnection::connect_with(options).await?;
    let version: String = sqlx::query_scalar("SHOW server_version_num")
        .fetch_one(&mut session)
        .await?;
    if version.parse::<i32>().is_ok_and(|version| version < OLDEST) {
        return Err(StorageError::File(format!(
            "{config} is PostgreSQL of version {version}; allowed is {OLDEST} (15) and later"
        )));
    }
    let until = Instant::now() + LOCKED_WITHIN;
    while !try_lock(&mut session, is_shared).await? {
        if Instant::now() >= until {
            let by = if is_shared {
                "`medialink migrate` moves it"
            } else {
                "a service or a command runs on it"
            };
            return Err(StorageError::File(format!(
                "{config} cannot be locked: {by}"
            )));
        }
        tokio::time::sleep(LOCK_EVERY).await;
    }
    Ok(session)
}

/// Tries for the lock of those who use the database; the session holds it until its end.
async fn try_lock(session: &mut PgConnection, is_shared: bool) -> Result<bool, sqlx::Error> {
    let lock = if is_shared {
        "SELECT pg_try_advisory_lock_shared($1)"
    } else {
        "SELECT pg_try_advisory_lock($1)"
    };
    sqlx::query_scalar(lock)
        .bind(IN_USE)
        .fetch_one(session)
        .await
}

/// How statements are planned: as if every table were large, whatever the server knows of it so far. A plan that
/// is made for an empty table and kept reads a large one whole, until the server takes its next statistics. So does
/// one that keeps all of a table that fits into `work_mem`. Each statement is tested under these settings.
const PLANNING: [(&str, &str); 6] = [
    ("enable_seqscan", "off"),
    ("enable_hashjoin", "off"),
    ("enable_mergejoin", "off"),
    ("plan_cache_mode", "force_generic_plan"),
    ("work_mem", "64kB"),
    // What is switched off counts as dear, and what is dear would be compiled first.
    ("jit", "off"),
];

fn options(config: &PostgresConfig) -> Result<PgConnectOptions, StorageError> {
    let mut options = PgConnectOptions::from_str(config.url())?
        .application_name("medialink")
        .statement_cache_capacity(256)
        // Acknowledged writes survive a crash of the server.
        .options([("synchronous_commit", "on")])
        // Writes decide by rows as others have left them, which a statement that has waited reads again.
        .options([("default_transaction_isolation", "read committed")])
        // A replica that has gone silently holds no lock for long.
        .options([("idle_in_transaction_session_timeout", "30s")])
        .options(PLANNING)
        .disable_statement_logging();
    if let Some(password) = config.password() {
        options = options.password(password);
    }
    Ok(options)
}

/// Connections that are given back when they were there at a cut: they may lead nowhere, and whoever has
/// had one may have left it in the midst of a transaction.
async fn pool(
    size: u32,
    options: PgConnectOptions,
    contact: &Contact,
) -> Result<PgPool, StorageError> {
    let (before, after) = (contact.clone(), contact.clone());
    let pool = PgPoolOptions::new()
        .max_connections(size)
        .acquire_timeout(CONNECT_WITHIN)
        // Not by the pool, which would wait for the answer of one that leads nowhere.
        .test_before_acquire(false)
        .before_acquire(move |connection, of| {
            let is_old = before.has_outlived(of.age);
            // The pool has tried it when it was given back.
            let is_fresh = of.idle_for < TRIED_AFTER;
            Box::pin(async move {
                Ok(!is_old && (is_fresh || connection.ping().await.is_ok()))
            })
        })
        .after_release(move |_, of| {
            let is_old = after.has_outlived(of.age);
            Box::pin(async move { Ok(!is_old) })
        })
        .after_connect(|session, _| {
            Box::pin(async move {
                if try_lock(session, true).await? {
                    return Ok(());
                }
                let why = "the database is being moved by `medialink migrate`";
                Err(sqlx::Error::Protocol(why.to_owned()))
            })
        })
        .connect_with(options);
    Ok(pool.await?)
}
