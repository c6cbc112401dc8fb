//! Matrix content URIs: `mxc://server/media_id` (Client-Server API, "Content repository").

use std::fmt;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{error::GrammarError, server_name::ServerName};

/// The address of one media item: a server name and a media ID of `[A-Za-z0-9_-]+`.
///
/// Anything else is refused, so that neither part can lead out of a path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct MxcUri {
    server_name: ServerName,
    media_id: String,
}

impl MxcUri {
    /// Reads a whole `mxc://` URI.
    ///
    /// # Errors
    /// If the scheme, the server name or the media ID is not of the grammar.
    pub fn parse(text: &str) -> Result<Self, GrammarError> {
        let refuse = |why| Err(GrammarError::new("an mxc URI", why));
        let Some(rest) = text.strip_prefix("mxc://") else {
            return refuse("it has to begin with mxc://");
        };
        let Some((server, media_id)) = rest.split_once('/') else {
            return refuse("it has to be mxc://<server name>/<media ID>");
        };
        if ServerName::parse(server).is_err() {
            return refuse("its server name is not of the grammar");
        }
        Self::from_parts(server, media_id)
    }

    /// Puts a URI together from its two parts.
    ///
    /// # Errors
    /// If either part is not of its grammar.
    pub fn from_parts(server_name: &str, media_id: &str) -> Result<Self, GrammarError> {
        let refuse = |why| Err(GrammarError::new("an mxc URI", why));
        let server_name = ServerName::parse(server_name)?;
        if media_id.is_empty() {
            return refuse("its media ID is empty");
        }
        if media_id.len() > 255 {
            return refuse("its media ID is longer than 255 bytes");
        }
        if !media_id
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'))
        {
            return refuse("a media ID is made of letters, digits, '_' and '-'");
        }
        Ok(Self {
            server_name,
            media_id: media_id.to_owned(),
        })
    }

    /// The server that holds the media.
    #[must_use]
    pub fn server_name(&self) -> &str {
        self.server_name.as_str()
    }

    /// Whether the media is on this server.
    #[must_use]
    pub fn is_of(&self, server: &ServerName) -> bool {
        self.server_name() == server.as_str()
    }

    /// The media ID on that server.
    #[must_use]
    pub fn media_id(&self) -> &str {
        &self.media_id
    }

    /// Unpadded base64url SHA-256 of the whole URI. Events that must not reveal the address of
    /// media name it so (review of MSC3910).
    #[must_use]
    pub fn hash(&self) -> String {
        URL_SAFE_NO_PAD.encode(Sha256::digest(self.to_string().as_bytes()))
    }
}

impl fmt::Display for MxcUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "mxc://{}/{}", self.server_name, self.media_id)
    }
}

impl TryFrom<String> for MxcUri {
    type Error = GrammarError;
    fn try_from(text: String) -> Result<Self, GrammarError> {
        Self::parse(&text)
    }
}

impl From<MxcUri> for String {
    fn from(mxc: MxcUri) -> String {
        mxc.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_grammar_gets_through() {
        let mxc = MxcUri::parse("mxc://example.org:8448/AQwaf_-1").expect("valid");
        assert_eq!(
            (mxc.server_name(), mxc.media_id()),
            ("example.org:8448", "AQwaf_-1")
        );
        assert_eq!(mxc.to_string(), "mxc://example.org:8448/AQwaf_-1");
        for bad in [
            "",
            "mxc://",
            "mxc://example.org",
            "mxc://example.org/",
            "mxc:///id",
            "mxc://example.org/a/b",
            "mxc://example.org/..",
            "mxc://example.org/a%2fb",
            "mxc://../a",
            "http://example.org/a",
            "mxc://example.org/a?b",
            "mxc://example.org/a b",
            "MXC://example.org/a",
        ] {
            assert!(MxcUri::parse(bad).is_err(), "{bad}");
        }
    }
}
