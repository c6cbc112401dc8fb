//! The service from the outside: over HTTP, against real and embedded homeservers.

mod bridge_api;
mod faults;
mod faulty;
mod harness;
mod homeserver_facts;
mod issue_and_follow;
mod killed;
mod openapi;
mod process;
mod streaming;
mod synapse;
mod synapse_lifecycle;
