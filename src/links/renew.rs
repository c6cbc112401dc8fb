//! A short link that is asked for again.

use sqlx::SqliteConnection;

use crate::{
    config::Lifetime,
    storage::{
        StorageError, ending,
        links::{self, LinkRow, Renewal},
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

impl Recorder {
    /// Stores the changes of a repeated request.
    pub(super) async fn renew(
        &self,
        connection: &mut SqliteConnection,
        earlier: LinkRow,
        changes: Changes,
        now: i64,
    ) -> Result<LinkRow, StorageError> {
        let claims = changes.claims;
        let expires_at = match changes.lifetime {
            None => earlier.expires_at,
            Some(lifetime) => expiry(whole_second(now), lifetime),
        };
        let appearance = changes
            .appearance
            .unwrap_or_else(|| earlier.appearance.clone());
        // Media that the event itself has shown is not the edit's alone.
        let shown_by = earlier.shown_by.as_ref().and(changes.shown_by);
        if claims == *earlier.claims
            && shown_by == earlier.shown_by
            && expires_at == earlier.expires_at
            && appearance == earlier.appearance
        {
            return Ok(earlier);
        }
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
