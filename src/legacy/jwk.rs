//! The key file of matrix-appservice-bridge: a JSON Web Key (RFC 7517; RFC 7518, section 6.4).

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::Value;
use zeroize::Zeroizing;

use super::LegacyKey;

/// Why a text is no key for links. It never repeats a part that may be secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JwkError {
    /// It is not a JSON object.
    #[error("it is not a JSON object; allowed is a JSON Web Key (RFC 7517)")]
    NotJson,
    /// A field has another value.
    #[error("its {name:?} is not {allowed}")]
    Field {
        /// The field.
        name: &'static str,
        /// What is allowed.
        allowed: &'static str,
    },
}

impl LegacyKey {
    /// Reads the JWK file of matrix-appservice-bridge: a symmetric key (`kty`: `oct`) for
    /// HMAC-SHA-512. Its `alg` is `HS512`, or left out, which the bridge takes as well (RFC 7517,
    /// section 4.4, and Web Cryptography, "HMAC", "Import Key").
    ///
    /// # Errors
    /// If it is something else.
    pub fn from_jwk(text: &str) -> Result<Self, JwkError> {
        let jwk: Value = serde_json::from_str(text).map_err(|_| JwkError::NotJson)?;
        let jwk = jwk.as_object().ok_or(JwkError::NotJson)?;
        let is = |name, wanted| jwk.get(name).and_then(Value::as_str) == Some(wanted);
        for (name, allowed, is_allowed) in [
            ("kty", "\"oct\"", is("kty", "oct")),
            (
                "alg",
                "\"HS512\"",
                !jwk.contains_key("alg") || is("alg", "HS512"),
            ),
        ] {
            if !is_allowed {
                return Err(JwkError::Field { name, allowed });
            }
        }
        let key = jwk.get("k").and_then(Value::as_str);
        key.and_then(|key| URL_SAFE_NO_PAD.decode(key).ok())
            .map(Zeroizing::new)
            .and_then(|bytes| Self::new(bytes.as_slice()))
            .ok_or(JwkError::Field {
                name: "k",
                allowed: "unpadded base64url of at least one byte",
            })
    }
}
