//! The service from the outside: over HTTP, against real and embedded homeservers.

mod appservice;
mod bridge_api;
mod cache;
mod encrypted_media;
mod faults;
mod faulty;
mod follow_rules;
mod following;
mod harness;
mod homeserver_facts;
mod hostile_homeserver;
mod hostile_readers;
mod issue_and_follow;
mod killed;
mod ledger;
mod media_answers;
mod openapi;
mod process;
mod raw;
mod secrets;
mod signals;
mod streaming;
mod synapse;
mod synapse_lifecycle;
mod thumbnails;
