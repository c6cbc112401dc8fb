//! Whether a database is sound: its file, its tables, its secrets, and what holds across its rows. Nothing is changed,
//! and a service may run on it.

mod rules;
mod sample;

use serde::Serialize;

use super::{
    StorageError,
    database::open_to_look,
    engine::{Connection, query_as, query_scalar},
    schema::{self, Versions},
    sealing::{self, Look, places::SECRETS},
};
use crate::{config::DatabaseConfig, telemetry::ForeignText};
use rules::{RULES, Rule};

/// What SQLite's codes of errors end in where the file is damaged, or is none of SQLite's.
const DAMAGED: [i64; 2] = [11, 26];
/// SQLite's code of a statement that does not fit the tables.
const UNFIT: i64 = 1;

/// Something that is not as it has to be.
#[derive(Debug, Clone, Serialize)]
pub struct Finding {
    /// The check that has found it.
    pub check: &'static str,
    /// In how many rows, where it is about rows.
    pub rows: Option<i64>,
    /// The ID of one of them, which is no secret.
    pub example: Option<String>,
    /// What was found.
    pub found: String,
    /// What to do.
    pub todo: String,
}

/// What was looked at, and what was found.
#[derive(Debug, Default, Serialize)]
pub struct Soundness {
    /// The version of the tables; `None`: there are none.
    pub schema: Option<i64>,
    /// The version that this program has.
    pub known_schema: i64,
    /// Whether the secrets are sealed under a root secret.
    pub is_sealed: bool,
    /// The names of the checks that were made.
    pub checks: Vec<&'static str>,
    /// What is to be mended; nothing: the database is sound.
    pub findings: Vec<Finding>,
}

impl Soundness {
    fn add(&mut self, check: &'static str, found: String, todo: &str) {
        self.findings.push(Finding {
            check,
            rows: None,
            example: None,
            found,
            todo: todo.to_owned(),
        });
    }

    fn add_rows(
        &mut self,
        (check, kind): (&'static str, &str),
        rows: &Rows,
        (found, todo): (&str, &str),
    ) {
        let (count, example) = rows;
        // Whatever has damaged the rows has not written an ID.
        let example = example
            .as_deref()
            .map(|id| ForeignText::new(id).to_string());
        let shown = example.as_deref().unwrap_or("unknown");
        self.findings.push(Finding {
            check,
            rows: Some(*count),
            found: format!("{count} {found}; for example {kind} {shown}"),
            example,
            todo: todo.to_owned(),
        });
    }

    /// A check that could not be made, since the tables are not readable as they should be.
    fn add_unreadable(&mut self, check: &'static str, why: &str) {
        let found = format!("the rows cannot be read: {why}");
        let todo = "the file is damaged, or the tables were altered: restore a backup";
        self.add(check, found, todo);
    }
}

/// How many rows, and one of them.
type Rows = (i64, Option<String>);

/// Looks through a database. `now`: milliseconds since the epoch.
///
/// # Errors
/// If the database cannot be opened or reached, the server is too old, or the root secret is missing or another one.
pub async fn check(config: &DatabaseConfig, now: i64) -> Result<Soundness, StorageError> {
    let mut connection = open_to_look(config).await?;
    let mut soundness = Soundness::default();
    let looked = look(&mut connection, config, &mut soundness, now).await;
    connection.close().await;
    looked.map(|()| soundness)
}

async fn look(
    connection: &mut Connection,
    config: &DatabaseConfig,
    soundness: &mut Soundness,
    now: i64,
) -> Result<(), StorageError> {
    if connection.is_sqlite() {
        look_at_file(connection, soundness).await?;
    }
    soundness.checks.push("schema");
    match schema::look(connection).await {
        Ok(versions) => {
            if !is_of_this_version(&versions, soundness) {
                return Ok(());
            }
        }
        Err(error) => {
            let why = unreadable(error)?;
            soundness.add_unreadable("schema", &why);
            return Ok(());
        }
    }
    look_at_secrets(connection, config, soundness).await?;
    for rule in &RULES {
        soundness.checks.push(rule.name);
        match broken(connection, rule, now).await {
            Ok((0, _)) => {}
            Ok(rows) => {
                let said = (rule.found, rule.todo);
                soundness.add_rows((rule.name, rule.kind), &rows, said);
            }
            Err(error) => soundness.add_unreadable(rule.name, &unreadable(error)?),
        }
    }
    Ok(())
}

async fn broken(connection: &mut Connection, rule: &Rule, now: i64) -> Result<Rows, StorageError> {
    let select = query_as(rule.statement);
    let select = if rule.takes_time {
        select.bind(now)
    } else {
        select
    };
    select.fetch_one(connection).await
}

/// Why rows cannot be read that should be there; another error is handed on.
fn unreadable(error: StorageError) -> Result<String, StorageError> {
    let StorageError::Database(sqlx::Error::Database(told)) = &error else {
        return Err(error);
    };
    let code = told.code().unwrap_or_default();
    // Codes of PostgreSQL have five characters, those of SQLite are numbers, shorter ones.
    let is_of_database = if code.len() == 5 {
        code.starts_with("42") || code.starts_with("XX")
    } else {
        let code = code.parse::<i64>().map_or(0, |code| code & 0xff);
        DAMAGED.contains(&code) || code == UNFIT
    };
    if is_of_database {
        Ok(ForeignText::new(told.message()).to_string())
    } else {
        Err(error)
    }
}

/// What SQLite says of its file.
async fn look_at_file(
    connection: &mut Connection,
    soundness: &mut Soundness,
) -> Result<(), StorageError> {
    soundness.checks.push("integrity");
    let told = query_scalar::<String>("PRAGMA integrity_check(20)");
    match told.fetch_all(&mut *connection).await {
        Ok(told) => {
            for fault in told.iter().filter(|fault| *fault != "ok") {
                soundness.add(
                    "integrity",
                    format!("SQLite finds the file damaged: {}", ForeignText::new(fault)),
                    "stop the service, keep a copy of the files, and restore a backup; look at the disk for its cause",
                );
            }
        }
        Err(error) => soundness.add_unreadable("integrity", &unreadable(error)?),
    }
    soundness.checks.push("foreign_keys");
    let orphans = query_as::<(String, i64, Option<i64>)>(
        "SELECT \"table\", COUNT(*), MIN(rowid) FROM pragma_foreign_key_check GROUP BY \"table\" ORDER BY \"table\"",
    );
    match orphans.fetch_all(connection).await {
        Ok(orphans) => {
            for (table, rows, example) in orphans {
                let found = format!("rows of {table} refer to rows that are not there");
                let rows = (rows, example.map(|row| row.to_string()));
                let todo = "something else has changed the database: restore a backup, or delete these rows while no \
                            service runs";
                soundness.add_rows(("foreign_keys", "row"), &rows, (&found, todo));
            }
        }
        Err(error) => soundness.add_unreadable("foreign_keys", &unreadable(error)?),
    }
    Ok(())
}

/// Whether the tables are those of this version, so that its statements fit them.
fn is_of_this_version(versions: &Versions, soundness: &mut Soundness) -> bool {
    soundness.schema = versions.found();
    soundness.known_schema = versions.known();
    let known = versions.known();
    let mut add = |found: String, todo: &str| soundness.add("schema", found, todo);
    if versions.is_moved_to {
        add(
            "it is the target of a move that has not ended".to_owned(),
            "run `medialink migrate` again with the same --from and --to, which goes on with it",
        );
        return false;
    }
    if let Some(failed) = versions.unfinished.first() {
        add(
            format!("migration {failed} has begun and was not ended"),
            "restore a backup from before the update, and start `medialink serve` again",
        );
        return false;
    }
    let Some(found) = versions.found() else {
        add(
            "it has no tables yet".to_owned(),
            "start `medialink serve`, which makes them; if there were some, is this the database that it ran on?",
        );
        return false;
    };
    if let Some(newer) = versions.unknown() {
        add(
            format!(
                "it is of a newer version (found migration {newer}, this version knows up to {known})"
            ),
            "use the `medialink` of the version that runs on it",
        );
        return false;
    }
    if let Some(missing) = versions.missing() {
        add(
            format!(
                "it is of an older version (found {found}, this version has {known}; {missing} is not applied)"
            ),
            "start `medialink serve` of this version, which brings it up to date, or use the `medialink` that runs on it",
        );
        return false;
    }
    for altered in &versions.altered {
        add(
            format!(
                "migration {altered} was applied with other statements than those of this version"
            ),
            "use the `medialink` of a release: one that was built from changed migrations has made these tables, and they \
             may be others",
        );
    }
    true
}

/// Whether the secrets are kept as the configuration wants them, and open.
async fn look_at_secrets(
    connection: &mut Connection,
    config: &DatabaseConfig,
    soundness: &mut Soundness,
) -> Result<(), StorageError> {
    soundness.checks.push("secrets");
    let root_secret = config.root_secret.as_ref();
    match sealing::look(connection, root_secret, &config.to_string()).await? {
        Look::Open => return Ok(()),
        Look::ToBeSealed => {
            soundness.add(
                "secrets",
                "not all of its secrets are sealed, and there is a root_secret_file".to_owned(),
                "start `medialink serve`, which seals them before it answers",
            );
            return Ok(());
        }
        Look::Sealed => soundness.is_sealed = true,
    }
    for column in &SECRETS {
        let sampled = match sample::open_some(connection, column).await {
            Ok(sampled) => sampled,
            Err(error) => {
                soundness.add_unreadable("secrets", &unreadable(error)?);
                continue;
            }
        };
        if sampled.unopened > 0 {
            let found = format!(
                "values of {}.{} do not open with the root secret, of those that were tried",
                column.table, column.column
            );
            let rows = (sampled.unopened, sampled.example);
            let todo = "something else has written or moved these rows: restore a backup; without one, revoke their links \
                        and have the bridge ask for them again";
            soundness.add_rows(("secrets", "row"), &rows, (&found, todo));
        }
    }
    Ok(())
}
