//! `listen`: where the service answers, and how long it waits for readers.

use std::{net::SocketAddr, time::Duration};

use serde::Deserialize;

use super::{
    problems::Problems,
    value::{Address, Span},
};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ListenFile {
    public: Address,
    internal: Address,
    metrics: Option<Address>,
    #[serde(default = "one_minute")]
    send_timeout: Span,
}

fn one_minute() -> Span {
    Span(Duration::from_secs(60))
}

/// The listeners.
#[derive(Debug, Clone, Copy)]
pub(super) struct ListenConfig {
    pub(super) public: SocketAddr,
    pub(super) internal: SocketAddr,
    pub(super) metrics: Option<SocketAddr>,
    pub(super) send_timeout: Duration,
}

impl ListenFile {
    pub(super) fn checked(&self, problems: &mut Problems) -> ListenConfig {
        let (public, internal) = (self.public.0, self.internal.0);
        let metrics = self.metrics.as_ref().map(|address| address.0);
        let mut own = |name: &str, address: SocketAddr, other: &str, of_other: SocketAddr| {
            if address == of_other && address.port() != 0 {
                problems.add(
                    format_args!("listen.{name}"),
                    format_args!(
                        "is {address} like listen.{other}; each listener needs an address of its own"
                    ),
                );
            }
        };
        own("internal", internal, "public", public);
        if let Some(metrics) = metrics {
            own("metrics", metrics, "public", public);
            own("metrics", metrics, "internal", internal);
        }
        if self.send_timeout.0.is_zero() {
            problems.add(
                "listen.send_timeout",
                "found 0; allowed is a duration longer than nothing",
            );
        }
        ListenConfig {
            public,
            internal,
            metrics,
            send_timeout: self.send_timeout.0,
        }
    }
}
