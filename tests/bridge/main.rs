//! The service from the outside: over HTTP, against real and embedded homeservers.
#![expect(
    clippy::disallowed_methods,
    reason = "tests stand outside the service: with clients, dice and clocks of their own"
)]

mod appservice;
mod attached_pastes;
mod bridge_api;
mod cache;
mod encrypted_media;
mod events;
mod faults;
mod faulty;
mod follow_rules;
mod following;
mod forward;
mod guards;
mod harness;
mod heisenbridge;
mod homeserver_facts;
mod hostile_homeserver;
mod hostile_readers;
mod irc;
mod ircd;
mod issue_and_follow;
mod killed;
mod ledger;
mod legacy;
mod legacy_packages;
mod legacy_sight;
mod legacy_unsigned;
mod lifecycle;
mod linked_media;
mod media_answers;
mod model;
mod openapi;
mod openapi_client;
mod pastes;
mod peers;
mod policy;
mod process;
mod raw;
mod reconcile;
mod rooms_and_edits;
mod samples;
mod secrets;
mod signals;
mod streaming;
mod synapse;
mod synapse_lifecycle;
mod thumbnails;
mod woken;
