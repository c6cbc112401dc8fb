//! Whom the service takes a reader behind the proxy for, by whom limits are counted.

use std::net::IpAddr;

use reqwest::Method;
use serde_json::Value;

use crate::{
    config::{BridgeConfig, ClientHeader, Config},
    http::{PROBE, SEEN, proof},
    telemetry::ForeignText,
};

use super::{finding::Findings, link::Link, probe::Probe};

/// An address of documentation (RFC 5737), which nobody has.
const NOBODY: &str = "203.0.113.77";

/// What the service has seen of a request.
struct Seen {
    peer: IpAddr,
    client: ForeignText,
    /// The header about the client.
    told: ForeignText,
}

pub(super) async fn look(
    probe: &Probe,
    bridge: &BridgeConfig,
    link: &Link,
    config: &Config,
    findings: &mut Findings,
) {
    let (header, value, name) = match config.limits.client_header {
        ClientHeader::XForwardedFor => ("x-forwarded-for", NOBODY.to_owned(), "X-Forwarded-For"),
        ClientHeader::Forwarded => ("forwarded", format!("for={NOBODY}"), "Forwarded"),
    };
    let trial = findings.of("client", "the address of a reader behind the public URL");
    if is_direct(config) {
        return trial.ok("readers connect to the service itself");
    }
    let honest = seen(probe, bridge, link, &[]).await;
    let forged = seen(probe, bridge, link, &[(header, &value)]).await;
    let (Some(honest), Some(forged)) = (honest, forged) else {
        return trial.warning(
            "the answer does not say what the service has seen",
            "have the reverse proxy hand on the header Medialink-Probe, and Medialink-Seen in the answer",
        );
    };
    let peer = honest.peer.to_canonical();
    let trusted = &config.limits.trusted_proxies;
    if honest.told.as_str().is_empty() {
        trial.fault(
            format_args!("no {name} arrives: all readers are counted as {}", honest.client),
            format_args!(
                "have the reverse proxy set {name} (nginx: proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for), \
                 or name the header that it sets in limits.client_header"
            ),
        );
    } else if !trusted.iter().any(|network| network.contains(&peer)) {
        trial.fault(
            format_args!(
                "{name} comes from {peer}, which is not believed: all readers are counted as that"
            ),
            format_args!("put {peer} into limits.trusted_proxies"),
        );
    } else if forged.told.as_str() == value {
        trial.fault(
            format_args!(
                "{name} arrives as the reader has sent it: readers choose whom they are counted as"
            ),
            format_args!(
                "have the reverse proxy replace {name}, or append the address of the reader to it"
            ),
        );
    } else {
        trial.ok(format_args!(
            "{name} arrives; this one is counted as {}",
            honest.client
        ));
    }
}

/// Whether the public URL leads to the listener itself, which speaks no TLS.
fn is_direct(config: &Config) -> bool {
    let url = &config.public_url;
    url.scheme() == "http" && url.port_or_known_default() == Some(config.public_listen.port())
}

/// Asks what the service sees of a request through the public URL.
async fn seen(
    probe: &Probe,
    bridge: &BridgeConfig,
    link: &Link,
    headers: &[(&str, &str)],
) -> Option<Seen> {
    let proof = proof(&bridge.api_token, &link.id);
    let headers = [headers, &[(PROBE, proof.as_str())]].concat();
    // A cache in front has no answer to this.
    let url = format!("{}?probe={}", *link.url, headers.len());
    let answer = probe.ask(Method::HEAD, &url, &headers).await.ok()?;
    let seen: Value = serde_json::from_str(answer.header(SEEN)).ok()?;
    let text = |name: &str| seen.get(name).and_then(Value::as_str);
    Some(Seen {
        peer: text("peer")?.parse().ok()?,
        client: ForeignText::new(text("client")?),
        told: ForeignText::new(text("told")?),
    })
}
