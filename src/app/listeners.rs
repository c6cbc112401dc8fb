//! The addresses at which a service is reached.

use std::net::{SocketAddr, TcpListener};

use anyhow::Context;

use crate::config::Config;

/// Bound addresses.
#[derive(Debug)]
pub struct Listeners {
    /// For people.
    pub public: TcpListener,
    /// For bridges, the homeserver and the operator.
    pub internal: TcpListener,
}

impl Listeners {
    /// Binds the addresses of a configuration.
    ///
    /// # Errors
    /// If an address is taken or not this machine's.
    pub fn bind(config: &Config) -> anyhow::Result<Self> {
        let bind = |address: SocketAddr| {
            TcpListener::bind(address).with_context(|| format!("cannot listen on {address}"))
        };
        Ok(Self {
            public: bind(config.public_listen)?,
            internal: bind(config.internal_listen)?,
        })
    }
}
