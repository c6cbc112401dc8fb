//! What tests of the service need around it: homeservers good and bad, the service in this
//! process or as the real binary, and what checks at the end that nothing is left behind.
//!
//! A crate of its own, so that it is compiled once for all tests.
#![expect(
    clippy::disallowed_methods,
    reason = "tests stand outside the service: with clients, dice and clocks of their own"
)]

mod cache_folder;
mod client;
mod database;
pub mod encrypted;
pub mod faulty;
mod leftovers;
mod network;
mod peer;
mod postgres;
pub mod process;
mod random;
pub mod raw;
pub mod seaweed;
mod service;
mod settings;
mod waiting;
mod wire;
mod world;

pub use cache_folder::files;
pub use client::{answer, client, url, without_own_script};
pub use database::{
    claims_run_out, database_config, database_url, is_postgres, only_on_postgres, only_on_sqlite,
    root_secret, root_secret_file,
};
pub use network::Network;
pub use peer::{Peer, is_ci};
pub use postgres::{PostgresServer, is_root, pg_dump};
pub use process::{Process, binary};
pub use random::Xorshift;
pub use seaweed::SeaweedFs;
pub use service::{POLICY_EVENT_TYPE, Service, signed_elsewhere};
pub use settings::{API_TOKEN, AS_TOKEN, BOT, HS_TOKEN, config_text};
pub use waiting::{eventually, patiently};
pub use wire::Wire;
pub use world::{Gone, World, appservice};
