//! The link core: bytes in, values out. No I/O, no clock, no dice: time and randomness are
//! parameters. The format is described in `docs/link-format.md`.
//!
//! A bridge written in Rust signs by itself with [`KeyRing::active`] and [`sign_self_contained`]:
//!
//! ```
//! use medialink_link::{KeyFile, KeyRing, LinkClaims, sign_self_contained};
//! use medialink_link::matrix::{MxcUri, RoomId};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // The key file as JSON; the service's own is YAML.
//! let key_file = r#"{"keys": [{"id": 1, "secret": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8",
//!     "state": "active", "created": "2026-01-01T00:00:00Z"}]}"#;
//! let ring = KeyRing::from_entries(serde_json::from_str::<KeyFile>(key_file)?.keys)?;
//! let claims = LinkClaims::new(
//!     RoomId::parse("!OGEhHVWSdvArJzumhm:matrix.org")?,
//!     MxcUri::parse("mxc://example.com/AQwafuaFswefuhsfAFAgsw")?,
//! );
//! let now_s = 1_790_000_000;
//! let lifetime_s = 14 * 86_400;
//! let nonce = [7; 12]; // take these from a random generator
//! let token = sign_self_contained(ring.active(), &claims, now_s, lifetime_s, nonce)?;
//! let url = format!("https://media.example.org/m/{}", token.expose());
//!
//! let link = ring.verify(token.expose())?;
//! assert_eq!(link.issued_at_s(), now_s);
//! # Ok(()) }
//! ```

mod claims;
mod decision;
mod key;
pub mod matrix;
mod sealed;
mod sign;
mod token;
mod verify;

pub use claims::{ClaimsError, LinkClaims, fit_filename};
pub use decision::{DeadLink, Form, LinkState, ShortRow, decide_self_contained, decide_short};
pub use key::{KeyEntry, KeyFile, KeyId, KeyRing, KeyRingError, KeyState, LinkKey};
pub use sign::{sign_self_contained, sign_short};
pub use token::{LinkId, LinkToken, MAX_TOKEN_CHARS};
pub use verify::{NotALink, SelfContained, Short, VerifiedLink};
