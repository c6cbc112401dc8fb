//! The service from the outside: over HTTP, against real and embedded homeservers.

mod bridge_api;
mod faults;
mod faulty;
mod following;
mod harness;
mod homeserver_facts;
mod hostile_homeserver;
mod issue_and_follow;
mod killed;
mod openapi;
mod process;
mod secrets;
mod streaming;
mod synapse;
mod synapse_lifecycle;
