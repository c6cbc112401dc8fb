//! The service from the outside: over HTTP, against real and embedded homeservers.

mod faults;
mod faulty;
mod harness;
mod homeserver_facts;
mod issue_and_follow;
mod killed;
mod process;
mod streaming;
mod synapse;
mod synapse_lifecycle;
