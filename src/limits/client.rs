//! Whom a request comes from: an IPv4 address or an IPv6 network, seen through trusted proxies.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use ipnet::IpNet;

use crate::config::ClientHeader;

/// The most proxies in a row that are looked at.
const MAX_HOPS: usize = 32;

/// A network of one client: an IPv4 address, or the 64 bits of an IPv6 address that providers give to one customer
/// (RFC 6177).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ClientNetwork {
    /// An IPv4 address.
    V4(Ipv4Addr),
    /// The first 64 bits of an IPv6 address.
    V6(u64),
}

impl ClientNetwork {
    /// Whether all of it belongs to a network.
    #[must_use]
    pub fn is_in(self, network: &IpNet) -> bool {
        match self {
            Self::V4(address) => network.contains(&IpAddr::V4(address)),
            Self::V6(bits) => {
                let first = Ipv6Addr::from_bits(u128::from(bits) << 64);
                network.contains(&IpAddr::V6(first))
            }
        }
    }
}

impl From<IpAddr> for ClientNetwork {
    fn from(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self::V4(address),
            IpAddr::V6(address) => Self::V6((address.to_bits() >> 64) as u64),
        }
    }
}

impl std::fmt::Display for ClientNetwork {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::V4(address) => write!(f, "{address}"),
            Self::V6(bits) => write!(f, "{}/64", Ipv6Addr::from_bits(u128::from(*bits) << 64)),
        }
    }
}

/// Proxies whose header about the client is believed.
#[derive(Debug, Clone)]
pub(super) struct Proxies {
    trusted: Vec<IpNet>,
    header: ClientHeader,
}

impl Proxies {
    pub(super) fn new(trusted: &[IpNet], header: ClientHeader) -> Self {
        Self {
            trusted: trusted.to_vec(),
            header,
        }
    }

    /// The header that is read.
    pub(super) fn header(&self) -> &'static str {
        match self.header {
            ClientHeader::XForwardedFor => "x-forwarded-for",
            ClientHeader::Forwarded => "forwarded",
        }
    }

    fn trusts(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.trusted
            .iter()
            .any(|network| network.contains(&address))
    }

    /// The address that the last trusted proxy has answered: from the right to the left, the first one that is not
    /// trusted. `lines`: the values of the header, in their order.
    pub(super) fn client<'a>(
        &self,
        peer: IpAddr,
        lines: impl DoubleEndedIterator<Item = &'a str>,
    ) -> IpAddr {
        if !self.trusts(peer) {
            return peer;
        }
        let hops = lines.rev().flat_map(|line| {
            let mut elements = elements(line);
            elements.reverse();
            elements
        });
        let mut client = peer;
        for hop in hops.take(MAX_HOPS) {
            let address = match self.header {
                ClientHeader::XForwardedFor => node(hop),
                ClientHeader::Forwarded => forwarded_for(hop).and_then(node),
            };
            // What a trusted proxy does not tell stays with that proxy.
            let Some(address) = address else {
                return client;
            };
            client = address;
            if !self.trusts(client) {
                return client;
            }
        }
        client
    }
}

/// The elements of a list, with commas between them that stand in no quoted string (RFC 9110, section 5.6.1).
fn elements(line: &str) -> Vec<&str> {
    split(line, ',')
}

fn split(text: &str, at: char) -> Vec<&str> {
    let (mut parts, mut start, mut is_quoted, mut is_escaped) = (Vec::new(), 0, false, false);
    for (index, c) in text.char_indices() {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' if is_quoted => is_escaped = true,
            '"' => is_quoted = !is_quoted,
            _ if c == at && !is_quoted => {
                parts.push(text[start..index].trim());
                start = index + c.len_utf8();
            }
            _ => {}
        }
    }
    parts.push(text[start..].trim());
    parts.retain(|part| !part.is_empty());
    parts
}

/// The node of `for=` in one element (RFC 7239, section 4).
fn forwarded_for(element: &str) -> Option<&str> {
    split(element, ';').into_iter().find_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        let value = value.trim();
        let value = value
            .strip_prefix('"')
            .and_then(|v| v.strip_suffix('"'))
            .unwrap_or(value);
        name.trim().eq_ignore_ascii_case("for").then_some(value)
    })
}

/// The address of a node, with or without brackets and port (RFC 7239, section 6).
fn node(text: &str) -> Option<IpAddr> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Some(address);
    }
    if let Some(inner) = text
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
    {
        return inner.parse::<Ipv6Addr>().ok().map(IpAddr::from);
    }
    text.parse::<SocketAddr>().ok().map(|socket| socket.ip())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(header: ClientHeader, peer: &str, lines: &[&str]) -> String {
        let trusted =
            ["127.0.0.1/32", "::1/128", "10.0.0.0/8"].map(|n| n.parse().expect("a network"));
        let proxies = Proxies::new(&trusted, header);
        let peer = peer.parse().expect("an address");
        proxies.client(peer, lines.iter().copied()).to_string()
    }

    #[test]
    fn the_header_is_read_from_the_right_to_the_first_untrusted_hop() {
        use ClientHeader::XForwardedFor as X;
        for (peer, lines, expected) in [
            ("127.0.0.1", &[][..], "127.0.0.1"),
            ("203.0.113.9", &["198.51.100.1"], "203.0.113.9"),
            ("127.0.0.1", &["198.51.100.1"], "198.51.100.1"),
            ("127.0.0.1", &["6.6.6.6, 198.51.100.1"], "198.51.100.1"),
            (
                "127.0.0.1",
                &["6.6.6.6, 198.51.100.1, 10.1.2.3"],
                "198.51.100.1",
            ),
            (
                "127.0.0.1",
                &["6.6.6.6", "198.51.100.1", "10.1.2.3"],
                "198.51.100.1",
            ),
            ("::1", &["2001:db8::7"], "2001:db8::7"),
            ("::ffff:127.0.0.1", &["198.51.100.1:4711"], "198.51.100.1"),
            ("127.0.0.1", &["[2001:db8::7]:4711"], "2001:db8::7"),
            ("127.0.0.1", &["[2001:db8::7]"], "2001:db8::7"),
            ("127.0.0.1", &["198.51.100.1, unknown"], "127.0.0.1"),
            (
                "127.0.0.1",
                &["198.51.100.1, 10.0.0.1, junk, 10.0.0.2"],
                "10.0.0.2",
            ),
            ("127.0.0.1", &["10.0.0.1, 10.0.0.2"], "10.0.0.1"),
            ("127.0.0.1", &[",, ,198.51.100.1,"], "198.51.100.1"),
            ("127.0.0.1", &["\"6.6.6.6, 198.51.100.1"], "127.0.0.1"),
        ] {
            assert_eq!(client(X, peer, lines), expected, "{peer} {lines:?}");
        }
    }

    #[test]
    fn forwarded_is_read_by_its_own_grammar() {
        use ClientHeader::Forwarded as F;
        for (lines, expected) in [
            (&["for=198.51.100.1"][..], "198.51.100.1"),
            (
                &["For=\"[2001:db8::7]:4711\";proto=http;by=203.0.113.43"],
                "2001:db8::7",
            ),
            (
                &["for=6.6.6.6, for=198.51.100.1; by=10.0.0.1"],
                "198.51.100.1",
            ),
            (
                &["for=198.51.100.1, for=10.0.0.1;by=\"a,b;for=6.6.6.6\""],
                "198.51.100.1",
            ),
            (&["for=_hidden, for=10.0.0.1"], "10.0.0.1"),
            (&["by=10.0.0.1"], "127.0.0.1"),
            (&["198.51.100.1"], "127.0.0.1"),
        ] {
            assert_eq!(client(F, "127.0.0.1", lines), expected, "{lines:?}");
        }
    }

    #[test]
    fn endless_chains_of_proxies_end() {
        let line = vec!["10.0.0.1"; 100_000].join(",");
        assert_eq!(
            client(ClientHeader::XForwardedFor, "127.0.0.1", &[&line]),
            "10.0.0.1"
        );
    }

    #[test]
    fn a_client_is_an_ipv4_address_or_an_ipv6_network() {
        let of = |text: &str| ClientNetwork::from(text.parse::<IpAddr>().expect("an address"));
        assert_eq!(of("198.51.100.1"), of("::ffff:198.51.100.1"));
        assert_eq!(of("2001:db8:1:2::1"), of("2001:db8:1:2:ffff::9"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_ne!(of("198.51.100.1"), of("198.51.100.2"));
        assert_eq!(of("2001:db8:1:2::1").to_string(), "2001:db8:1:2::/64");
    }
}
