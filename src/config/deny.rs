//! `abuse.deny`: whom and what the operator gives no link or no service.

use std::{fmt, net::IpAddr, str::FromStr};

use ipnet::IpNet;
use serde::Deserialize;

use super::{explain::shown_text, problems::Problems};

/// The longest value, in bytes: that of Matrix's identifiers.
const MAX_VALUE: usize = 512;
/// The bits of an IPv6 address by which clients are told apart (RFC 6177).
const CLIENT_BITS: u8 = 64;

/// What an entry of the list is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DenyKind {
    /// A server: its media, and what its users share.
    Server,
    /// A room.
    Room,
    /// A user who shares media.
    Sender,
    /// A medium, by its mxc URI.
    Media,
    /// A media type.
    MediaType,
    /// A network of readers.
    Client,
    /// Bytes, by their SHA-256, wherever they were uploaded.
    Sha256,
}

impl DenyKind {
    /// Every kind.
    pub const ALL: [Self; 7] = [
        Self::Server,
        Self::Room,
        Self::Sender,
        Self::Media,
        Self::MediaType,
        Self::Client,
        Self::Sha256,
    ];

    /// As the command line, the database and metrics spell it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Room => "room",
            Self::Sender => "sender",
            Self::Media => "media",
            Self::MediaType => "media_type",
            Self::Client => "client",
            Self::Sha256 => "sha256",
        }
    }

    fn allowed(self) -> &'static str {
        match self {
            Self::Server => "a server name; * stands for anything",
            Self::Room => "the ID of a room, !…; * stands for anything",
            Self::Sender => "the ID of a user, @…:server; * stands for anything",
            Self::Media => "an mxc URI, mxc://server/id; * stands for anything",
            Self::MediaType => "a media type such as video/mp4, or video/*",
            Self::Client => "an IP address, or a network such as 192.0.2.0/24",
            Self::Sha256 => "a SHA-256, 64 hexadecimal digits",
        }
    }
}

impl FromStr for DenyKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|kind| kind.as_str() == text);
        found.ok_or_else(|| {
            let names: Vec<_> = Self::ALL.iter().map(|kind| kind.as_str()).collect();
            format!("found {text:?}; allowed are {}", names.join(", "))
        })
    }
}

/// An entry of the list, in the one spelling in which it is compared.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Denial {
    /// What it is about.
    pub kind: DenyKind,
    /// What is denied.
    pub value: String,
}

impl Denial {
    /// Reads an entry.
    ///
    /// # Errors
    /// What was found and what is allowed, if it cannot be of this kind.
    pub fn parse(kind: DenyKind, text: &str) -> Result<Self, String> {
        let value = spelled(kind, text.trim());
        let value = value.filter(|value| value.len() <= MAX_VALUE);
        match value {
            Some(value) => Ok(Self { kind, value }),
            None => Err(format!(
                "found {}; allowed is {}",
                shown_text(text),
                kind.allowed()
            )),
        }
    }
}

impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind.as_str(), self.value)
    }
}

/// A value in its one spelling, if it can be of this kind.
fn spelled(kind: DenyKind, text: &str) -> Option<String> {
    let is_word = !text.is_empty() && text.chars().all(|c| !c.is_whitespace() && !c.is_control());
    if !is_word {
        return None;
    }
    match kind {
        DenyKind::Server => {
            let is_name = |c: char| c.is_ascii_alphanumeric() || "-.:[]*".contains(c);
            text.chars().all(is_name).then(|| text.to_ascii_lowercase())
        }
        DenyKind::Room => begins(text, "!"),
        DenyKind::Sender => begins(text, "@").filter(|text| text.contains([':', '*'])),
        DenyKind::Media => {
            let (server, id) = text.strip_prefix("mxc://")?.split_once('/')?;
            let is_whole = !server.is_empty() && !id.is_empty() && !id.contains('/');
            is_whole.then(|| format!("mxc://{}/{id}", server.to_ascii_lowercase()))
        }
        DenyKind::MediaType => {
            let (main, sub) = text.split_once('/')?;
            let is_part = |part: &str| {
                let is_token = |c: char| c.is_ascii_alphanumeric() || "!#$&-^_.+*".contains(c);
                !part.is_empty() && part.chars().all(is_token)
            };
            (is_part(main) && is_part(sub)).then(|| text.to_ascii_lowercase())
        }
        DenyKind::Client => network(text).map(|network| network.to_string()),
        DenyKind::Sha256 => {
            let is_digest = text.len() == 64 && text.bytes().all(|c| c.is_ascii_hexdigit());
            is_digest.then(|| text.to_ascii_lowercase())
        }
    }
}

fn begins(text: &str, sigil: &str) -> Option<String> {
    (text.len() > 1 && text.starts_with(sigil)).then(|| text.to_owned())
}

/// A network, or the one of an address. Of an IPv6 address only the bits count by which clients are told apart.
fn network(text: &str) -> Option<IpNet> {
    let address = || {
        let address = text.parse::<IpAddr>().ok()?.to_canonical();
        Some(IpNet::from(address))
    };
    let network: IpNet = text.parse().ok().or_else(address)?;
    let bits = match network {
        IpNet::V4(_) => network.prefix_len(),
        IpNet::V6(_) => network.prefix_len().min(CLIENT_BITS),
    };
    IpNet::new(network.addr(), bits).ok().map(|net| net.trunc())
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct DenyFile {
    servers: Vec<String>,
    rooms: Vec<String>,
    senders: Vec<String>,
    media: Vec<String>,
    media_types: Vec<String>,
    clients: Vec<String>,
    sha256: Vec<String>,
}

impl DenyFile {
    pub(super) fn checked(self, problems: &mut Problems) -> Vec<Denial> {
        let lists = [
            (DenyKind::Server, "servers", self.servers),
            (DenyKind::Room, "rooms", self.rooms),
            (DenyKind::Sender, "senders", self.senders),
            (DenyKind::Media, "media", self.media),
            (DenyKind::MediaType, "media_types", self.media_types),
            (DenyKind::Client, "clients", self.clients),
            (DenyKind::Sha256, "sha256", self.sha256),
        ];
        let mut denials = Vec::new();
        for (kind, name, texts) in lists {
            for (index, text) in texts.iter().enumerate() {
                match Denial::parse(kind, text) {
                    Ok(denial) => denials.push(denial),
                    Err(problem) => {
                        problems.add(format_args!("abuse.deny.{name}[{index}]"), problem);
                    }
                }
            }
        }
        denials
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_have_one_spelling() {
        for (kind, text, value) in [
            (DenyKind::Server, "Evil.Example:8448", "evil.example:8448"),
            (DenyKind::Server, "*.evil.example", "*.evil.example"),
            (DenyKind::Room, "!Room:evil.example", "!Room:evil.example"),
            (DenyKind::Sender, " @*:evil.example ", "@*:evil.example"),
            (
                DenyKind::Media,
                "mxc://Evil.Example/AbC",
                "mxc://evil.example/AbC",
            ),
            (DenyKind::MediaType, "Video/*", "video/*"),
            (DenyKind::Client, "192.0.2.77", "192.0.2.77/32"),
            (DenyKind::Client, "192.0.2.77/24", "192.0.2.0/24"),
            (DenyKind::Client, "::ffff:192.0.2.1", "192.0.2.1/32"),
            (DenyKind::Client, "2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
            (DenyKind::Client, "2001:db8::/32", "2001:db8::/32"),
        ] {
            let denial = Denial::parse(kind, text).expect(text);
            assert_eq!(denial.value, value);
        }
        let digest = Denial::parse(DenyKind::Sha256, &"Ab".repeat(32)).expect("a digest");
        assert_eq!(digest.value, "ab".repeat(32));
    }

    #[test]
    fn what_is_of_another_kind_is_refused() {
        for (kind, text) in [
            (DenyKind::Server, ""),
            (DenyKind::Server, "evil.example/x"),
            (DenyKind::Room, "#room:evil.example"),
            (DenyKind::Room, "!"),
            (DenyKind::Sender, "mallory"),
            (DenyKind::Sender, "@mallory"),
            (DenyKind::Media, "https://evil.example/a"),
            (DenyKind::Media, "mxc://evil.example"),
            (DenyKind::Media, "mxc://evil.example/a/b"),
            (DenyKind::MediaType, "video"),
            (DenyKind::MediaType, "video/mp4; codecs=x"),
            (DenyKind::Client, "evil.example"),
            (DenyKind::Client, "192.0.2.0/40"),
            (DenyKind::Sha256, "abcd"),
            (DenyKind::Room, "!a b:c"),
        ] {
            let problem = Denial::parse(kind, text).expect_err(text);
            assert!(problem.contains("allowed is"), "{problem}");
        }
        let long = format!("!{}", "a".repeat(MAX_VALUE));
        Denial::parse(DenyKind::Room, &long).expect_err("too long");
    }

    #[test]
    fn kinds_are_read_as_they_are_spelled() {
        for kind in DenyKind::ALL {
            assert_eq!(kind.as_str().parse(), Ok(kind));
        }
        let problem = "rooms".parse::<DenyKind>().expect_err("no kind");
        assert!(problem.contains("server, room, sender"), "{problem}");
    }
}
