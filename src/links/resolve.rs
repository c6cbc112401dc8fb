//! Resolving: from a verified token to a [`Grant`], or to the reason why there is none. The cheapest
//! checks come first; a link that its token alone refutes reaches no database.

use std::sync::Arc;

use futures_util::FutureExt;

use crate::{
    config::CheckEvent,
    storage::{
        StorageError, ending,
        links::{self, LinkRow},
        tombstones::{self, Tombstone},
    },
};
use medialink_link::{
    LinkClaims, LinkState, SelfContainedLink, ShortLink, StoredShortLink, VerifiedLink,
    decide_short,
};

use super::{
    event_lookup::LookupError,
    grant::{Grant, Refusal},
    service::Links,
};

impl Links {
    /// Decides whether a verified link may be followed now. One that was signed elsewhere passes
    /// the rules of an issue first; with `check_event: follow`, the event is looked at.
    ///
    /// # Errors
    /// [`Refusal`], if it may not.
    pub async fn resolve(&self, link: &VerifiedLink) -> Result<Grant, Refusal> {
        if let VerifiedLink::SelfContained(link) = link {
            Box::pin(self.examine_if_unrecorded(link)).await?;
        }
        let grant = self.resolve_recorded(link).await?;
        if self.recorder.config.links.check_event == CheckEvent::Follow {
            Box::pin(self.look_at_event(&grant)).await?;
        }
        Ok(grant)
    }

    async fn examine_if_unrecorded(&self, link: &SelfContainedLink) -> Result<(), Refusal> {
        match self.bridge_of_unrecorded(link).await? {
            Some(bridge) => self.examine_unrecorded(bridge, link).await,
            None => Ok(()),
        }
    }

    /// Asks the homeserver whether the event of a link is still there.
    async fn look_at_event(&self, grant: &Grant) -> Result<(), Refusal> {
        let LinkClaims {
            room_id, event_id, ..
        } = &*grant.link.claims;
        let Some(event_id) = event_id else {
            return Ok(());
        };
        let event = self.events.get(&grant.bridge, room_id, event_id).await;
        if event.map_err(lookup_failed)?.is_redacted() {
            self.note_redaction(room_id, event_id).await?;
            return Err(Refusal::Ended(LinkState::Redacted));
        }
        Ok(())
    }

    /// Decides without asking, and records a link that was signed elsewhere.
    async fn resolve_recorded(&self, link: &VerifiedLink) -> Result<Grant, Refusal> {
        let now = self.now();
        let row = match link {
            VerifiedLink::Short(link) => self.resolve_short(link, now).await?,
            VerifiedLink::SelfContained(link) => {
                Box::pin(self.resolve_self_contained(link, now)).await?
            }
        };
        self.recorder.grant(row, now)
    }

    async fn resolve_short(&self, link: &ShortLink, now: i64) -> Result<Arc<LinkRow>, Refusal> {
        link.decide_before_lookup(now)?;
        let link_id = link.link_id().to_string();
        let Some(row) = self.database.link(&link_id).await? else {
            return Err(self.buried(&link_id, link.key_bridge()).await?);
        };
        let ring = self.recorder.keys.ring();
        let recorded = StoredShortLink {
            form: row.form,
            key_id: row.key_id.ok_or(Refusal::NotALink)?,
            issued_at_ms: row.issued_at,
            bridge: &row.bridge,
            room_id: &row.claims.room_id,
        };
        decide_short(link, &ring, now, &recorded)?;
        Ok(row)
    }

    /// Why a genuine link is refused of which there is no row, by the bridge that its key is bound to, if it is
    /// bound to one.
    pub(super) async fn buried(
        &self,
        link_id: &str,
        bridge: Option<&str>,
    ) -> Result<Refusal, StorageError> {
        let found = match bridge {
            Some(bridge) => self.tombstone(&[bridge], link_id).await?,
            None => self.tombstone(&self.bridges(), link_id).await?,
        };
        Ok(found.map_or(Refusal::NotALink, |tombstone| {
            Refusal::Ended(tombstone.state)
        }))
    }

    /// The bridges that are configured.
    pub(super) fn bridges(&self) -> Vec<&str> {
        let bridges = self.recorder.config.bridges.iter();
        bridges.map(|bridge| bridge.id.as_str()).collect()
    }

    /// What is left of a link of one of these bridges.
    pub(super) async fn tombstone(
        &self,
        bridges: &[&str],
        link_id: &str,
    ) -> Result<Option<Tombstone>, StorageError> {
        tombstones::find(self.database.reader(), bridges, link_id).await
    }

    /// Takes one of a limited number of follows, exactly; the last one ends the link.
    ///
    /// # Errors
    /// [`Refusal`], if none is left.
    pub async fn take_follow(&self, link: &LinkRow) -> Result<(), Refusal> {
        let (id, now, delays) = (link.id, self.now(), self.recorder.release_delays());
        let is_taken = self
            .database
            .writer()
            .write::<_, StorageError, _>(move |connection| {
                async move { ending::take_follow(connection, id, delays, now).await }.boxed()
            })
            .await?;
        if is_taken {
            return Ok(());
        }
        Err(Refusal::Ended(self.end_of(link, now).await?))
    }

    /// How a link has ended that was live a moment ago.
    async fn end_of(&self, link: &LinkRow, now: i64) -> Result<LinkState, StorageError> {
        let row = links::find(self.database.reader(), &link.link_id).await?;
        Ok(match row.map(|row| row.state_at(now)) {
            None | Some(LinkState::Live) => LinkState::Spent,
            Some(state) => state,
        })
    }
}

fn lookup_failed(error: LookupError) -> Refusal {
    Refusal::EventLookup(error.to_string())
}
