//! The whole way of a link beside a real Synapse.

mod gone;
mod media;
mod side;
mod upgrades;
mod usage;
