//! `limits`: how much clients, links, rooms, senders and bridges may use. Each limit that is left out does not
//! exist.

use std::net::IpAddr;

use ipnet::IpNet;
use serde::Deserialize;

use super::{
    problems::Problems,
    value::{ByteRate, Rate},
};

/// How much is allowed, and how clients are told apart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LimitsConfig {
    /// Whose header about the client is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// The one header that is read.
    pub client_header: ClientHeader,
    /// Of each client network: an IPv4 address, or an IPv6 network of 64 bits.
    pub per_client: ClientLimits,
    /// Of each link.
    pub per_link: LinkLimits,
    /// Of each room.
    pub per_room: RoomLimits,
    /// Of each sender.
    pub per_sender: SenderLimits,
    /// Of each bridge.
    pub per_bridge: BridgeLimits,
    /// Of all together, in one process.
    pub total: TotalLimits,
}

/// The header in which a proxy tells whom it answers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub enum ClientHeader {
    /// `X-Forwarded-For`: addresses, with commas between them.
    #[default]
    #[serde(rename = "x-forwarded-for")]
    XForwardedFor,
    /// `Forwarded` (RFC 7239).
    #[serde(rename = "forwarded")]
    Forwarded,
}

/// The limits of one client network.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ClientLimits {
    /// Requests.
    pub requests: Option<Rate>,
    /// Bytes of media.
    pub bytes: Option<ByteRate>,
    /// Requests for what is no link. They stop further ones, not good ones.
    pub bad_links: Option<Rate>,
    /// Answers with media at the same time.
    pub streams: Option<u32>,
}

/// The limits of one link.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LinkLimits {
    /// Answers with the whole media.
    pub follows: Option<Rate>,
    /// Bytes of media.
    pub bytes: Option<ByteRate>,
}

/// The limits of one room.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RoomLimits {
    /// New links.
    pub links: Option<Rate>,
    /// Bytes of media.
    pub bytes: Option<ByteRate>,
}

/// The limits of one sender.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SenderLimits {
    /// New links.
    pub links: Option<Rate>,
}

/// The limits of one bridge.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BridgeLimits {
    /// New links.
    pub links: Option<Rate>,
    /// New pastes.
    pub pastes: Option<Rate>,
}

/// The limits of one process.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TotalLimits {
    /// Answers with media at the same time.
    pub streams: Option<u32>,
    /// Downloads from the homeserver at the same time.
    pub upstream_fetches: Option<u32>,
}

/// The section as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LimitsFile {
    trusted_proxies: Option<Vec<String>>,
    client_header: Option<ClientHeader>,
    per_client: Option<ClientLimits>,
    per_link: Option<LinkLimits>,
    per_room: Option<RoomLimits>,
    per_sender: Option<SenderLimits>,
    per_bridge: Option<BridgeLimits>,
    total: Option<TotalLimits>,
}

/// The key of those proxies.
const TRUSTED: &str = "limits.trusted_proxies";
/// The proxies that are believed where nothing is said: those on the same machine.
const LOOPBACK: [&str; 2] = ["127.0.0.0/8", "::1/128"];

impl LimitsFile {
    pub(super) fn checked(self, problems: &mut Problems) -> LimitsConfig {
        let trusted = match &self.trusted_proxies {
            Some(texts) => networks(TRUSTED, texts, problems),
            None => networks(TRUSTED, &LOOPBACK, problems),
        };
        let per_client = self.per_client.unwrap_or_default();
        let total = self.total.unwrap_or_default();
        for (key, value) in [
            ("per_client.streams", per_client.streams),
            ("total.streams", total.streams),
            ("total.upstream_fetches", total.upstream_fetches),
        ] {
            if value == Some(0) {
                problems.add(
                    format_args!("limits.{key}"),
                    "found 0; allowed is a number from 1 on, or null for no limit",
                );
            }
        }
        LimitsConfig {
            trusted_proxies: trusted,
            client_header: self.client_header.unwrap_or_default(),
            per_client,
            per_link: self.per_link.unwrap_or_default(),
            per_room: self.per_room.unwrap_or_default(),
            per_sender: self.per_sender.unwrap_or_default(),
            per_bridge: self.per_bridge.unwrap_or_default(),
            total,
        }
    }
}

/// Reads networks, or addresses for networks of one address.
pub(super) fn networks(
    key: &str,
    texts: &[impl AsRef<str>],
    problems: &mut Problems,
) -> Vec<IpNet> {
    let mut networks = Vec::new();
    for (index, text) in texts.iter().enumerate() {
        let text = text.as_ref();
        let address = || text.parse::<IpAddr>().map(IpNet::from);
        match text.parse().or_else(|_| address()) {
            Ok(network) => networks.push(network),
            Err(_) => problems.add(
                format_args!("{key}[{index}]"),
                format_args!(
                    "found {}; allowed is a network such as 10.0.0.0/8, or an address",
                    super::explain::shown_text(text)
                ),
            ),
        }
    }
    networks
}

#[cfg(test)]
mod tests {
    use super::{super::ConfigError, *};

    fn read(text: &str) -> Result<LimitsConfig, String> {
        let file: LimitsFile = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let mut problems = Problems::default();
        let limits = file.checked(&mut problems);
        match problems.is_empty() {
            true => Ok(limits),
            false => Err(ConfigError::from(problems).to_string()),
        }
    }

    #[test]
    fn each_limit_may_be_left_out() {
        let none = read("{}").expect("valid");
        assert_eq!(none.per_client, ClientLimits::default());
        assert_eq!(none.trusted_proxies.len(), 2, "those of the same machine");
        let some = r#"{"per_client": {"requests": "600/min", "bytes": "10GiB/day", "streams": null}, "per_link": null,
            "trusted_proxies": ["10.0.0.0/8", "2001:db8::1"], "client_header": "forwarded"}"#;
        let some = read(some).expect("valid");
        let bytes = some.per_client.bytes.expect("a limit");
        assert_eq!((bytes.bytes, bytes.per.as_secs()), (10 << 30, 86_400));
        assert_eq!(some.per_client.requests.expect("a limit").amount, 600);
        assert_eq!(some.client_header, ClientHeader::Forwarded);
        assert_eq!(some.trusted_proxies[1].to_string(), "2001:db8::1/128");
    }

    #[test]
    fn what_is_no_limit_is_told() {
        for (text, told) in [
            (r#"{"per_client": {"requests": 600}}"#, "a rate such as 5/s"),
            (
                r#"{"per_client": {"requests": "0/min"}}"#,
                "a rate such as 5/s",
            ),
            (r#"{"per_client": {"bytes": "0/day"}}"#, "such as 10GiB/day"),
            (
                r#"{"per_client": {"bytes": "5/day/day"}}"#,
                "such as 10GiB/day",
            ),
            (r#"{"per_client": {"follows": "5/s"}}"#, "unknown field"),
            (r#"{"client_header": "via"}"#, "x-forwarded-for"),
            (
                r#"{"per_client": {"streams": 0}}"#,
                "limits.per_client.streams: found 0",
            ),
            (
                r#"{"total": {"upstream_fetches": 0}}"#,
                "limits.total.upstream_fetches: found 0",
            ),
            (
                r#"{"trusted_proxies": ["nonsense"]}"#,
                "limits.trusted_proxies[0]: found",
            ),
        ] {
            let refused = read(text).expect_err(text);
            assert!(refused.contains(told), "{refused}");
        }
    }
}
