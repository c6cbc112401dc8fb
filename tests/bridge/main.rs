//! The service from the outside: over HTTP, against real and embedded homeservers.

mod appservice;
mod bridge_api;
mod faults;
mod faulty;
mod following;
mod harness;
mod homeserver_facts;
mod hostile_homeserver;
mod issue_and_follow;
mod killed;
mod ledger;
mod openapi;
mod process;
mod secrets;
mod signals;
mod streaming;
mod synapse;
mod synapse_lifecycle;
