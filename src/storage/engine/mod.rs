//! The two databases behind one set of statements: SQLite and PostgreSQL.
//!
//! A statement is one text for both wherever their languages allow it, with `$n` for its values. Where
//! they do not, [`pick`] holds the two texts side by side. Values are typed ([`Value`]), since PostgreSQL
//! compares nothing with a parameter of another type; rows are read by sqlx's own `FromRow`, which is
//! derived once for both. The names are sqlx's, so that who knows one knows the other.

mod builder;
mod connection;
mod contact;
mod lock;
mod query;
mod rows;
#[cfg(test)]
mod script;
#[cfg(test)]
mod sites;
mod sqlite_readers;
mod value;

pub use builder::QueryBuilder;
pub use connection::{Connection, On, Reader};
pub(in crate::storage) use connection::{Line, Pool, Way};
pub use contact::Contact;
pub use lock::Lock;
pub use query::{
    Opened, Query, QueryAs, QueryOpened, QueryScalar, Stored, pick, query, query_as, query_opened,
    query_scalar,
};
pub use rows::{Kind, Rows};
#[cfg(test)]
pub use script::run_script;
#[cfg(test)]
pub use sites::{Site, noted_statements};
pub use sqlite_readers::SqliteReaders;
pub use value::Value;
pub(in crate::storage) use value::storable;
