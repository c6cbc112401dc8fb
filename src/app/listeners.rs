//! The addresses at which a service is reached.

use std::net::{SocketAddr, TcpListener};

use anyhow::Context;
use listenfd::ListenFd;

use crate::config::Config;

/// The names of sockets that a service manager hands over, in the order in which it does if it names none.
const NAMES: [&str; 3] = ["public", "internal", "metrics"];

/// Bound addresses.
#[derive(Debug)]
pub struct Listeners {
    /// For people.
    pub public: TcpListener,
    /// For bridges, the homeserver and the operator.
    pub internal: TcpListener,
    /// For metrics and health alone.
    pub metrics: Option<TcpListener>,
}

impl Listeners {
    /// Takes the sockets that the service manager hands over (`LISTEN_FDS`), named `public`, `internal` and `metrics`, or
    /// in this order; binds the addresses of a configuration where it hands over none.
    ///
    /// # Errors
    /// If a socket is none that listens for TCP, or an address is taken or not this machine's.
    pub fn handed_over_or_bound(config: &Config) -> anyhow::Result<Self> {
        let names = std::env::var("LISTEN_FDNAMES").unwrap_or_default();
        let mut handed_over = ListenFd::from_env();
        let mut listener = |name: &str, address| match index(&names, name) {
            None => bind(address),
            Some(index) => {
                let taken = handed_over.take_tcp_listener(index);
                let taken = taken.with_context(|| {
                    format!("the socket {name} of the service manager is none that listens for TCP")
                })?;
                taken.map_or_else(|| bind(address), Ok)
            }
        };
        let [public, internal, metrics] = NAMES;
        Ok(Self {
            public: listener(public, config.public_listen)?,
            internal: listener(internal, config.internal_listen)?,
            metrics: match config.metrics_listen {
                None => None,
                Some(address) => Some(listener(metrics, address)?),
            },
        })
    }
}

fn bind(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).with_context(|| format!("cannot listen on {address}"))
}

/// Which of the sockets has a name; `None`: none of them, but others have one of ours.
fn index(names: &str, name: &str) -> Option<usize> {
    let given: Vec<&str> = names.split(':').collect();
    match given.iter().position(|given| *given == name) {
        Some(index) => Some(index),
        None if given.iter().any(|given| NAMES.contains(given)) => None,
        None => NAMES.iter().position(|ours| *ours == name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sockets_are_known_by_their_names_or_their_order() {
        for (names, expected) in [
            ("", [Some(0), Some(1), Some(2)]),
            ("unknown:unknown", [Some(0), Some(1), Some(2)]),
            ("internal:public", [Some(1), Some(0), None]),
            ("x:internal", [None, Some(1), None]),
            ("public", [Some(0), None, None]),
        ] {
            assert_eq!(NAMES.map(|name| index(names, name)), expected, "{names}");
        }
    }
}
