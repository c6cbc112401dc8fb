//! The event of a link is looked at before the link is issued, as far as the configuration asks for
//! it.

use std::sync::Arc;

use crate::{
    config::{BridgeConfig, Provenance},
    denials::Subject,
    storage::history,
};
use medialink_event::content_token_of;
use medialink_link::{
    LinkClaims,
    matrix::{ContentToken, UserId},
};

use super::{
    event_lookup::LookupError,
    proof::judge,
    request::{IssueError, IssueRequest, SubmittedEvent},
    service::Links,
};

/// The event was looked up, and is not there for the bridge's user.
const UNREADABLE: &str =
    "event_id: the homeserver shows the bridge's user no such event in this room";

impl Links {
    /// A request whose event was looked at; with the content token that the event has for the
    /// media, if the request has none.
    pub(super) async fn examined(
        &self,
        bridge: &Arc<BridgeConfig>,
        mut request: IssueRequest,
    ) -> Result<IssueRequest, IssueError> {
        let sender = request.sender.as_ref().map(UserId::as_str);
        let subject = Subject::of(&request.claims, sender);
        self.recorder.denials.allow(subject)?;
        let submitted = request.event.take();
        let claims = &request.claims;
        let token = match self.recorder.config.links.provenance {
            Provenance::Check => self.prove(bridge, claims, submitted.as_ref()).await?,
            Provenance::Off => submitted.and_then(|submitted| {
                content_token_of(submitted.event().get("content")?, &claims.mxc)
            }),
        };
        request.claims.content_token = request.claims.content_token.or(token);
        Ok(request)
    }

    /// Looks at the event of a link on the homeserver: it has to share the media. Returns the
    /// content token that the event has for it. Of an encrypted one, `submitted` is the decrypted
    /// form.
    pub(super) async fn prove(
        &self,
        bridge: &Arc<BridgeConfig>,
        claims: &LinkClaims,
        submitted: Option<&SubmittedEvent>,
    ) -> Result<Option<ContentToken>, IssueError> {
        let Some(event_id) = &claims.event_id else {
            return Err(IssueError::Incomplete(
                "event_id is missing: links.provenance asks for the event that shares the media",
            ));
        };
        let reader = self.database.reader();
        let mut connection = reader.acquire().await?;
        let room_id = claims.room_id.as_str();
        if history::is_redacted(&mut connection, room_id, event_id.as_str()).await? {
            return Err(IssueError::Redacted);
        }
        drop(connection);
        let event = match self.events.get(bridge, &claims.room_id, event_id).await {
            Ok(event) => event,
            Err(LookupError::Unreadable(_)) => return Err(IssueError::Unproven(UNREADABLE)),
            Err(LookupError::Failed(why)) => return Err(IssueError::EventLookup(why)),
        };
        if event.is_redacted() {
            self.note_redaction(&claims.room_id, event_id).await?;
            return Err(IssueError::Redacted);
        }
        judge(&event, claims, submitted)
    }
}
