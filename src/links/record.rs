//! Recording new links: each with the wish that its media be counted. One statement of a kind does for all
//! links that are recorded together.

use std::collections::BTreeSet;

use crate::{
    config::Lifetime,
    limits::{Recorded, Reservation, Sharer},
    random,
    storage::{
        Connection, StorageError,
        links::{self, LinkRow, NewLink, NewPaste},
        media_references::{self, NotedUsage},
        room_policies::RoomPolicy,
        touches,
    },
};
use medialink_link::{ClaimsError, LinkForm, LinkId, LinkState, VerifiedLink, sign_self_contained};

use super::{
    lifetime::{bounded, expiry, lifetime_s, whole_second},
    recorder::Recorder,
    request::{IssueError, IssueRequest, IssuedLink},
};

/// How often a link ID is drawn again before we believe that something is wrong.
const DRAWS: usize = 8;

/// How a new link is made, whatever it promises.
#[derive(Clone, Copy)]
pub(super) struct Terms<'a> {
    pub(super) bridge: &'a str,
    pub(super) form: LinkForm,
    pub(super) policy: &'a RoomPolicy,
    pub(super) now: i64,
    pub(super) paste: Option<&'a NewPaste>,
}

/// A link that is to be recorded.
pub(super) struct Draft {
    /// The link, of no usage yet.
    pub(super) link: NewLink,
    lifetime: Lifetime,
    /// What it takes of its budgets; a paste has that before it is uploaded.
    reserved: Option<Reservation>,
}

impl Recorder {
    /// Records a new link.
    pub(super) async fn issue_new(
        &self,
        connection: &mut Connection,
        terms: Terms<'_>,
        request: IssueRequest,
    ) -> Result<Recorded<IssuedLink>, IssueError> {
        let draft = self.draft(&terms, request)?;
        let written = self
            .write(connection, terms.bridge, vec![draft], terms.now)
            .await?;
        let link = written.rows.into_iter().next();
        let issued = IssuedLink {
            link: link.ok_or(StorageError::Corrupt("link, gone as soon as it was stored"))?,
            is_new: true,
        };
        Ok(Recorded::new(issued, written.reserved))
    }

    /// A link with an ID, which may be taken.
    pub(super) fn draft(
        &self,
        terms: &Terms<'_>,
        request: IssueRequest,
    ) -> Result<Draft, IssueError> {
        let lifetime = request.lifetime.unwrap_or(self.config.links.lifetime);
        let lifetime = bounded(lifetime, terms.policy);
        let link = self.new_link(terms, request, lifetime);
        let sharer = Sharer {
            bridge: terms.bridge,
            room_id: link.claims.room_id.as_str(),
            sender: link.sender.as_deref(),
        };
        let reserved = match terms.paste {
            Some(_) => None,
            None => Some(self.limits.reserve_link(sharer)?),
        };
        let mut draft = Draft {
            link,
            lifetime,
            reserved,
        };
        self.draw(&mut draft)?;
        Ok(draft)
    }

    /// Draws an ID for a link.
    fn draw(&self, draft: &mut Draft) -> Result<(), ClaimsError> {
        match draft.link.form {
            LinkForm::Short | LinkForm::Legacy => {
                draft.link.link_id = LinkId::short(random::bytes()).to_string();
                Ok(())
            }
            LinkForm::SelfContained => self.seal(&mut draft.link, draft.lifetime),
        }
    }

    /// Records links of a bridge, in this order.
    pub(super) async fn write(
        &self,
        connection: &mut Connection,
        bridge: &str,
        mut drafts: Vec<Draft>,
        now: i64,
    ) -> Result<Written, StorageError> {
        let usages = self
            .note_usages(connection, bridge, &mut drafts, now)
            .await?;
        let mut ids = vec![None; drafts.len()];
        for _ in 0..DRAWS {
            let missing = drafts.iter().zip(&ids);
            let missing = missing.filter_map(|(draft, id)| id.is_none().then_some(&draft.link));
            let mut stored = links::insert_all(connection, missing).await?;
            let mut is_missing = false;
            for (draft, id) in drafts.iter_mut().zip(&mut ids) {
                if id.is_none() {
                    // Of two with the same ID, the first one has it.
                    *id = stored.remove(&draft.link.link_id);
                }
                if id.is_none() {
                    is_missing = true;
                    self.draw(draft)
                        .map_err(|_| StorageError::Corrupt("link, too long to be signed again"))?;
                }
            }
            if !is_missing {
                let reserved = drafts.iter_mut().filter_map(|draft| draft.reserved.take());
                let reserved = reserved.collect();
                let links = drafts.into_iter().zip(ids.into_iter().flatten());
                let rows = links.zip(&usages);
                let rows = rows.map(|((draft, id), usage)| draft.link.stored(id, usage));
                return Ok(Written {
                    rows: rows.collect::<Result<_, _>>()?,
                    usages,
                    reserved,
                });
            }
        }
        Err(StorageError::Corrupt(
            "set of link IDs, none of which is free",
        ))
    }

    /// Notes that links use their media, which is to be counted and touched as configured.
    async fn note_usages(
        &self,
        connection: &mut Connection,
        bridge: &str,
        drafts: &mut [Draft],
        now: i64,
    ) -> Result<Vec<NotedUsage>, StorageError> {
        let claims = drafts.iter().map(|draft| &draft.link.claims);
        let used: Vec<_> = claims
            .clone()
            .map(|claims| (claims, self.is_counted(claims)))
            .collect();
        let usages = media_references::note_usages(connection, bridge, &used, now).await?;
        let touched: BTreeSet<String> = claims
            .filter(|claims| self.is_touched(claims))
            .map(|claims| claims.mxc.to_string())
            .collect();
        touches::schedule_all(connection, touched, now).await?;
        for (draft, usage) in drafts.iter_mut().zip(&usages) {
            draft.link.media_reference_id = usage.id;
        }
        Ok(usages)
    }

    /// A link without an ID, of no usage yet.
    fn new_link(&self, terms: &Terms<'_>, request: IssueRequest, lifetime: Lifetime) -> NewLink {
        let issued_at = whole_second(terms.now);
        NewLink {
            link_id: String::new(),
            form: terms.form,
            key_id: Some(self.keys.ring().active().id()),
            sealed: None,
            bridge: terms.bridge.to_owned(),
            media_reference_id: 0,
            claims: request.claims,
            sender: request.sender.map(String::from),
            shown_by: request.shown_by,
            size: request.size,
            appearance: request.appearance.unwrap_or_default(),
            issued_at,
            expires_at: expiry(issued_at, lifetime),
            max_follows: request.max_follows,
            max_size: terms.policy.max_size,
            pages_only: terms.policy.pages_only,
            state: LinkState::Live,
            paste: terms.paste.cloned(),
        }
    }

    /// Signs a self-contained token, which names the link.
    fn seal(&self, link: &mut NewLink, lifetime: Lifetime) -> Result<(), ClaimsError> {
        let ring = self.keys.ring();
        let nonce = random::bytes();
        let lifetime_s = lifetime_s(lifetime);
        let issued_at_s = u32::try_from(link.issued_at / 1000).unwrap_or(u32::MAX);
        let token =
            sign_self_contained(ring.active(), &link.claims, issued_at_s, lifetime_s, nonce)?;
        link.key_id = Some(ring.active().id());
        link.sealed = Some((nonce, lifetime_s));
        link.link_id = ring
            .verify(token.expose())
            .as_ref()
            .map(VerifiedLink::link_id)
            .map_err(|_| ClaimsError::TooLong)?
            .to_string();
        Ok(())
    }
}

/// Links that were recorded.
pub(super) struct Written {
    /// The links.
    pub(super) rows: Vec<LinkRow>,
    /// The usage of each.
    pub(super) usages: Vec<NotedUsage>,
    /// What they take of their budgets.
    pub(super) reserved: Vec<Reservation>,
}
