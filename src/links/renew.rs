//! A short link that is asked for again.

use crate::{
    config::Lifetime,
    storage::{
        Connection, StorageError, ending,
        links::{self, LinkRow, NewLink, Renewal},
        media_references,
    },
};
use medialink_event::Appearance;
use medialink_link::{LinkClaims, matrix::EventId};

use super::{
    lifetime::{expiry, whole_second},
    recorder::Recorder,
};

/// The fields that a repeated request may change of a short link.
pub(super) struct Changes {
    pub(super) claims: LinkClaims,
    /// `None`: as it is stored.
    pub(super) appearance: Option<Appearance>,
    /// The edit that brought the media, if one did.
    pub(super) shown_by: Option<EventId>,
    /// Counts from now; `None`: the link ends when it would have ended.
    pub(super) lifetime: Option<Lifetime>,
}

/// What of a link a repeated request may change, as it is now.
pub(super) struct Present<'a> {
    pub(super) claims: &'a LinkClaims,
    pub(super) appearance: &'a Appearance,
    pub(super) shown_by: Option<&'a EventId>,
    pub(super) expires_at: Option<i64>,
}

impl<'a> From<&'a LinkRow> for Present<'a> {
    fn from(link: &'a LinkRow) -> Self {
        Self {
            claims: &link.claims,
            appearance: &link.appearance,
            shown_by: link.shown_by.as_ref(),
            expires_at: link.expires_at,
        }
    }
}

impl<'a> From<&'a NewLink> for Present<'a> {
    fn from(link: &'a NewLink) -> Self {
        Self {
            claims: &link.claims,
            appearance: &link.appearance,
            shown_by: link.shown_by.as_ref(),
            expires_at: link.expires_at,
        }
    }
}

impl Changes {
    /// The edit that has brought the media. Media that the event itself has shown is not the edit's alone.
    fn shown_by(&self, present: &Present<'_>) -> Option<&EventId> {
        present.shown_by.and(self.shown_by.as_ref())
    }

    fn expires_at(&self, present: &Present<'_>, now: i64) -> Option<i64> {
        match self.lifetime {
            None => present.expires_at,
            Some(lifetime) => expiry(whole_second(now), lifetime),
        }
    }

    /// Whether a link stays as it is.
    pub(super) fn are_none(&self, present: &Present<'_>, now: i64) -> bool {
        self.claims == *present.claims
            && self.shown_by(present) == present.shown_by
            && self.expires_at(present, now) == present.expires_at
            && self
                .appearance
                .as_ref()
                .is_none_or(|appearance| appearance == present.appearance)
    }
}

impl Recorder {
    /// Stores the changes of a repeated request.
    pub(super) async fn renew(
        &self,
        connection: &mut Connection,
        earlier: LinkRow,
        changes: Changes,
        now: i64,
    ) -> Result<LinkRow, StorageError> {
        let present = Present::from(&earlier);
        if changes.are_none(&present, now) {
            return Ok(earlier);
        }
        let shown_by = changes.shown_by(&present).cloned();
        let expires_at = changes.expires_at(&present, now);
        let claims = changes.claims;
        let appearance = changes
            .appearance
            .unwrap_or_else(|| earlier.appearance.clone());
        let usage = if claims.content_token == earlier.claims.content_token {
            earlier.media_reference_id
        } else {
            let (bridge, is_counted) = (&earlier.bridge, self.is_counted(&claims));
            media_references::note_usage(connection, bridge, &claims, is_counted, now).await?
        };
        let renewal = Renewal {
            claims: &claims,
            appearance: &appearance,
            shown_by: shown_by.as_ref(),
            media_reference_id: usage,
            expires_at,
            renewed_at: changes.lifetime.map(|_| whole_second(now)),
        };
        let delays = self.release_delays();
        ending::renew(connection, &earlier, &renewal, delays, now).await?;
        links::stored(connection, &earlier.link_id).await
    }
}
