//! What a write is, and why there are no more.

use futures_util::future::BoxFuture;

use crate::storage::engine::Connection;

/// Makes the changes of a write. It is run again, from a clone, if the database asks for that.
pub trait Run<T, E>:
    for<'c> FnOnce(&'c mut Connection) -> BoxFuture<'c, Result<T, E>> + Clone + Send + 'static
{
}

impl<T, E, F> Run<T, E> for F where
    F: for<'c> FnOnce(&'c mut Connection) -> BoxFuture<'c, Result<T, E>> + Clone + Send + 'static
{
}

/// Why the writer has ended. No write is possible after that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WriterEnd {
    /// A write has panicked. Nothing of its group was committed.
    #[error("a write to the database has panicked")]
    Panicked,
    /// Nobody can write any more.
    #[error("the writer of the database has ended")]
    Ended,
}
