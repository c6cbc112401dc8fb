//! Links that bridges have made by themselves live as long as an event shows their media.

use crate::{
    legacy::unsigned_link_id,
    storage::{
        Connection, Lock, StorageError,
        ending::{self, Ending},
        history,
        links::{self, LinkRow, Renewal},
        media_references, open_questions, room_policies,
        seen_media::{self, SeenMedium, Visibility},
        touches,
    },
};
use medialink_link::{LinkClaims, LinkState, matrix::MxcUri};

use super::{
    super::{effect::ShownMedia, recorder::Recorder},
    record::is_revoked,
};

impl Recorder {
    /// Notes that an event has shown media.
    pub(in crate::links) async fn note_shown(
        &self,
        connection: &mut Connection,
        bridge: &str,
        shown: ShownMedia,
        now: i64,
    ) -> Result<(), StorageError> {
        let (room_id, event_id) = (shown.room_id.as_str(), shown.event_id.as_str());
        let shown_by = shown.shown_by.as_str();
        let known = room_policies::find_in(connection, room_id).await?;
        if known.is_none() {
            // It may have forbidden links before we knew it.
            room_policies::note_unanswered(connection, room_id, bridge, 0, Some(now)).await?;
        }
        let is_allowed = known.unwrap_or_default().policy.enabled;
        let is_withdrawn =
            !is_allowed || history::is_redacted(connection, room_id, event_id).await?;
        let is_undone = history::is_redacted(connection, room_id, shown_by).await?;
        if (is_withdrawn || is_undone) && !self.config.legacy_links.has_signed(bridge) {
            // Links that nobody signed are worth nothing unless it was shown.
            return Ok(());
        }
        for (mxc, content_token) in &shown.media {
            let seen = SeenMedium {
                bridge,
                room_id,
                event_id,
                shown_by,
                mxc,
                content_token: content_token.as_ref(),
            };
            seen_media::note(connection, &seen, now).await?;
            // An edit may bring back what another one has dropped.
            if event_id == shown_by
                && history::is_dropped(connection, room_id, event_id, mxc).await?
            {
                seen_media::end_dropped(connection, bridge, room_id, event_id, mxc, now).await?;
            }
        }
        // Noted all the same: signed links to it, which may be around, have ended.
        for (ended, is_ended) in [(event_id, is_withdrawn), (shown_by, is_undone)] {
            if is_ended {
                let event = (room_id.to_owned(), ended.to_owned());
                seen_media::end_of_events(connection, &[event], now).await?;
            }
        }
        for doubted in [event_id, shown_by] {
            open_questions::mark_event(connection, room_id, doubted).await?;
        }
        let media: Vec<_> = shown.media.into_iter().map(|(mxc, _)| mxc).collect();
        let media: Vec<_> = media.iter().map(|mxc| (bridge, mxc)).collect();
        self.update_legacy_of(connection, &media, now).await
    }

    /// Updates the links to media of bridges, which events do not show any more.
    pub(in crate::links) async fn update_legacy(
        &self,
        connection: &mut Connection,
        hidden: &[(String, MxcUri)],
        now: i64,
    ) -> Result<(), StorageError> {
        let media: Vec<_> = hidden
            .iter()
            .map(|(bridge, mxc)| (bridge.as_str(), mxc))
            .collect();
        self.update_legacy_of(connection, &media, now).await
    }

    /// Updates the recorded links to media of bridges by the events that show them now.
    ///
    /// Events of several rooms may show one medium, and links to it are recorded meanwhile: whoever has
    /// changed what shows it waits here for the others, and decides by what all of them have left.
    pub(super) async fn update_legacy_of(
        &self,
        connection: &mut Connection,
        media: &[(&str, &MxcUri)],
        now: i64,
    ) -> Result<(), StorageError> {
        let texts: Vec<_> = media.iter().map(|(_, mxc)| mxc.to_string()).collect();
        let places = || media.iter().zip(&texts);
        let shown = places().map(|((bridge, _), mxc)| Lock::Shown(bridge, mxc));
        let revocations = places().map(|((bridge, _), _)| Lock::KnownRevocations(bridge));
        connection
            .lock(&shown.chain(revocations).collect::<Vec<_>>())
            .await?;
        for (bridge, mxc) in media {
            self.update_links_to(connection, bridge, mxc, now).await?;
        }
        Ok(())
    }

    async fn update_links_to(
        &self,
        connection: &mut Connection,
        bridge: &str,
        mxc: &MxcUri,
        now: i64,
    ) -> Result<(), StorageError> {
        let mut rows = links::legacy_in(connection, bridge, mxc).await?;
        rows.retain(|row| row.state != LinkState::Revoked);
        if rows.is_empty() {
            return Ok(());
        }
        let ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
        let delays = self.release_delays();
        if is_revoked(connection, bridge, mxc).await? {
            // A link that had ended when its media was revoked has stayed as it was then.
            ending::end(connection, Ending::LegacyRevoked(&ids), delays, now).await?;
            return Ok(());
        }
        match seen_media::find(&mut *connection, bridge, mxc).await? {
            Some(Visibility::Shown {
                seen_at,
                content_token,
            }) => {
                links::set_doubted(connection, &ids, false).await?;
                let mut claims = LinkClaims::without_room(mxc.clone());
                claims.content_token = content_token;
                self.revive_legacy(connection, bridge, rows, &claims, seen_at, now)
                    .await
            }
            Some(Visibility::Doubted) => Ok(links::set_doubted(connection, &ids, true).await?),
            Some(Visibility::Hidden) | None => {
                ending::end(connection, Ending::LegacyNotShown(&ids), delays, now).await?;
                Ok(())
            }
        }
    }

    /// Has links live on, to media that was shown last at `seen_at`.
    async fn revive_legacy(
        &self,
        connection: &mut Connection,
        bridge: &str,
        rows: Vec<LinkRow>,
        claims: &LinkClaims,
        seen_at: i64,
        now: i64,
    ) -> Result<(), StorageError> {
        let usage = media_references::note_usage(connection, bridge, claims, false, now).await?;
        let unsigned = unsigned_link_id(bridge, &claims.mxc).to_string();
        let legacy = &self.config.legacy_links;
        let serves_unsigned = legacy.unsigned_lifetime_ms(bridge).is_some();
        for row in rows {
            let renewal = Renewal {
                claims,
                appearance: &row.appearance,
                shown_by: None,
                media_reference_id: usage,
                expires_at: if row.link_id == unsigned && serves_unsigned {
                    self.unsigned_end(bridge, seen_at)
                } else {
                    row.expires_at
                },
                renewed_at: None,
            };
            ending::renew(connection, &row, &renewal, self.release_delays(), now).await?;
            links::revive(connection, row.id).await?;
        }
        if self.is_touched(claims) {
            touches::schedule(connection, &claims.mxc.to_string(), now).await?;
        }
        Ok(())
    }
}
