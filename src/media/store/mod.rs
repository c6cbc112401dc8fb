//! The second level of the cache: an object store that all replicas share. It holds what is on their disks, under
//! the same names. A store that is slow, away or full costs downloads, and no follow: the service goes on with its
//! disk and the homeserver.

mod bucket;
mod format;
mod health;
mod reading;
mod shared;
mod turn;

pub use bucket::Bucket;
pub use shared::SharedStore;

pub(super) use reading::StoredObject;
pub(super) use shared::Shared;
pub(super) use turn::Turn;
