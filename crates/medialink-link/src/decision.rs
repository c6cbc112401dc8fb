//! Whether a genuine link may be followed now.

use crate::matrix::RoomId;

use super::{
    key::{KeyId, KeyRing, KeyState},
    verify::{SelfContained, Short},
};

/// How far the clock of a signer may be ahead of ours.
const CLOCK_SKEW_S: i64 = 60;

/// Which form a link has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// 43 characters; the database holds the rest.
    Short,
    /// The token holds everything.
    SelfContained,
    /// A bridge has made it, in a format and with a key of its own.
    Legacy,
}

/// The state of a link, as the API tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LinkState {
    /// It can be followed.
    Live,
    /// Its time is over.
    Expired,
    /// It was revoked.
    Revoked,
    /// Its event was redacted.
    Redacted,
    /// It was followed as often as it may be.
    Spent,
}

macro_rules! words {
    ($name:ident { $($variant:ident = $word:literal),+ $(,)? }) => {
        impl $name {
            /// The word used in the API and in the database.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            /// Reads that word.
            #[must_use]
            pub fn parse(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}

words!(Form {
    Short = "short",
    SelfContained = "self_contained",
    Legacy = "legacy",
});
words!(LinkState {
    Live = "live",
    Expired = "expired",
    Revoked = "revoked",
    Redacted = "redacted",
    Spent = "spent",
});

/// Why a genuine link cannot be followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeadLink {
    /// What the database says of it contradicts it, or it comes from the future: no link at all.
    Contradicted,
    /// The key that signed it was revoked.
    KeyRevoked,
    /// It is over, in one of the ways of [`LinkState`].
    Ended(LinkState),
}

/// Decides, from the token alone, whether a self-contained link may go on to the database.
///
/// # Errors
/// [`DeadLink`], if it is over or from the future.
pub fn decide_self_contained(link: &SelfContained, now_ms: i64) -> Result<(), DeadLink> {
    alive_by_token(link.issued_at_s, link.key_state, now_ms)?;
    match link.expires_at_ms() {
        Some(end) if end <= now_ms => Err(DeadLink::Ended(LinkState::Expired)),
        _ => Ok(()),
    }
}

/// Decides whether a short link agrees with what the database holds under its link ID.
/// Expiry and state are the row's: see [`LinkState`].
///
/// # Errors
/// [`DeadLink`], if the row is another link's, or its key was revoked.
pub fn decide_short(
    link: &Short,
    ring: &KeyRing,
    now_ms: i64,
    row: &ShortRow<'_>,
) -> Result<(), DeadLink> {
    let agrees = row.form == Form::Short
        && row.key_id == link.key_id
        && row.issued_at_ms == i64::from(link.issued_at_s) * 1000
        && link
            .bridge
            .as_deref()
            .is_none_or(|bridge| bridge == row.bridge)
        && ring
            .get(link.key_id)
            .is_some_and(|key| link.is_of_room(key, row.room_id));
    if !agrees {
        return Err(DeadLink::Contradicted);
    }
    alive_by_token(link.issued_at_s, link.key_state, now_ms)
}

/// What the database has to say about a short link.
#[derive(Debug, Clone, Copy)]
pub struct ShortRow<'a> {
    /// The form it was issued in.
    pub form: Form,
    /// The key it was signed with.
    pub key_id: KeyId,
    /// When it was issued, in milliseconds since the epoch.
    pub issued_at_ms: i64,
    /// The bridge that asked for it.
    pub bridge: &'a str,
    /// Its room.
    pub room_id: &'a RoomId,
}

/// What a token alone tells of its life, whatever its form.
fn alive_by_token(issued_at_s: u32, key_state: KeyState, now_ms: i64) -> Result<(), DeadLink> {
    if i64::from(issued_at_s) * 1000 > now_ms.saturating_add(CLOCK_SKEW_S * 1000) {
        return Err(DeadLink::Contradicted);
    }
    if key_state == KeyState::Revoked {
        return Err(DeadLink::KeyRevoked);
    }
    Ok(())
}

impl Short {
    /// Decides what the token alone tells, before any I/O.
    ///
    /// # Errors
    /// [`DeadLink`], if it comes from the future or its key was revoked.
    pub fn decide_before_lookup(&self, now_ms: i64) -> Result<(), DeadLink> {
        alive_by_token(self.issued_at_s, self.key_state, now_ms)
    }
}
