//! Issuing: one commit with the link and the wish that its media be counted.

use std::{
    collections::{BTreeSet, HashMap},
    fmt,
    sync::{Arc, OnceLock},
    time::Duration,
};

use futures_util::FutureExt;
use serde_json::Value;
use sqlx::SqliteConnection;

use crate::{
    config::Lifetime,
    random,
    storage::{
        StorageError,
        links::{self, LinkRow, NewLink, NewPaste},
        media_references::{self, Death},
        memory,
        room_policies::{self, RoomPolicy},
        touches,
    },
};
use medialink_event::Appearance;
use medialink_event::media_of;
use medialink_link::{
    ClaimsError, Form, LinkClaims, LinkId, LinkState, VerifiedLink,
    matrix::{EventId, MxcUri, RoomId, UserId},
    sign_self_contained,
};

use super::{LinkService, millis};

/// How often a link ID is drawn again before we believe that something is wrong.
const DRAWS: usize = 8;

/// What a bridge asks for.
#[derive(Debug, Clone)]
pub struct IssueRequest {
    /// What the link is to promise; only what was given.
    pub claims: LinkClaims,
    /// Who shared the media.
    pub sender: Option<UserId>,
    /// The size in bytes, as far as the bridge knows.
    pub size: Option<i64>,
    /// What its event says of the media, as far as that is known.
    pub appearance: Option<Appearance>,
    /// How long it is to live.
    pub lifetime: Option<Lifetime>,
    /// Which form it is to have.
    pub form: Option<Form>,
    /// How often it may be followed.
    pub max_follows: Option<i64>,
    /// Of what an edit has brought: that edit. Its redaction ends the link as well.
    pub shown_by: Option<EventId>,
    /// The event that shared the media, decrypted where it was encrypted.
    pub event: Option<GivenEvent>,
}

/// An event as a bridge has it. Hidden from `Debug`, since it may hold keys.
#[derive(Clone)]
pub struct GivenEvent(Arc<Given>);

struct Given {
    event: Value,
    media: OnceLock<BTreeSet<MxcUri>>,
}

impl GivenEvent {
    /// An event, of one link or of many.
    #[must_use]
    pub fn new(event: Value) -> Self {
        Self(Arc::new(Given {
            event,
            media: OnceLock::new(),
        }))
    }

    /// The event.
    #[must_use]
    pub fn event(&self) -> &Value {
        &self.0.event
    }

    /// The media that its content names.
    #[must_use]
    pub fn media(&self) -> &BTreeSet<MxcUri> {
        self.0
            .media
            .get_or_init(|| media_of(self.0.event.get("content").unwrap_or(&Value::Null)))
    }
}

impl fmt::Debug for GivenEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GivenEvent(…)")
    }
}

/// What came of it.
#[derive(Debug, Clone)]
pub struct Issued {
    /// The link.
    pub link: LinkRow,
    /// Whether it is new, or one that the bridge had already.
    pub is_new: bool,
}

/// Why no link was issued.
#[derive(Debug, thiserror::Error)]
pub enum IssueError {
    /// Its event was redacted.
    #[error("the event was redacted")]
    Redacted,
    /// The policy of its room allows no links.
    #[error("the room's policy allows no links to its media")]
    RoomForbids,
    /// The policy of its room allows media up to this size only, in bytes.
    #[error("the room's policy allows links to media of up to {0} bytes only")]
    TooLargeForRoom(i64),
    /// What is needed to see that the event shares the media is missing.
    #[error("{0}")]
    Incomplete(&'static str),
    /// The event does not show that it shares the media.
    #[error("{0}")]
    Unproven(&'static str),
    /// The homeserver did not tell what the event shares.
    #[error("the homeserver could not be asked for the event: {0}")]
    EventLookup(String),
    /// The claims do not fit into a link.
    #[error(transparent)]
    Claims(#[from] ClaimsError),
    /// The database failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl LinkService {
    /// Issues links for a bridge, all in one commit, by what is known of their rooms. What is
    /// returned is durable. Requests come here by way of [`Rooms`](crate::rooms::Rooms), which asks
    /// the homeserver for what is not known yet.
    ///
    /// # Errors
    /// If the database fails: then none was issued. What is wrong with one request is told in its
    /// place.
    pub(crate) async fn issue(
        &self,
        bridge: &str,
        requests: Vec<IssueRequest>,
    ) -> Result<Vec<Result<Issued, IssueError>>, StorageError> {
        let service = self.clone();
        let bridge = bridge.to_owned();
        self.database
            .writer()
            .write(move |connection| {
                async move {
                    let mut results = Vec::with_capacity(requests.len());
                    let mut policies = HashMap::<RoomId, RoomPolicy>::new();
                    for request in requests {
                        let room_id = &request.claims.room_id;
                        let policy = match policies.get(room_id) {
                            Some(policy) => policy.clone(),
                            None => {
                                let known =
                                    room_policies::find_in(connection, room_id.as_str()).await?;
                                let policy = known.unwrap_or_default().policy;
                                policies.insert(room_id.clone(), policy.clone());
                                policy
                            }
                        };
                        match service
                            .issue_one(connection, &bridge, request, &policy)
                            .await
                        {
                            Err(IssueError::Storage(error)) => return Err(error),
                            result => results.push(result),
                        }
                    }
                    Ok(results)
                }
                .boxed()
            })
            .await
    }

    async fn issue_one(
        &self,
        connection: &mut SqliteConnection,
        bridge: &str,
        request: IssueRequest,
        policy: &RoomPolicy,
    ) -> Result<Issued, IssueError> {
        let now = self.clock.now_ms();
        if let Some(event_id) = &request.claims.event_id {
            let room_id = request.claims.room_id.as_str();
            if memory::is_gone(connection, room_id, event_id.as_str(), &request.claims.mxc).await? {
                return Err(IssueError::Redacted);
            }
            if let Some(edit) = &request.shown_by
                && memory::is_redacted(connection, room_id, edit.as_str()).await?
            {
                return Err(IssueError::Redacted);
            }
        }
        permitted(policy, request.size)?;
        let form = match request.max_follows {
            Some(_) => Form::Short,
            None => request.form.unwrap_or(self.config.links.form),
        };
        let new = Draft {
            bridge,
            form,
            policy,
            now,
            paste: None,
        };
        if request.max_follows.is_some() {
            return self.issue_new(connection, new, request).await;
        }
        let Some(earlier) =
            links::find_repeated(connection, bridge, &request.claims, form, now).await?
        else {
            return self.issue_new(connection, new, request).await;
        };
        let claims = merged(&earlier.claims, &request.claims);
        match form {
            Form::SelfContained if request.lifetime.is_some() || claims != *earlier.claims => {
                let anew = IssueRequest { claims, ..request };
                self.issue_new(connection, new, anew).await
            }
            Form::SelfContained => Ok(Issued {
                link: earlier,
                is_new: false,
            }),
            Form::Short | Form::Legacy => {
                let anew = Anew {
                    claims,
                    appearance: request.appearance,
                    shown_by: request.shown_by,
                    lifetime: request.lifetime.map(|lifetime| bounded(lifetime, policy)),
                };
                let link = self.refresh(connection, earlier, anew, now).await?;
                Ok(Issued {
                    link,
                    is_new: false,
                })
            }
        }
    }

    /// A short link is asked for again: what was given anew replaces what was stored.
    pub(super) async fn refresh(
        &self,
        connection: &mut SqliteConnection,
        earlier: LinkRow,
        anew: Anew,
        now: i64,
    ) -> Result<LinkRow, IssueError> {
        let claims = anew.claims;
        let expires_at = match anew.lifetime {
            None => earlier.expires_at,
            Some(lifetime) => expiry(whole_second(now), lifetime),
        };
        let appearance = anew
            .appearance
            .unwrap_or_else(|| earlier.appearance.clone());
        // What the event itself has shown is not the edit's alone.
        let shown_by = earlier.shown_by.as_ref().and(anew.shown_by);
        if claims == *earlier.claims
            && shown_by == earlier.shown_by
            && expires_at == earlier.expires_at
            && appearance == earlier.appearance
        {
            return Ok(earlier);
        }
        let reference = if claims.content_token == earlier.claims.content_token {
            earlier.media_reference_id
        } else {
            let counted = self.is_counted(&claims);
            media_references::reference(connection, &earlier.bridge, &claims, counted, now).await?
        };
        let renewal = links::Renewal {
            claims: &claims,
            appearance: &appearance,
            shown_by: shown_by.as_ref(),
            media_reference_id: reference,
            expires_at,
            renewed_at: anew.lifetime.map(|_| whole_second(now)),
        };
        links::update(connection, earlier.id, &renewal).await?;
        if reference != earlier.media_reference_id {
            let left = vec![earlier.media_reference_id];
            media_references::after_deaths(connection, left, Death::Wanted, self.pace(), now)
                .await?;
        }
        stored(connection, &earlier.link_id).await
    }

    pub(super) async fn issue_new(
        &self,
        connection: &mut SqliteConnection,
        draft: Draft<'_>,
        request: IssueRequest,
    ) -> Result<Issued, IssueError> {
        let Draft {
            bridge,
            form,
            policy,
            now,
            paste,
        } = draft;
        let lifetime = request.lifetime.unwrap_or(self.config.links.lifetime);
        let lifetime = bounded(lifetime, policy);
        let issued_at = whole_second(now);
        let counted = self.is_counted(&request.claims);
        let reference =
            media_references::reference(connection, bridge, &request.claims, counted, now).await?;
        if self.is_touched(&request.claims) {
            touches::schedule(connection, &request.claims.mxc.to_string(), now).await?;
        }
        let mut link = NewLink {
            link_id: String::new(),
            form,
            key_id: Some(self.keys.ring().active().id()),
            sealed: None,
            bridge: bridge.to_owned(),
            media_reference_id: reference,
            claims: request.claims,
            sender: request.sender.map(String::from),
            shown_by: request.shown_by,
            size: request.size,
            appearance: request.appearance.unwrap_or_default(),
            issued_at,
            expires_at: expiry(issued_at, lifetime),
            max_follows: request.max_follows,
            max_size: policy.max_size,
            pages_only: policy.pages_only,
            state: LinkState::Live,
            paste: paste.cloned(),
        };
        for _ in 0..DRAWS {
            match form {
                Form::Short | Form::Legacy => {
                    link.link_id = LinkId::short(random::bytes()).to_string()
                }
                Form::SelfContained => self.seal(&mut link, lifetime)?,
            }
            match links::insert(connection, &link).await {
                Ok(()) => {
                    let link = stored(connection, &link.link_id).await?;
                    return Ok(Issued { link, is_new: true });
                }
                Err(error) if error.is_unique_violation() => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(StorageError::Corrupt("set of link IDs, none of which is free").into())
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

/// How a new link is to be made, whatever it promises.
#[derive(Clone, Copy)]
pub(super) struct Draft<'a> {
    pub(super) bridge: &'a str,
    pub(super) form: Form,
    pub(super) policy: &'a RoomPolicy,
    pub(super) now: i64,
    pub(super) paste: Option<&'a NewPaste>,
}

/// What a repeated request gives anew of a short link.
pub(super) struct Anew {
    pub(super) claims: LinkClaims,
    pub(super) appearance: Option<Appearance>,
    pub(super) shown_by: Option<EventId>,
    pub(super) lifetime: Option<Lifetime>,
}

/// Whether the policy of a room allows a link to media of this size, in bytes.
pub(super) fn permitted(policy: &RoomPolicy, size: Option<i64>) -> Result<(), IssueError> {
    if !policy.enabled {
        return Err(IssueError::RoomForbids);
    }
    match (size, policy.max_size) {
        (Some(size), Some(max)) if size > max => Err(IssueError::TooLargeForRoom(max)),
        _ => Ok(()),
    }
}

async fn stored(connection: &mut SqliteConnection, link_id: &str) -> Result<LinkRow, IssueError> {
    Ok(links::find_in(connection, link_id)
        .await?
        .ok_or(StorageError::Corrupt("link, gone as soon as it was stored"))?)
}

/// What was stored, with what was given anew.
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

/// A lifetime as the room's policy allows it.
pub(super) fn bounded(lifetime: Lifetime, policy: &RoomPolicy) -> Lifetime {
    let longest = policy
        .max_lifetime_s()
        .and_then(|seconds| u64::try_from(seconds).ok())
        .map(Duration::from_secs);
    match (lifetime, longest) {
        (_, None) => lifetime,
        (Lifetime::For(span), Some(longest)) if span <= longest => lifetime,
        (_, Some(longest)) => Lifetime::For(longest),
    }
}

/// Links are issued at whole seconds, as tokens tell them.
fn whole_second(now: i64) -> i64 {
    now / 1000 * 1000
}

/// A lifetime in seconds, rounded up; 0: for ever.
pub(super) fn lifetime_s(lifetime: Lifetime) -> u32 {
    match lifetime {
        Lifetime::Never => 0,
        Lifetime::For(span) => {
            let seconds = span.as_millis().div_ceil(1000);
            u32::try_from(seconds).unwrap_or(u32::MAX).max(1)
        }
    }
}

pub(super) fn expiry(issued_at: i64, lifetime: Lifetime) -> Option<i64> {
    match lifetime_s(lifetime) {
        0 => None,
        seconds => Some(issued_at + millis(Duration::from_secs(seconds.into()))),
    }
}
