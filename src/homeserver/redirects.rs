//! Where a redirect of the homeserver may lead: to public addresses and configured networks. The check
//! is made on the address that is connected to, so that no DNS answer gets around it.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
    task::{Context, Poll},
};

use futures_util::future::{BoxFuture, FutureExt};
use hyper_util::client::legacy::connect::dns::Name;
use ipnet::IpNet;
use tower_service::Service;
use url::{Host, Url};

/// Resolves names for connections.
#[derive(Debug, Clone)]
pub(crate) enum Resolver {
    /// To all addresses.
    Any,
    /// To public addresses, and to those of these networks.
    Public(Arc<[IpNet]>),
}

impl Resolver {
    async fn resolve(self, name: Name) -> io::Result<std::vec::IntoIter<SocketAddr>> {
        let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
        let addresses: Vec<SocketAddr> = match &self {
            Self::Any => found.collect(),
            Self::Public(networks) => found
                .filter(|address| is_allowed(address.ip(), networks))
                .collect(),
        };
        if addresses.is_empty() {
            return Err(io::Error::other("the name stands for no allowed address"));
        }
        Ok(addresses.into_iter())
    }
}

impl Service<Name> for Resolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = io::Error;
    type Future = BoxFuture<'static, io::Result<Self::Response>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        self.clone().resolve(name).boxed()
    }
}

/// Whether a redirect may lead to a URL, as far as the URL alone shows: a literal address never
/// reaches the resolver.
pub(super) fn url_is_allowed(url: &Url, networks: &[IpNet]) -> bool {
    matches!(url.scheme(), "http" | "https")
        && url.username().is_empty()
        && url.password().is_none()
        && match url.host() {
            Some(Host::Domain(_)) => true,
            Some(Host::Ipv4(address)) => is_allowed(address.into(), networks),
            Some(Host::Ipv6(address)) => is_allowed(address.into(), networks),
            None => false,
        }
}

/// Whether a redirect leads from a connection that nobody can listen to to one that anybody can.
pub(super) fn is_downgrade(from: &Url, to: &Url) -> bool {
    from.scheme() == "https" && to.scheme() != "https"
}

fn is_allowed(address: IpAddr, networks: &[IpNet]) -> bool {
    let address = address.to_canonical();
    if is_link_local(address) {
        return false;
    }
    is_public(address) || networks.iter().any(|network| network.contains(&address))
}

/// On link-local addresses, cloud providers hand out secrets.
fn is_link_local(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_link_local(),
        IpAddr::V6(address) => {
            address.is_unicast_link_local()
                || embedded_v4(address).is_some_and(|a| a.is_link_local())
        }
    }
}

/// Globally reachable by IANA's special-purpose address registries (RFC 6890).
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => match embedded_v4(address) {
            Some(embedded) => is_public_v4(embedded),
            // Global unicast is 2000::/3; of it, 2001::/23 is for protocols, 2001:db8::/32 and
            // 3fff::/20 for documentation.
            None => {
                let s = address.segments();
                s[0] & 0xe000 == 0x2000
                    && !(s[0] == 0x2001 && s[1] < 0x200)
                    && !(s[0] == 0x2001 && s[1] == 0xdb8)
                    && !(s[0] == 0x3fff && s[1] < 0x1000)
            }
        },
    }
}

/// The IPv4 address inside a 6to4 (2002::/16) or NAT64 (64:ff9b::/96) address.
fn embedded_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let o = address.octets();
    let s = address.segments();
    if s[0] == 0x2002 {
        Some(Ipv4Addr::new(o[2], o[3], o[4], o[5]))
    } else if s[..6] == [0x64, 0xff9b, 0, 0, 0, 0] {
        Some(Ipv4Addr::new(o[12], o[13], o[14], o[15]))
    } else {
        None
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    !(a == 0
        || a == 10
        || a == 127
        || a >= 224
        || (a == 100 && (64..128).contains(&b))
        || (a == 169 && b == 254)
        || (a == 172 && (16..32).contains(&b))
        || (a == 192 && b == 168)
        || (a == 192 && b == 0 && (c == 0 || c == 2))
        || (a == 192 && b == 88 && c == 99)
        || (a == 198 && (b == 18 || b == 19))
        || (a == 198 && b == 51 && c == 100)
        || (a == 203 && b == 0 && c == 113))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(url: &str, networks: &[&str]) -> bool {
        let networks: Vec<IpNet> = networks
            .iter()
            .map(|n| n.parse().expect("network"))
            .collect();
        url_is_allowed(&Url::parse(url).expect("URL"), &networks)
    }

    #[test]
    fn redirects_lead_to_public_addresses_only() {
        for good in [
            "https://cdn.example.org/x",
            "http://8.8.8.8/",
            "https://[2606:4700::1111]/",
        ] {
            assert!(allowed(good, &[]), "{good}");
        }
        for bad in [
            "http://127.0.0.1/",
            "http://10.0.0.1/",
            "http://192.168.1.1/",
            "http://172.20.0.1/",
            "http://169.254.169.254/latest/meta-data",
            "http://0.0.0.0/",
            "http://100.64.0.1/",
            "http://[::1]/",
            "http://[::]/",
            "http://[fe80::1]/",
            "http://[fd00::1]/",
            "http://[::ffff:10.0.0.1]/",
            "http://[64:ff9b::a00:1]/",
            "http://[2002:a00:1::]/",
            "http://224.0.0.1/",
            "http://2130706433/",
            "ftp://8.8.8.8/",
            "https://user@cdn.example.org/",
            "https://u:p@cdn.example.org/",
            "file:///etc/passwd",
        ] {
            assert!(!allowed(bad, &[]), "{bad}");
        }
        assert!(allowed("http://10.1.2.3/", &["10.1.0.0/16"]));
        assert!(!allowed("http://10.2.2.3/", &["10.1.0.0/16"]));
        assert!(
            !allowed("http://169.254.169.254/", &["0.0.0.0/0"]),
            "link-local never"
        );
    }

    #[test]
    fn a_redirect_never_leaves_tls() {
        for (from, to, is_downgraded) in [
            ("https://example.org/a", "http://example.org/a", true),
            ("https://example.org/a", "http://cdn.example.org/", true),
            (
                "https://example.org:443/a",
                "http://example.org:443/a",
                true,
            ),
            ("https://example.org/a", "https://cdn.example.org/", false),
            ("http://example.org/a", "https://example.org/a", false),
            ("http://example.org/a", "http://cdn.example.org/", false),
        ] {
            let [from, to] = [from, to].map(|url| Url::parse(url).expect("URL"));
            assert_eq!(is_downgrade(&from, &to), is_downgraded, "{from} {to}");
        }
    }

    #[tokio::test]
    async fn names_are_judged_by_their_addresses() {
        let resolve = |resolver: Resolver| resolver.resolve("localhost".parse().expect("a name"));
        let public = |networks: &[&str]| {
            let networks = networks.iter().map(|text| text.parse().expect("network"));
            Resolver::Public(networks.collect())
        };
        assert!(resolve(public(&[])).await.is_err());
        assert!(resolve(public(&["127.0.0.0/8", "::1/128"])).await.is_ok());
        assert!(resolve(Resolver::Any).await.is_ok());
    }
}
