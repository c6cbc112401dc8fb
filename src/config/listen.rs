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
    pub(super) send_timeout: Duration,
}

impl ListenFile {
    pub(super) fn checked(&self, problems: &mut Problems) -> ListenConfig {
        let (public, internal) = (self.public.0, self.internal.0);
        if public == internal && public.port() != 0 {
            problems.add(
                "listen.internal",
                format_args!(
                    "is {internal} like listen.public; the two listeners need addresses of their own"
                ),
            );
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
            send_timeout: self.send_timeout.0,
        }
    }
}
