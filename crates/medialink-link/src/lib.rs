#![doc = include_str!("../README.md")]

mod claims;
mod decision;
mod key;
mod key_file;
mod key_ring;
pub mod matrix;
mod sealed;
mod sign;
mod state;
mod token;
mod verified;
mod verify;

pub use claims::{ClaimsError, LinkClaims, fit_filename};
pub use decision::{LinkRefusal, StoredShortLink, decide_self_contained, decide_short};
pub use key::LinkKey;
pub use key_file::{KeyEntry, KeyFile, KeyId, KeyState};
pub use key_ring::{KeyRing, KeyRingError};
pub use sign::{sign_self_contained, sign_short};
pub use state::{LinkForm, LinkState};
pub use token::{LinkId, LinkToken, MAX_TOKEN_CHARS};
pub use verified::{SelfContainedLink, ShortLink, VerifiedLink};
pub use verify::NotALink;
