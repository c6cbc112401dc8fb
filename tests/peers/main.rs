//! The service beside programs of others: Synapse, bridges, an IRC server, clients in other
//! languages. The scripts `tests/setup-*.sh` install them; a test whose program is missing says so
//! and passes, except in CI.
#![expect(
    clippy::disallowed_methods,
    reason = "tests stand outside the service: with clients, dice and clocks of their own"
)]

mod browser;
mod clamd;
mod doctor_tls;
mod heisenbridge;
mod homeserver_facts;
mod in_front;
mod irc;
mod ircd;
mod legacy_packages;
mod link_previews;
mod monitoring;
mod openapi_client;
mod program;
mod reverse_proxies;
mod samples;
mod synapse;
mod synapse_lifecycle;
