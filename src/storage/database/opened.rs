//! A database that is open, and who opens it.

use std::{fs::File, sync::Arc};

use sqlx::sqlite::SqliteConnectOptions;

use crate::storage::{
    Writer,
    engine::{Contact, Reader},
    place::Place,
    readiness::Readiness,
};

/// The ways to a database that is open.
#[derive(Debug, Clone)]
pub(super) struct Opened {
    pub(super) reader: Reader,
    pub(super) writer: Writer,
    pub(super) readiness: Readiness,
    /// Of a server: whether it can be reached.
    pub(super) contact: Option<Contact>,
    /// Of a SQLite file, for its write-ahead log.
    pub(super) log: Option<(Place, Arc<SqliteConnectOptions>)>,
    /// Of a SQLite file that a service has opened.
    pub(super) lock: Option<Arc<File>>,
}

/// The kind of process that opens the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opener {
    /// The running service: of a SQLite file, at most one at a time.
    Service,
    /// A command, beside a running service or without one.
    Command,
}
