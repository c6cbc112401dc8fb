//! Whether a genuine link may be followed now.

use crate::matrix::RoomId;

use super::{
    key_file::{KeyId, KeyState},
    key_ring::KeyRing,
    state::{LinkForm, LinkState},
    verified::{SelfContainedLink, ShortLink},
};

/// How far the clock of a signer may be ahead of ours.
const CLOCK_SKEW_S: i64 = 60;

/// Why a genuine link cannot be followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkRefusal {
    /// The database contradicts it, or it was issued in the future: it is no link at all.
    Contradicted,
    /// The key that signed it was revoked.
    KeyRevoked,
    /// It ended, in one of the ways of [`LinkState`].
    Ended(LinkState),
}

/// The facts that a database holds about a short link.
#[derive(Debug, Clone, Copy)]
pub struct StoredShortLink<'a> {
    /// The form it was issued in.
    pub form: LinkForm,
    /// The key it was signed with.
    pub key_id: KeyId,
    /// When it was issued, in milliseconds since the epoch.
    pub issued_at_ms: i64,
    /// The bridge that asked for it.
    pub bridge: &'a str,
    /// The room that its media was shared in.
    pub room_id: &'a RoomId,
}

/// Decides, from the token alone, whether a self-contained link may be looked up.
///
/// # Errors
/// [`LinkRefusal`], if it has expired, its key was revoked or it was issued in the future.
pub fn decide_self_contained(link: &SelfContainedLink, now_ms: i64) -> Result<(), LinkRefusal> {
    decide_by_token(link.issued_at_s(), link.key_state(), now_ms)?;
    match link.expires_at_ms() {
        Some(end) if end <= now_ms => Err(LinkRefusal::Ended(LinkState::Expired)),
        _ => Ok(()),
    }
}

/// Decides whether a short link agrees with the facts that the database holds under its link ID.
/// Its expiry and its [`LinkState`] are in the database too, and are the caller's to check.
///
/// # Errors
/// [`LinkRefusal`], if they are another link's, or its key was revoked.
pub fn decide_short(
    link: &ShortLink,
    ring: &KeyRing,
    now_ms: i64,
    stored: &StoredShortLink<'_>,
) -> Result<(), LinkRefusal> {
    let agrees = stored.form == LinkForm::Short
        && stored.key_id == link.key_id()
        && stored.issued_at_ms == i64::from(link.issued_at_s()) * 1000
        && link
            .key_bridge()
            .is_none_or(|bridge| bridge == stored.bridge)
        && ring
            .get(link.key_id())
            .is_some_and(|key| link.is_of_room(key, stored.room_id));
    if !agrees {
        return Err(LinkRefusal::Contradicted);
    }
    link.decide_before_lookup(now_ms)
}

impl ShortLink {
    /// Decides, from the token alone, whether the link may be looked up.
    ///
    /// # Errors
    /// [`LinkRefusal`], if it was issued in the future or its key was revoked.
    pub fn decide_before_lookup(&self, now_ms: i64) -> Result<(), LinkRefusal> {
        decide_by_token(self.issued_at_s(), self.key_state(), now_ms)
    }
}

fn decide_by_token(issued_at_s: u32, key_state: KeyState, now_ms: i64) -> Result<(), LinkRefusal> {
    if i64::from(issued_at_s) * 1000 > now_ms.saturating_add(CLOCK_SKEW_S * 1000) {
        return Err(LinkRefusal::Contradicted);
    }
    if key_state == KeyState::Revoked {
        return Err(LinkRefusal::KeyRevoked);
    }
    Ok(())
}
