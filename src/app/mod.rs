//! From a configuration to a running service.

mod application;
mod keys;
mod listeners;
mod run;
mod serving;
mod stores;
mod supervisor;
mod tasks;

pub use application::Application;
pub use listeners::Listeners;
pub use stores::Stores;
