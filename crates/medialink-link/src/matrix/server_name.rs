//! Server names (Matrix specification, appendices, "Server Name").

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{error::GrammarError, text_newtype::text_newtype};

/// The longest server name, in bytes.
const MAX_BYTES: usize = 255;

/// A server name: a DNS name, an IPv4 address or a bracketed IPv6 address, with an optional port.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ServerName(String);
text_newtype!(ServerName);

impl ServerName {
    /// Reads a server name by the grammar of the specification.
    ///
    /// # Errors
    /// If the text is empty, longer than 255 bytes, or not of the grammar.
    pub fn parse(text: &str) -> Result<Self, GrammarError> {
        let problem = problem_of(text).map(|why| GrammarError::new("a Matrix server name", why));
        problem.map_or_else(|| Ok(Self(text.to_owned())), Err)
    }
}

/// Why a text is no server name; `None` if it is one.
fn problem_of(text: &str) -> Option<&'static str> {
    if text.is_empty() {
        return Some("it is empty");
    }
    if text.len() > MAX_BYTES {
        return Some("it is longer than 255 bytes");
    }
    let port = match text.strip_prefix('[') {
        Some(rest) => {
            let Some((address, after)) = rest.split_once(']') else {
                return Some("its bracket is never closed");
            };
            if address.parse::<std::net::Ipv6Addr>().is_err() {
                return Some("what stands in brackets is no IPv6 address");
            }
            match after.strip_prefix(':') {
                None if !after.is_empty() => return Some("only a port may follow the bracket"),
                port => port,
            }
        }
        None => {
            let (host, port) = match text.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (text, None),
            };
            if let Some(problem) = problem_of_host(host) {
                return Some(problem);
            }
            port
        }
    };
    let is_port =
        |port: &str| (1..=5).contains(&port.len()) && port.bytes().all(|b| b.is_ascii_digit());
    (!port.is_none_or(is_port)).then_some("a port is 1 to 5 digits")
}

fn problem_of_host(host: &str) -> Option<&'static str> {
    if host.is_empty() {
        Some("it has no host")
    } else if !host
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.'))
    {
        Some("a host is made of letters, digits, '-' and '.'")
    } else if !host.bytes().any(|b| b.is_ascii_alphanumeric()) {
        // A host of dots alone would be a step upwards where it becomes part of a path.
        Some("a host has at least one letter or digit")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn server_names_follow_the_grammar() {
        for good in [
            "example.org",
            "localhost:8448",
            "1.2.3.4",
            "[::1]",
            "[2001:db8::1]:443",
            "a-b.c",
        ] {
            assert!(ServerName::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            ":80",
            ".",
            "..",
            "-",
            "a b",
            "exa/mple.org",
            "..:",
            "a:",
            "a:123456",
            "a:8x",
            "[::1",
            "[::1]x",
            "[zz]",
            "é.org",
            "a:1:2",
        ] {
            assert!(ServerName::parse(bad).is_err(), "{bad}");
        }
        assert!(ServerName::parse(&"a".repeat(256)).is_err());
    }
}
