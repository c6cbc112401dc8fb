//! From a configuration to a running service.

mod application;
mod gauges;
mod keys;
mod listeners;
mod manager;
mod purges;
mod reload;
mod rotation;
mod run;
mod serving;
mod stores;
mod supervisor;
mod tasks;

pub use application::Application;
pub use listeners::Listeners;
pub use stores::{Stores, bridge_ids};
