//! Reconciliation: the recorded usage is compared with the rooms, and differences are mended. A
//! moderator may have redacted a meta event; a homeserver or a database may have been restored from
//! a backup.
//!
//! Mending changes the database alone; the worker sends and redacts accordingly.

mod history;
mod mend;
mod report;
mod run;
mod verdict;

pub use report::{ReconcileReport, ReconcileScope};
pub use run::Reconciler;
