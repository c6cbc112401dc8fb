//! Telling the homeserver that media is in use, and when no longer.

mod backoff;
mod copy;
mod features;
mod follows;
mod meta_event;
mod reconcile;
mod successors;
mod touch;
mod worker;

pub use features::FeatureWatch;
pub use follows::{FollowCounter, Served, Touching};
pub use reconcile::{Compared, Reconciler, Scope};
pub use touch::Toucher;
pub(crate) use worker::LEASE_MS;
pub use worker::UsageWorker;
