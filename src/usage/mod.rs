//! Tells the homeserver which media is in use, and when it is no longer.

mod features;
mod follows;
mod quarantine;
mod reconcile;
mod retry;
mod touch;
mod traffic;
mod worker;

pub use features::FeatureWatch;
pub use follows::{FollowCounter, Served, TouchSettings};
pub use quarantine::QuarantineFollower;
pub use reconcile::{ReconcileReport, ReconcileScope, Reconciler};
pub use touch::Toucher;
pub use traffic::{Amount, Talker};
pub use worker::UsageWorker;
