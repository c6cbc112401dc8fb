//! Which media an event claims to use (MSC3910, "Overview": servers count references to a
//! content token). Reading is pure; whether a claim is right is for the media repository to say.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

/// One reference that an event's content makes, not checked yet.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Claim<'a> {
    /// A token beside the mxc URI it belongs to.
    Uri { mxc: &'a str, token: &'a str },
    /// A token under the hash of the mxc URI, as the meta event of a bridge has it.
    Hash { hash: &'a str, token: &'a str },
    /// A token alone: an encrypted event, whose URI only its recipients can read.
    Token { token: &'a str },
}

/// Every claim in `content`: `content_token` as a string or as a map of hashes, and a member
/// event's `avatar_content_token`.
pub(super) fn claims(content: &Map<String, Value>) -> Vec<Claim<'_>> {
    let mut found = Vec::new();
    match content.get("content_token") {
        Some(Value::String(token)) => found.push(match media_uri(content) {
            Some(mxc) => Claim::Uri { mxc, token },
            None => Claim::Token { token },
        }),
        Some(Value::Object(tokens)) => {
            found.extend(tokens.iter().filter_map(|(hash, token)| {
                let token = token.as_str()?;
                Some(Claim::Hash { hash, token })
            }));
        }
        _ => {}
    }
    let avatar = (
        text(content, "avatar_url"),
        text(content, "avatar_content_token"),
    );
    if let (Some(mxc), Some(token)) = avatar {
        found.push(Claim::Uri { mxc, token });
    }
    found
}

/// The name of a medium in a meta event: unpadded base64url SHA-256 of its whole mxc URI.
pub(super) fn uri_hash(mxc: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(mxc.as_bytes()))
}

fn media_uri(content: &Map<String, Value>) -> Option<&str> {
    text(content, "url").or_else(|| text(content.get("file")?.as_object()?, "url"))
}

fn text<'a>(object: &'a Map<String, Value>, key: &str) -> Option<&'a str> {
    object.get(key).and_then(Value::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn object(value: Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn a_token_belongs_to_the_url_or_to_the_file() {
        let (mxc, token) = ("mxc://a/b", "t");
        let plain = object(json!({"url": mxc, "content_token": token}));
        assert_eq!(claims(&plain), [Claim::Uri { mxc, token }]);
        let file = object(json!({"file": {"url": mxc}, "content_token": token}));
        assert_eq!(claims(&file), [Claim::Uri { mxc, token }]);
        let encrypted = object(json!({"ciphertext": "…", "content_token": token}));
        assert_eq!(claims(&encrypted), [Claim::Token { token }]);
    }

    #[test]
    fn a_meta_event_names_media_by_hash() {
        let content = object(json!({"content_token": {"h1": "t1", "h2": 5, "h3": "t3"}}));
        let expected = [
            Claim::Hash {
                hash: "h1",
                token: "t1",
            },
            Claim::Hash {
                hash: "h3",
                token: "t3",
            },
        ];
        assert_eq!(claims(&content), expected);
    }

    #[test]
    fn an_avatar_has_a_token_of_its_own() {
        let content = object(json!({"avatar_url": "mxc://a/b", "avatar_content_token": "t"}));
        let expected = [Claim::Uri {
            mxc: "mxc://a/b",
            token: "t",
        }];
        assert_eq!(claims(&content), expected);
    }

    #[test]
    fn content_of_any_other_shape_claims_nothing() {
        for value in [
            json!({}),
            json!({"content_token": 7}),
            json!({"content_token": ["t"]}),
        ] {
            assert!(claims(&object(value)).is_empty());
        }
    }

    #[test]
    fn the_hash_is_of_the_whole_uri() {
        let known = "MqVP1zqLfcHc0uM8YBqYthN-Va1arSmCUKjOpcldGXM";
        assert_eq!(uri_hash("mxc://example.org/abc"), known);
    }
}
