//! A whole database moves into another, of whichever kind: SQLite or PostgreSQL.
//!
//! Rows go in the order of their primary keys, in pieces, each in a transaction that also notes it in the
//! target; a move that was killed goes on behind the last row that has arrived. Nobody else has either
//! database open. At the end every row of both is read again and compared. Secrets are opened and sealed on
//! the way: each database has a data key of its own.

pub(super) mod progress;
mod rows;
mod tables;

use sha2::{Digest, Sha256};

use self::tables::Table;
use super::{
    Opener, StorageError,
    database::Alone,
    engine::{Connection, pick, query},
    schema, sealing,
};
use crate::config::{DatabaseConfig, DatabasePlace};

/// What a move does now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// It copies rows.
    Moving,
    /// It compares rows.
    Comparing,
}

/// How far a move is with a table.
#[derive(Debug, Clone, Copy)]
pub struct Step<'a> {
    /// What it does.
    pub work: Work,
    /// The table.
    pub table: &'a str,
    /// How many rows it has done.
    pub rows: i64,
    /// How many there are.
    pub of: i64,
}

/// A table that has moved.
#[derive(Debug, Clone, serde::Serialize)]
pub struct MovedTable {
    /// Its name.
    pub name: String,
    /// How many rows it has.
    pub rows: i64,
    /// SHA-256 of its rows with their secrets open, in the order of their primary keys; the same in both
    /// databases.
    pub sha256: String,
}

/// A database that has moved.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Moved {
    /// Where it was, without a password.
    pub from: String,
    /// Where it is now.
    pub to: String,
    /// Whether an earlier attempt was gone on with.
    pub resumed: bool,
    /// Its tables, in the order in which they were moved.
    pub tables: Vec<MovedTable>,
}

/// Moves all rows from one database to another that has none, or goes on with a move between the two.
/// `tell` is told how far it is.
///
/// # Errors
/// If a service runs on one of them, the source is not of this version, the target has rows that are not
/// from this move, the two differ at the end, or one of them fails.
pub async fn move_all(
    from: &DatabaseConfig,
    to: &DatabaseConfig,
    tell: &mut (dyn FnMut(Step<'_>) + Send),
) -> Result<Moved, StorageError> {
    let (source_place, target_place) = (place(from), place(to));
    if source_place == target_place {
        return Err(StorageError::File(format!(
            "--from and --to are both {source_place}; allowed are two databases"
        )));
    }
    let mut source = Alone::open(from, false).await?;
    let tables = look(&mut source.connection, &source_place).await?;
    let root_secret = from.root_secret.as_ref();
    sealing::prepare_source(&mut source.connection, root_secret, &source_place).await?;
    let mut target = Alone::open(to, true).await?;
    let resumed = prepare(
        &mut target.connection,
        (to, &target_place),
        &source_place,
        &tables,
    )
    .await?;
    let mut moving = Moving {
        source: &mut source.connection,
        target: &mut target.connection,
        tell,
    };
    let counts = moving.copy(&source_place, &tables).await?;
    let moved = moving.compare(&tables, &counts).await?;
    moving.end(&tables).await?;
    source.connection.close().await;
    target.connection.close().await;
    Ok(Moved {
        from: source_place,
        to: target_place,
        resumed,
        tables: moved,
    })
}

/// What errors call a database; the same for the same one.
fn place(config: &DatabaseConfig) -> String {
    match &config.place {
        DatabasePlace::Sqlite(path) => {
            let path = std::fs::canonicalize(path).unwrap_or_else(|_| path.clone());
            format!("sqlite:{}", path.display())
        }
        DatabasePlace::Postgres(server) => server.to_string(),
    }
}

/// Makes sure that the source is of this version, and holds on to what it is now; its tables.
async fn look(source: &mut Connection, place: &str) -> Result<Vec<Table>, StorageError> {
    schema::prepare(source, place, Opener::Command).await?;
    // No command writes to a SQLite file meanwhile; of a server, this is what it was at this moment.
    query(pick(
        "BEGIN IMMEDIATE",
        "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
    ))
    .execute(&mut *source)
    .await?;
    tables::list(source).await
}

/// Makes sure that the target has no rows but those of this move, and makes its tables; whether the move has
/// begun before.
async fn prepare(
    target: &mut Connection,
    (config, place): (&DatabaseConfig, &str),
    source_place: &str,
    tables: &[Table],
) -> Result<bool, StorageError> {
    let is_resumed = progress::is_there(target).await?;
    if !is_resumed {
        let own = tables::list(target).await?;
        let filled = tables::filled(target, &own).await?;
        if !filled.is_empty() {
            return Err(StorageError::File(format!(
                "{place} has rows that are not from a move that goes on (in {}); allowed is an empty database. A \
                 move that has ended is not to be run again",
                filled.join(", ")
            )));
        }
    }
    schema::migrate(target, place).await?;
    sealing::prepare_target(target, config.root_secret.as_ref(), place).await?;
    let mut own = tables::list(target).await?;
    own.sort_by(|a, b| a.name.cmp(&b.name));
    let mut wanted = tables.to_vec();
    wanted.sort_by(|a, b| a.name.cmp(&b.name));
    if own != wanted {
        return Err(StorageError::Corrupt(
            "set of tables: source and target differ",
        ));
    }
    if !is_resumed {
        begin_write(target).await?;
        progress::begin(target, source_place, tables).await?;
        commit(target).await?;
    }
    Ok(is_resumed)
}

async fn begin_write(connection: &mut Connection) -> Result<(), StorageError> {
    let begin = query(pick("BEGIN IMMEDIATE", "BEGIN"));
    begin.execute(connection).await.map(drop)
}

async fn commit(connection: &mut Connection) -> Result<(), StorageError> {
    query("COMMIT").execute(connection).await.map(drop)
}

/// A move between two connections.
struct Moving<'a> {
    source: &'a mut Connection,
    target: &'a mut Connection,
    tell: &'a mut (dyn FnMut(Step<'_>) + Send),
}

impl Moving<'_> {
    fn tell(&mut self, work: Work, table: &Table, rows: i64, of: i64) {
        (self.tell)(Step {
            work,
            table: &table.name,
            rows,
            of,
        });
    }

    /// Copies what has not arrived yet; how many rows each table has in the source.
    async fn copy(&mut self, source: &str, tables: &[Table]) -> Result<Vec<i64>, StorageError> {
        let progress = progress::read(self.target, source).await?;
        let mut counts = Vec::with_capacity(tables.len());
        for table in tables {
            let of = tables::count(self.source, table).await?;
            counts.push(of);
            let mut moved = progress.get(&table.name).copied().unwrap_or_default();
            let mut after = rows::last_key(self.target, table).await?;
            self.tell(Work::Moving, table, moved, of);
            loop {
                let piece = rows::read(self.source, table, &after).await?;
                let Some(last) = piece.last() else {
                    break;
                };
                after = last.key(table);
                let added = length(&piece);
                begin_write(self.target).await?;
                rows::write(self.target, table, &piece).await?;
                progress::add(self.target, table, added).await?;
                commit(self.target).await?;
                moved += added;
                self.tell(Work::Moving, table, moved, of);
            }
        }
        Ok(counts)
    }

    /// Reads all rows of both databases, and makes sure that they are the same.
    async fn compare(
        &mut self,
        tables: &[Table],
        counts: &[i64],
    ) -> Result<Vec<MovedTable>, StorageError> {
        let mut moved = Vec::with_capacity(tables.len());
        for (table, of) in tables.iter().zip(counts) {
            let (mut here, mut there) = (Digested::default(), Digested::default());
            while !(here.is_at_end && there.is_at_end) {
                here.go_on(self.source, table).await?;
                there.go_on(self.target, table).await?;
                if !here.is_at_end {
                    self.tell(Work::Comparing, table, here.rows, *of);
                }
            }
            let (rows, arrived) = (here.rows, there.rows);
            let (here, there) = (here.digest(), there.digest());
            if (rows, &here) != (arrived, &there) {
                return Err(StorageError::File(format!(
                    "the rows of {} differ: {rows} in the source, SHA-256 {here}; {arrived} in the target, SHA-256 \
                     {there}. One of the two was changed since the move began: empty the target and move again",
                    table.name
                )));
            }
            moved.push(MovedTable {
                name: table.name.clone(),
                rows,
                sha256: here,
            });
        }
        Ok(moved)
    }

    /// Has the target give IDs that the source has never given, and notes that the move has ended.
    async fn end(&mut self, tables: &[Table]) -> Result<(), StorageError> {
        let given = tables::last_ids(self.source).await?;
        begin_write(self.target).await?;
        let own = tables::last_ids(self.target).await?;
        for table in tables {
            if let Some(given) = given.get(&table.name) {
                let own = own.get(&table.name).copied().unwrap_or_default();
                tables::set_last_id(self.target, table, own.max(*given)).await?;
            }
        }
        progress::end(self.target).await?;
        commit(self.target).await?;
        tables::take_statistics(self.target, tables).await
    }
}

/// The rows of a table so far.
#[derive(Default)]
struct Digested {
    rows: i64,
    hash: Sha256,
    after: Vec<rows::Cell>,
    is_at_end: bool,
}

impl Digested {
    async fn go_on(
        &mut self,
        connection: &mut Connection,
        table: &Table,
    ) -> Result<(), StorageError> {
        if self.is_at_end {
            return Ok(());
        }
        let piece = rows::read(connection, table, &self.after).await?;
        match piece.last() {
            Some(last) => self.after = last.key(table),
            None => self.is_at_end = true,
        }
        for row in &piece {
            row.add_to(&mut self.hash);
        }
        self.rows += length(&piece);
        Ok(())
    }

    fn digest(self) -> String {
        hex::encode(self.hash.finalize())
    }
}

fn length(piece: &[rows::Row]) -> i64 {
    i64::try_from(piece.len()).unwrap_or(i64::MAX)
}
