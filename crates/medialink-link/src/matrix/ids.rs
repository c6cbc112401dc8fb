//! Room, event and user IDs (Matrix specification, appendices, "Common Identifier Format").

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{error::GrammarError, server_name::ServerName, text_newtype::text_newtype};

/// The longest identifier in bytes, sigil and server name included.
const MAX_IDENTIFIER_BYTES: usize = 255;

/// Checks the rules that room, event and user IDs share: sigil, length, no spaces or controls.
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

    /// The empty text, for media in no room. `parse` never returns it.
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
    /// allowed, as the specification asks of readers.
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
