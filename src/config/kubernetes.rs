//! Environment variables that Kubernetes sets in every pod for each service of its namespace
//! (`MEDIALINK_SERVICE_HOST`, `MEDIALINK_PORT_8480_TCP_ADDR`, …): those of a service called medialink,
//! or medialink-public, look like keys of the configuration and are none.

use std::{collections::HashMap, net::IpAddr};

/// The names of these variables, in order.
pub(super) fn of_services(environment: &HashMap<String, String>) -> Vec<String> {
    let mut names: Vec<String> = environment
        .iter()
        .filter(|(name, value)| is_of_service(name, value))
        .map(|(name, _)| name.clone())
        .collect();
    names.sort();
    names
}

/// Whether Kubernetes has set it: a misspelt key of ours has another value.
pub(super) fn is_of_service(name: &str, value: &str) -> bool {
    let Some(rest) = name.strip_prefix("MEDIALINK_") else {
        return false;
    };
    // The name of a service has single hyphens; our keys are separated by two underscores.
    if name.contains("__") {
        return false;
    }
    let words: Vec<&str> = rest.split('_').collect();
    let is_address = || value.parse::<IpAddr>().is_ok();
    let is_port = || value.parse::<u16>().is_ok();
    match words.as_slice() {
        [.., "PORT", number, protocol] if is_number(number) => {
            is_protocol(protocol) && is_url(value)
        }
        [.., "PORT", number, protocol, part] if is_number(number) && is_protocol(protocol) => {
            match *part {
                "PROTO" => is_protocol(&value.to_ascii_uppercase()),
                "PORT" => is_port(),
                "ADDR" => is_address(),
                _ => false,
            }
        }
        [.., "SERVICE", "HOST"] => is_address(),
        [.., "SERVICE", "PORT"] => is_port(),
        [.., "PORT"] => is_url(value),
        words => {
            let is_named_port = words.windows(2).any(|pair| pair == ["SERVICE", "PORT"]);
            is_named_port && is_port()
        }
    }
}

fn is_number(text: &str) -> bool {
    text.parse::<u16>().is_ok()
}

fn is_protocol(text: &str) -> bool {
    matches!(text, "TCP" | "UDP" | "SCTP")
}

/// `tcp://10.0.0.1:8480`.
fn is_url(value: &str) -> bool {
    value
        .split_once("://")
        .is_some_and(|(scheme, _)| is_protocol(&scheme.to_ascii_uppercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_of_services_are_told_from_misspelt_keys() {
        for (name, value) in [
            ("MEDIALINK_SERVICE_HOST", "10.43.0.7"),
            ("MEDIALINK_SERVICE_HOST", "fd00::7"),
            ("MEDIALINK_SERVICE_PORT", "8480"),
            ("MEDIALINK_SERVICE_PORT_HTTP", "8480"),
            ("MEDIALINK_SERVICE_PORT_HTTP_PUBLIC", "8480"),
            ("MEDIALINK_PORT", "tcp://10.43.0.7:8480"),
            ("MEDIALINK_PORT", "udp://10.43.0.7:8480"),
            ("MEDIALINK_PORT_8480_TCP", "tcp://10.43.0.7:8480"),
            ("MEDIALINK_PORT_8480_TCP_PROTO", "tcp"),
            ("MEDIALINK_PORT_8480_TCP_PORT", "8480"),
            ("MEDIALINK_PORT_8480_TCP_ADDR", "10.43.0.7"),
            ("MEDIALINK_PUBLIC_SERVICE_HOST", "10.43.0.8"),
            ("MEDIALINK_INTERNAL_SERVICE_PORT_API", "8481"),
            ("MEDIALINK_MY_IRC_PORT", "tcp://10.43.0.7:8480"),
            ("MEDIALINK_INTERNAL_PORT_8481_SCTP_ADDR", "10.43.0.8"),
        ] {
            assert!(is_of_service(name, value), "{name}={value}");
        }
        for (name, value) in [
            ("MEDIALINK_PORT", "8480"),
            ("MEDIALINK_LISTEN_PORT", "8480"),
            ("MEDIALINK_LISTEN__PORT", "tcp://10.43.0.7:8480"),
            ("MEDIALINK_PUBLIC_URL", "tcp://10.43.0.7:8480"),
            ("MEDIALINK_SERVICE_HOST", "media.example.org"),
            ("MEDIALINK_SERVICE_PORT", "http"),
            ("MEDIALINK_PORT_8480_TCP_NAME", "tcp"),
            ("MEDIALINK_PORT_X_TCP_ADDR", "10.43.0.7"),
            ("MEDIALINKS_SERVICE_HOST", "10.43.0.7"),
            ("SERVICE_HOST", "10.43.0.7"),
        ] {
            assert!(!is_of_service(name, value), "{name}={value}");
        }
    }
}
