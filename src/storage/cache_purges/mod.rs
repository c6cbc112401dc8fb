//! Media to be purged from caches: asked for in the commit that ends the last link to it. After that it goes into
//! the log of purges, so that none is lost if the process is killed in between.
//!
//! Every function here fails with [`StorageError`](super::StorageError) if the database does.

mod due;
mod wish;

pub use due::{done, is_due, media_of, take_due};
pub use wish::wish;
