//! Recording a link that a bridge asks for: one write with the link and the wish that its media be
//! counted.

use sqlx::SqliteConnection;

use crate::{
    config::Lifetime,
    random,
    storage::{
        StorageError, history,
        links::{self, NewLink, NewPaste},
        media_references, open_questions,
        room_policies::RoomPolicy,
        touches,
    },
};
use medialink_link::{
    ClaimsError, LinkClaims, LinkForm, LinkId, LinkState, VerifiedLink, sign_self_contained,
};

use super::{
    lifetime::{bounded, expiry, lifetime_s, whole_second},
    policy::permitted,
    recorder::Recorder,
    renew::Changes,
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

impl Recorder {
    /// Issues a link, or returns the one that the bridge has already.
    pub(super) async fn issue_one(
        &self,
        connection: &mut SqliteConnection,
        bridge: &str,
        request: IssueRequest,
        policy: &RoomPolicy,
    ) -> Result<IssuedLink, IssueError> {
        let now = self.clock.now_ms();
        if is_redacted(connection, &request).await? {
            return Err(IssueError::Redacted);
        }
        if is_doubted(connection, &request).await? {
            return Err(IssueError::Doubted);
        }
        permitted(policy, request.size)?;
        let form = match request.max_follows {
            Some(_) => LinkForm::Short,
            None => request.form.unwrap_or(self.config.links.form),
        };
        let terms = Terms {
            bridge,
            form,
            policy,
            now,
            paste: None,
        };
        if request.max_follows.is_some() {
            return self.issue_new(connection, terms, request).await;
        }
        let Some(earlier) =
            links::find_repeated(connection, bridge, &request.claims, form, now).await?
        else {
            return self.issue_new(connection, terms, request).await;
        };
        let claims = merged(&earlier.claims, &request.claims);
        let link = match form {
            LinkForm::SelfContained if request.lifetime.is_some() || claims != *earlier.claims => {
                let merged = IssueRequest { claims, ..request };
                return self.issue_new(connection, terms, merged).await;
            }
            LinkForm::SelfContained => earlier,
            LinkForm::Short | LinkForm::Legacy => {
                let changes = Changes {
                    claims,
                    appearance: request.appearance,
                    shown_by: request.shown_by,
                    lifetime: request.lifetime.map(|lifetime| bounded(lifetime, policy)),
                };
                self.renew(connection, earlier, changes, now).await?
            }
        };
        Ok(IssuedLink {
            link,
            is_new: false,
        })
    }

    /// Records a new link.
    pub(super) async fn issue_new(
        &self,
        connection: &mut SqliteConnection,
        terms: Terms<'_>,
        request: IssueRequest,
    ) -> Result<IssuedLink, IssueError> {
        let lifetime = request.lifetime.unwrap_or(self.config.links.lifetime);
        let lifetime = bounded(lifetime, terms.policy);
        let usage = self.note_usage(connection, &terms, &request.claims).await?;
        let mut link = self.new_link(&terms, request, usage, lifetime);
        for _ in 0..DRAWS {
            match terms.form {
                LinkForm::Short | LinkForm::Legacy => {
                    link.link_id = LinkId::short(random::bytes()).to_string();
                }
                LinkForm::SelfContained => self.seal(&mut link, lifetime)?,
            }
            match links::insert(connection, &link).await {
                Ok(()) => {
                    let link = links::stored(connection, &link.link_id).await?;
                    return Ok(IssuedLink { link, is_new: true });
                }
                Err(error) if error.is_unique_violation() => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(StorageError::Corrupt("set of link IDs, none of which is free").into())
    }

    /// Notes that a link uses this media, which is to be counted and touched as configured.
    async fn note_usage(
        &self,
        connection: &mut SqliteConnection,
        terms: &Terms<'_>,
        claims: &LinkClaims,
    ) -> Result<i64, StorageError> {
        let (is_counted, now) = (self.is_counted(claims), terms.now);
        let usage =
            media_references::note_usage(connection, terms.bridge, claims, is_counted, now).await?;
        if self.is_touched(claims) {
            touches::schedule(connection, &claims.mxc.to_string(), now).await?;
        }
        Ok(usage)
    }

    /// A link without an ID.
    fn new_link(
        &self,
        terms: &Terms<'_>,
        request: IssueRequest,
        usage: i64,
        lifetime: Lifetime,
    ) -> NewLink {
        let issued_at = whole_second(terms.now);
        NewLink {
            link_id: String::new(),
            form: terms.form,
            key_id: Some(self.keys.ring().active().id()),
            sealed: None,
            bridge: terms.bridge.to_owned(),
            media_reference_id: usage,
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
    fn seal(&self, link: &mut NewLink, lifetime: Lifetime) -> Result<(), IssueError> {
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

/// Whether the event of a request was redacted, has lost the media by an edit, or the edit that
/// brought it was redacted.
async fn is_redacted(
    connection: &mut SqliteConnection,
    request: &IssueRequest,
) -> Result<bool, StorageError> {
    let claims = &request.claims;
    let Some(event_id) = &claims.event_id else {
        return Ok(false);
    };
    let room_id = claims.room_id.as_str();
    if history::is_gone(connection, room_id, event_id.as_str(), &claims.mxc).await? {
        return Ok(true);
    }
    match &request.shown_by {
        Some(edit) => history::is_redacted(connection, room_id, edit.as_str()).await,
        None => Ok(false),
    }
}

/// Whether the homeserver has not told yet whether any of that is so.
async fn is_doubted(
    connection: &mut SqliteConnection,
    request: &IssueRequest,
) -> Result<bool, StorageError> {
    let claims = &request.claims;
    let room_id = claims.room_id.as_str();
    let mxc = Some(&claims.mxc);
    for (event_id, mxc) in [(&claims.event_id, mxc), (&request.shown_by, None)] {
        if let Some(event_id) = event_id
            && open_questions::is_doubted(connection, room_id, event_id.as_str(), mxc).await?
        {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The stored claims, with those that a repeated request has replaced.
fn merged(stored: &LinkClaims, given: &LinkClaims) -> LinkClaims {
    LinkClaims {
        content_token: given
            .content_token
            .clone()
            .or_else(|| stored.content_token.clone()),
        file: given.file.clone().or_else(|| stored.file.clone()),
        filename: given.filename.clone().or_else(|| stored.filename.clone()),
        mimetype: given.mimetype.clone().or_else(|| stored.mimetype.clone()),
        ..stored.clone()
    }
}
