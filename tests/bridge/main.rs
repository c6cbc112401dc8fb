//! Tests of the running bridge.

mod homeserver_facts;
mod synapse;
