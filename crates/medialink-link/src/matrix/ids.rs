//! Identifiers: server names, room, event and user IDs
//! (Matrix specification, appendices, "Common Identifier Format").

use std::fmt;

use serde::{Deserialize, Serialize};

use super::GrammarError;

/// The longest identifier in bytes, sigil and server name included.
const MAX_IDENTIFIER_BYTES: usize = 255;

macro_rules! text_newtype {
    ($name:ident) => {
        impl $name {
            /// The text, as it stands in Matrix events.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl std::str::FromStr for $name {
            type Err = GrammarError;
            fn from_str(text: &str) -> Result<Self, GrammarError> {
                Self::parse(text)
            }
        }

        impl TryFrom<String> for $name {
            type Error = GrammarError;
            fn try_from(text: String) -> Result<Self, GrammarError> {
                Self::parse(&text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0
            }
        }
    };
}

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
        const WHAT: &str = "a Matrix server name";
        let refuse = |why| Err(GrammarError::new(WHAT, why));
        if text.is_empty() {
            return refuse("it is empty");
        }
        if text.len() > MAX_IDENTIFIER_BYTES {
            return refuse("it is longer than 255 bytes");
        }
        let (host, port) = match text.strip_prefix('[') {
            Some(rest) => {
                let Some((address, after)) = rest.split_once(']') else {
                    return refuse("its bracket is never closed");
                };
                if address.parse::<std::net::Ipv6Addr>().is_err() {
                    return refuse("what stands in brackets is no IPv6 address");
                }
                match after {
                    "" => ("", None),
                    _ => match after.strip_prefix(':') {
                        Some(port) => ("", Some(port)),
                        None => return refuse("only a port may follow the bracket"),
                    },
                }
            }
            None => match text.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (text, None),
            },
        };
        if !text.starts_with('[') {
            if host.is_empty() {
                return refuse("it has no host");
            }
            if !host
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.'))
            {
                return refuse("a host is made of letters, digits, '-' and '.'");
            }
            // A host of dots alone would be a step upwards where it becomes part of a path.
            if !host.bytes().any(|b| b.is_ascii_alphanumeric()) {
                return refuse("a host has at least one letter or digit");
            }
        }
        if let Some(port) = port
            && (port.is_empty() || port.len() > 5 || !port.bytes().all(|b| b.is_ascii_digit()))
        {
            return refuse("a port is 1 to 5 digits");
        }
        Ok(Self(text.to_owned()))
    }
}

/// Checks what room, event and user IDs have in common: sigil, length, no spaces or controls.
fn checked(text: &str, sigil: char, what: &'static str) -> Result<String, GrammarError> {
    let refuse = |why| Err(GrammarError::new(what, why));
    let Some(rest) = text.strip_prefix(sigil) else {
        return refuse(match sigil {
            '!' => "it has to begin with '!'",
            '$' => "it has to begin with '$'",
            _ => "it has to begin with '@'",
        });
    };
    if rest.is_empty() {
        return refuse("nothing follows the sigil");
    }
    if text.len() > MAX_IDENTIFIER_BYTES {
        return refuse("it is longer than 255 bytes");
    }
    if rest.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return refuse("it holds white space or control characters");
    }
    if let Some((local, server)) = rest.split_once(':') {
        if local.is_empty() && sigil != '@' {
            return refuse("nothing stands before the server name");
        }
        if ServerName::parse(server).is_err() {
            return refuse("what follows the colon is no server name");
        }
    } else if sigil == '@' {
        return refuse("it has no server name");
    }
    Ok(text.to_owned())
}

/// A room ID: `!opaque:server`, or since room version 12 `!` and a hash without a server name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RoomId(String);
text_newtype!(RoomId);

impl RoomId {
    /// Reads a room ID.
    ///
    /// # Errors
    /// If the sigil is missing, it is empty or too long, holds white space or control
    /// characters, or names an impossible server.
    pub fn parse(text: &str) -> Result<Self, GrammarError> {
        checked(text, '!', "a room ID").map(Self)
    }

    /// The empty text, for what is in no room. No text is read as it.
    pub fn none() -> Self {
        Self(String::new())
    }
}

/// An event ID: `$opaque:server`, or since room version 3 `$` and a hash.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EventId(String);
text_newtype!(EventId);

impl EventId {
    /// Reads an event ID.
    ///
    /// # Errors
    /// If the sigil is missing, it is empty or too long, holds white space or control
    /// characters, or names an impossible server.
    pub fn parse(text: &str) -> Result<Self, GrammarError> {
        checked(text, '$', "an event ID").map(Self)
    }
}

/// A user ID: `@localpart:server`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct UserId(String);
text_newtype!(UserId);

impl UserId {
    /// Reads a user ID. Historical local parts (any character but white space and controls) are
    /// allowed, as the specification asks of those who read.
    ///
    /// # Errors
    /// If the sigil or the server name is missing, or it is too long.
    pub fn parse(text: &str) -> Result<Self, GrammarError> {
        checked(text, '@', "a user ID").map(Self)
    }

    /// The part between `@` and `:`.
    #[must_use]
    pub fn localpart(&self) -> &str {
        self.0[1..].split_once(':').map_or("", |(local, _)| local)
    }

    /// The part after the first `:`.
    #[must_use]
    pub fn server_name(&self) -> &str {
        self.0.split_once(':').map_or("", |(_, server)| server)
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

    #[test]
    fn identifiers_need_sigil_and_sane_text() {
        assert!(RoomId::parse("!r:example.org").is_ok());
        assert!(RoomId::parse("!HxxbL613hDQCTxU3mGNGknkX9HVabn0_2R8iZTt8MTI").is_ok());
        assert!(EventId::parse("$143273582443PhrSn:example.org").is_ok());
        assert!(EventId::parse("$acR1l0raoZnm60CBwAVgqbZqoO/mYU81xysh1u7XcJk").is_ok());
        for bad in [
            "",
            "!",
            "r:example.org",
            "!a b:c",
            "!a\n:c",
            "!:example.org",
            "!a:b/c",
            "#a:b",
        ] {
            assert!(RoomId::parse(bad).is_err(), "{bad}");
        }
        assert!(RoomId::parse(&format!("!{}", "a".repeat(255))).is_err());
        let user = UserId::parse("@irc bot:example.org");
        assert!(user.is_err());
        let user = UserId::parse("@ircbot:example.org").expect("valid");
        assert_eq!(
            (user.localpart(), user.server_name()),
            ("ircbot", "example.org")
        );
        assert!(UserId::parse("@ircbot").is_err());
    }

    #[test]
    fn an_error_says_what_is_wrong_and_does_not_repeat_the_text() {
        let error = RoomId::parse("secret").expect_err("no sigil").to_string();
        assert_eq!(error, "not a room ID: it has to begin with '!'");
    }
}
