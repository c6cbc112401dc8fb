//! The options of a homeserver.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use crate::appservice::Appservice;
use crate::rate_limit::RateLimit;

/// The options of an [`EmbeddedHomeserver`](crate::EmbeddedHomeserver).
#[derive(Debug, Clone)]
pub struct Options {
    /// The server name in user IDs and mxc URIs.
    pub server_name: String,
    /// The registered appservices.
    pub appservices: Vec<Appservice>,
    /// Whether media has content tokens that are counted (MSC3910), or the server is a plain one
    /// with authenticated media (MSC3916).
    pub content_tokens: bool,
    /// Whether media can be tied to events (MSC3911), whatever `content_tokens` says. Restricted
    /// media and copies have no content token.
    pub linked_media: bool,
    /// Under which paths restricted media is uploaded and copied.
    pub linked_media_paths: LinkedMediaPaths,
    /// Whether one medium at most can be attached to an event. The proposal sets no bound.
    pub attaches_one: bool,
    /// How long restricted media is kept that is not attached to an event.
    pub unattached_for: Duration,
    /// How many events and redactions each user may send; None: as many as they like. Repeats of
    /// a transaction are free, memberships too.
    pub rate_limits: Option<RateLimit>,
    /// Whether `rate_limits` are for the appservices' senders too. Synapse exempts them.
    pub limits_appservices: bool,
    /// Whether an upgrade raises the power that the old room takes for sending and inviting, as
    /// Synapse does. Who has less power can't even redact there then.
    pub upgrades_mute: bool,
    /// Whether `Range` is honoured on downloads. Synapse does not.
    pub ranges: bool,
    /// Media younger than this is not cleaned up, referenced or not.
    pub grace: Duration,
    /// The longest upload taken.
    pub max_upload_bytes: u64,
    /// Where to listen; port 0 takes a free one.
    pub bind: SocketAddr,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            server_name: "localhost".to_owned(),
            appservices: Vec::new(),
            content_tokens: true,
            linked_media: false,
            linked_media_paths: LinkedMediaPaths::Both,
            attaches_one: false,
            unattached_for: Duration::from_secs(600),
            rate_limits: None,
            limits_appservices: false,
            upgrades_mute: false,
            ranges: false,
            grace: Duration::ZERO,
            max_upload_bytes: 100 * 1024 * 1024,
            bind: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        }
    }
}

/// Under which paths a server with linked media has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LinkedMediaPaths {
    /// Under both.
    #[default]
    Both,
    /// Only `/_matrix/client/unstable/org.matrix.msc3911/media`, as before the proposal is
    /// accepted.
    Unstable,
    /// Only `/_matrix/client/v1/media`.
    Stable,
}
