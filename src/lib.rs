//! Links to Matrix media for people on the other side of a bridge.
//!
//! [`link`] signs and verifies links without any I/O; [`matrix`] is its vocabulary. With the
//! feature `service` (on by default) the crate is the whole service as well.

pub mod link;
pub mod matrix;

#[cfg(feature = "service")]
pub mod app;
#[cfg(feature = "service")]
pub mod appservice;
#[cfg(feature = "service")]
pub mod cli;
#[cfg(feature = "service")]
pub mod clock;
#[cfg(feature = "service")]
pub mod config;
#[cfg(feature = "service")]
pub mod demo;
#[cfg(feature = "service")]
pub mod event;
#[cfg(feature = "service")]
pub mod homeserver;
#[cfg(feature = "service")]
pub mod http;
#[cfg(feature = "service")]
mod human;
#[cfg(feature = "service")]
pub mod key_store;
#[cfg(feature = "service")]
pub mod legacy;
#[cfg(feature = "service")]
pub mod link_service;
#[cfg(feature = "service")]
pub mod media;
#[cfg(feature = "service")]
mod pages;
#[cfg(feature = "service")]
pub mod pastes;
#[cfg(feature = "service")]
mod random;
#[cfg(feature = "service")]
pub mod rooms;
#[cfg(feature = "service")]
pub mod storage;
#[cfg(feature = "service")]
pub mod telemetry;
#[cfg(feature = "service")]
pub mod usage;
