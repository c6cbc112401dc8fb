//! Recording a link that a bridge has made by itself.

use crate::{
    legacy::LegacyLink,
    storage::{
        Connection, Lock, StorageError, history,
        links::{self, LinkRow, NewLink},
        media_references,
        seen_media::{self, Visibility},
        tombstones::{self, Tombstone},
        touches,
    },
};
use medialink_event::Appearance;
use medialink_link::{
    LinkClaims, LinkForm, LinkState,
    matrix::{ContentToken, MxcUri},
};

use super::super::{grant::Refusal, recorder::Recorder};

/// Whether the links of a bridge to a medium were revoked. Nobody knows when they were issued:
/// before every revocation.
pub(super) async fn is_revoked(
    connection: &mut Connection,
    bridge: &str,
    mxc: &MxcUri,
) -> Result<bool, StorageError> {
    history::is_revoked(connection, bridge, "", "", &mxc.to_string(), 0).await
}

/// How a link has ended of which only a tombstone is left, unless an event has brought it back.
pub(super) fn still_ended(
    tombstone: &Tombstone,
    visibility: Option<&Visibility>,
) -> Option<LinkState> {
    let may_be_back = matches!(tombstone.state, LinkState::Expired | LinkState::Redacted)
        && matches!(visibility, Some(Visibility::Shown { .. }));
    (!may_be_back).then_some(tombstone.state)
}

/// How a link has ended that is not recorded any more, unless it may be recorded again. Nobody revokes it beside
/// this write.
async fn end_of_buried(
    connection: &mut Connection,
    bridge: &str,
    link_id: &str,
    visibility: Option<&Visibility>,
) -> Result<Option<LinkState>, StorageError> {
    let buried = tombstones::find(&mut *connection, &[bridge], link_id).await?;
    if buried.is_none() {
        return Ok(None);
    }
    connection.lock(&[Lock::Tombstones]).await?;
    let buried = tombstones::find(&mut *connection, &[bridge], link_id).await?;
    Ok(buried.and_then(|tombstone| still_ended(&tombstone, visibility)))
}

impl Recorder {
    pub(super) async fn record_legacy(
        &self,
        connection: &mut Connection,
        link: &LegacyLink,
        link_id: &str,
        now: i64,
    ) -> Result<LinkRow, Refusal> {
        if let Some(row) = links::find_in(connection, link_id).await? {
            return Ok(row);
        }
        let bridge = link.bridge();
        if is_revoked(connection, bridge, link.mxc()).await? {
            return Err(Refusal::Ended(LinkState::Revoked));
        }
        let mut claims = LinkClaims::without_room(link.mxc().clone());
        let visibility = seen_media::find(&mut *connection, bridge, link.mxc()).await?;
        let buried = end_of_buried(connection, bridge, link_id, visibility.as_ref()).await?;
        if let Some(state) = buried {
            return Err(Refusal::Ended(state));
        }
        let expires_at;
        (claims.content_token, expires_at) = self.legacy_worth(visibility, link, now)?;
        let usage = media_references::note_usage(connection, bridge, &claims, false, now).await?;
        if self.is_touched(&claims) {
            touches::schedule(connection, &claims.mxc.to_string(), now).await?;
        }
        let new = NewLink {
            link_id: link_id.to_owned(),
            form: LinkForm::Legacy,
            key_id: None,
            sealed: None,
            bridge: bridge.to_owned(),
            media_reference_id: usage,
            claims,
            appearance: Appearance::default(),
            shown_by: None,
            paste: None,
            sender: None,
            size: None,
            issued_at: now,
            expires_at,
            max_follows: None,
            max_size: None,
            pages_only: false,
            state: LinkState::Live,
        };
        links::insert(connection, &new).await?;
        Ok(links::stored(connection, link_id).await?)
    }

    /// The content token of a link, and when it ends, by the events that show its media.
    pub(super) fn legacy_worth(
        &self,
        visibility: Option<Visibility>,
        link: &LegacyLink,
        now: i64,
    ) -> Result<(Option<ContentToken>, Option<i64>), Refusal> {
        match visibility {
            None if link.is_signed() => Ok((None, link.expires_at_ms())),
            None => Err(Refusal::NotALink),
            Some(Visibility::Hidden | Visibility::Doubted) => {
                Err(Refusal::Ended(LinkState::Redacted))
            }
            Some(Visibility::Shown {
                seen_at,
                content_token,
            }) => {
                let expires_at = if link.is_signed() {
                    link.expires_at_ms()
                } else {
                    self.unsigned_end(link.bridge(), seen_at)
                };
                if expires_at.is_some_and(|end| end <= now) {
                    return Err(Refusal::Ended(LinkState::Expired));
                }
                Ok((content_token, expires_at))
            }
        }
    }

    /// When a link that nobody signed ends; `None`: never.
    pub(super) fn unsigned_end(&self, bridge: &str, seen_at: i64) -> Option<i64> {
        let lifetime_ms = self.config.legacy_links.unsigned_lifetime_ms(bridge);
        lifetime_ms
            .flatten()
            .map(|lifetime| seen_at.saturating_add(lifetime))
    }
}
