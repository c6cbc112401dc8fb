//! How much clients, links, rooms, senders and bridges may use, as `limits` of the configuration says.
//!
//! Requests are counted in memory, for each process alone. Bytes, follows and new links are budgets: they survive
//! restarts, and services on one database share them within seconds.

mod allowance;
mod budgets;
mod client;
mod limited;
mod meter;
mod places;
mod requests;
mod reservation;
mod service;

pub use client::ClientNetwork;
pub use limited::{Limit, Limited};
pub use meter::Meter;
pub use reservation::{Recorded, Reservation};
pub use service::{FetchPlace, Limits, Sharer};
