//! The whole way of a link beside a real Synapse.

mod gone;
mod media;
mod reports;
mod side;
mod upgrades;
mod usage;
