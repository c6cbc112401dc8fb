//! Links to Matrix media for people on the other side of a bridge: the service.
//!
//! `docs/ARCHITECTURE.md` tells what is where, and why. Links are signed and verified by
//! [`medialink_link`], events are read and told by [`medialink_event`].

pub mod app;
pub mod appservice;
pub mod cli;
pub mod clock;
pub mod config;
#[cfg(feature = "demo")]
pub mod demo;
pub mod denials;
mod file_name;
mod front;
mod glob;
pub mod homeserver;
pub mod http;
pub mod key_store;
mod languages;
pub mod legacy;
pub mod limits;
pub mod links;
mod look;
pub mod media;
pub mod operations;
mod pages;
pub mod pastes;
mod random;
pub mod reports;
mod signals;
pub mod storage;
pub mod telemetry;
mod traces;
mod turns;
pub mod usage;
