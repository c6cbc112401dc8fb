//! Links to pastes: texts of a bridge, which we have uploaded ourselves.

use futures_util::FutureExt;
use sqlx::SqliteConnection;

use crate::{
    config::Lifetime,
    storage::{
        links::{self, NewPaste},
        media_references, memory,
        room_policies::{self, RoomPolicy},
    },
};
use medialink_link::{
    Form, LinkClaims,
    matrix::{ContentToken, EventId, FileKeys, MxcUri, RoomId, UserId},
};

use super::{
    IssueError, IssueRequest, Issued, LinkService,
    issue::{Anew, Draft, bounded, permitted},
};

/// The type of every paste.
const MIMETYPE: &str = "text/plain";
/// For how long a text that is to be attached to an event and is not is believed to be there, in
/// milliseconds (MSC3911: the homeserver may delete it after ten minutes).
const UNATTACHED_LIVES_MS: i64 = 9 * 60_000;

/// A paste that a bridge asks for, without its text.
#[derive(Debug, Clone)]
pub struct PasteRequest {
    /// The room of the message.
    pub room_id: RoomId,
    /// The message.
    pub event_id: Option<EventId>,
    /// Who wrote it.
    pub sender: Option<UserId>,
    /// The name of the text, for people.
    pub filename: Option<String>,
    /// How long the text is, in bytes.
    pub size: i64,
    /// How long the link is to live.
    pub lifetime: Option<Lifetime>,
    /// By what the same request is known again, and the text's language.
    pub paste: NewPaste,
}

/// Where a text is.
#[derive(Debug, Clone)]
pub struct Placed {
    /// The media.
    pub mxc: MxcUri,
    /// The secret that downloading it needs (MSC3910).
    pub content_token: Option<ContentToken>,
    /// How to decrypt it, where it is encrypted.
    pub file: Option<FileKeys>,
    /// That it has to be attached to an event, and since when it is there, in milliseconds since the
    /// epoch (MSC3911).
    pub to_be_attached_since: Option<i64>,
}

impl LinkService {
    /// Whether this paste may be made, and the link to it that is there already. A lifetime that is
    /// given counts from now.
    ///
    /// # Errors
    /// If it may not be made, or the database fails.
    pub(crate) async fn find_paste(
        &self,
        bridge: &str,
        request: PasteRequest,
    ) -> Result<Option<Issued>, IssueError> {
        let (service, bridge) = (self.clone(), bridge.to_owned());
        self.database
            .writer()
            .write(move |connection| {
                async move {
                    let policy = service.policy_for(connection, &request).await?;
                    service
                        .repeat_paste(connection, &bridge, &request, &policy)
                        .await
                }
                .boxed()
            })
            .await
    }

    /// Links a text that was uploaded. Its link is a short one: what decrypts it is in our database
    /// only.
    ///
    /// # Errors
    /// If it may not be linked (any more), or the database fails.
    pub(crate) async fn issue_paste(
        &self,
        bridge: &str,
        request: PasteRequest,
        placed: Placed,
    ) -> Result<Issued, IssueError> {
        let (service, bridge) = (self.clone(), bridge.to_owned());
        self.database
            .writer()
            .write(move |connection| {
                async move {
                    let policy = service.policy_for(connection, &request).await?;
                    let repeated = service
                        .repeat_paste(connection, &bridge, &request, &policy)
                        .await?;
                    if let Some(issued) = repeated {
                        return Ok(issued);
                    }
                    let draft = Draft {
                        bridge: &bridge,
                        form: Form::Short,
                        policy: &policy,
                        now: service.clock.now_ms(),
                        paste: Some(&request.paste),
                    };
                    let since = placed.to_be_attached_since;
                    let wanted = issue_request(&request, placed);
                    let issued = service.issue_new(connection, draft, wanted).await?;
                    if let Some(since) = since {
                        let reference = issued.link.media_reference_id;
                        media_references::note_own_upload(connection, reference, since).await?;
                    }
                    Ok(issued)
                }
                .boxed()
            })
            .await
    }

    /// The policy of the paste's room, if it allows the paste and its event is not redacted.
    async fn policy_for(
        &self,
        connection: &mut SqliteConnection,
        request: &PasteRequest,
    ) -> Result<RoomPolicy, IssueError> {
        let room_id = request.room_id.as_str();
        if let Some(event_id) = &request.event_id
            && memory::is_redacted(connection, room_id, event_id.as_str()).await?
        {
            return Err(IssueError::Redacted);
        }
        let known = room_policies::find_in(connection, room_id).await?;
        let policy = known.unwrap_or_default().policy;
        permitted(&policy, Some(request.size))?;
        Ok(policy)
    }

    /// The live link to the same paste.
    async fn repeat_paste(
        &self,
        connection: &mut SqliteConnection,
        bridge: &str,
        request: &PasteRequest,
        policy: &RoomPolicy,
    ) -> Result<Option<Issued>, IssueError> {
        let now = self.clock.now_ms();
        let digest = &request.paste.digest;
        let attached_or_since = now - UNATTACHED_LIVES_MS;
        let earlier = links::find_paste(connection, digest, attached_or_since, now).await?;
        let Some(earlier) = earlier.filter(|link| link.bridge == bridge) else {
            return Ok(None);
        };
        let anew = Anew {
            claims: LinkClaims::clone(&earlier.claims),
            appearance: None,
            shown_by: None,
            lifetime: request.lifetime.map(|lifetime| bounded(lifetime, policy)),
        };
        let link = self.refresh(connection, earlier, anew, now).await?;
        Ok(Some(Issued {
            link,
            is_new: false,
        }))
    }
}

fn issue_request(request: &PasteRequest, placed: Placed) -> IssueRequest {
    IssueRequest {
        claims: LinkClaims {
            room_id: request.room_id.clone(),
            event_id: request.event_id.clone(),
            mxc: placed.mxc,
            content_token: placed.content_token,
            file: placed.file,
            mimetype: Some(MIMETYPE.to_owned()),
            filename: request.filename.clone(),
        },
        sender: request.sender.clone(),
        size: Some(request.size),
        appearance: None,
        lifetime: request.lifetime,
        form: Some(Form::Short),
        max_follows: None,
        event: None,
        shown_by: None,
    }
}
