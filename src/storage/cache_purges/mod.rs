//! Media to be purged from the cache: asked for in the commit that ends the last link to it, and done
//! after it, so that no purge is lost if the process is killed in between.
//!
//! Every function here fails with [`StorageError`](super::StorageError) if the database does.

mod due;
mod wish;

pub use due::{done, due, media_of};
pub use wish::wish;
