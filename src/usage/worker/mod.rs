//! The worker: gathers usages, sends meta events, and redacts those whose media is not linked any
//! more.
//!
//! All its state is in the database, so it goes on after a kill where it was. Each step is a write
//! of its own; between claiming an event and settling it lies the request to the homeserver, which
//! may be repeated (same transaction ID, same URL) without being counted twice. An attempt whose claim
//! is lost notes nothing.

mod alarm;
mod beside;
mod content;
mod context;
mod copy;
mod devices;
mod draft;
mod expiry;
mod gather;
mod lane;
mod lease;
mod lookup;
mod outbox;
mod perform;
mod redact;
mod refusal;
mod review;
mod run;
mod send;
mod slots;
mod successors;
mod thinning;
mod upkeep;

pub(super) use lookup::CLOCK_SKEW_MS;
pub use run::UsageWorker;
