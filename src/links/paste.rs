//! Links to pastes: texts of a bridge, which we have uploaded ourselves.

use futures_util::FutureExt;

use crate::{
    config::Lifetime,
    denials::Subject,
    limits::{Recorded, Reservation, Sharer},
    storage::{
        Connection, Lock, history,
        links::{self, LinkRow, NewPaste},
        media_references, open_questions, own_uploads,
        room_policies::{self, RoomPolicy},
    },
};
use medialink_link::{
    LinkClaims, LinkForm,
    matrix::{ContentToken, EventId, FileKeys, MxcUri, RoomId, UserId},
};

use super::{
    lifetime::bounded,
    policy::permitted,
    record::Terms,
    recorder::Recorder,
    renew::Changes,
    request::{IssueError, IssueRequest, IssuedLink},
    service::Links,
};

/// The media type of every paste.
const MIMETYPE: &str = "text/plain";
/// How long a text that waits to be attached to an event is relied on, in milliseconds (MSC3911: the
/// homeserver may delete it after ten minutes).
const UNATTACHED_LIVES_MS: i64 = 9 * 60_000;

/// A paste that a bridge asks for, without its text.
#[derive(Debug, Clone)]
pub struct PasteRequest {
    /// The room of the message.
    pub room_id: RoomId,
    /// The message.
    pub event_id: Option<EventId>,
    /// The author.
    pub sender: Option<UserId>,
    /// The name of the text, for people.
    pub filename: Option<String>,
    /// How long the text is, in bytes.
    pub size: i64,
    /// How long the link is to live.
    pub lifetime: Option<Lifetime>,
    /// The digest by which the same request is known again, and the text's language.
    pub paste: NewPaste,
}

/// A text that was uploaded to the homeserver.
#[derive(Debug, Clone)]
pub struct UploadedText {
    /// The media.
    pub mxc: MxcUri,
    /// The secret that downloading it needs (MSC3910).
    pub content_token: Option<ContentToken>,
    /// How to decrypt the text, where it is encrypted.
    pub file: Option<FileKeys>,
    /// When it was uploaded, in milliseconds since the epoch, if it has to be attached to an event
    /// (MSC3911).
    pub to_be_attached_since: Option<i64>,
}

impl Links {
    /// Whether this paste may be made, and the link to it that the bridge has already. A lifetime
    /// that the request names counts from now.
    ///
    /// # Errors
    /// If it may not be made, or the database fails.
    pub(crate) async fn find_paste(
        &self,
        bridge: &str,
        request: PasteRequest,
    ) -> Result<Option<IssuedLink>, IssueError> {
        self.recorder.denials.allow(Subject {
            room_id: request.room_id.as_str(),
            sender: request.sender.as_ref().map(UserId::as_str),
            mxc: None,
            mimetype: Some(MIMETYPE),
        })?;
        let (recorder, bridge) = (self.recorder.clone(), bridge.to_owned());
        self.database
            .writer()
            .write(move |connection| {
                async move {
                    let room = Lock::KnownRoom(request.room_id.as_str());
                    connection.lock(&[room]).await?;
                    let policy = policy_for(connection, &request).await?;
                    recorder
                        .repeat_paste(connection, &bridge, &request, &policy)
                        .await
                }
                .boxed()
            })
            .await
    }

    /// Reserves a paste, before it is uploaded.
    ///
    /// # Errors
    /// If the bridge, the room or the sender has had too many.
    pub(crate) fn reserve_paste(
        &self,
        bridge: &str,
        request: &PasteRequest,
    ) -> Result<Reservation, IssueError> {
        let sharer = Sharer {
            bridge,
            room_id: request.room_id.as_str(),
            sender: request.sender.as_ref().map(UserId::as_str),
        };
        Ok(self.recorder.limits.reserve_paste(sharer)?)
    }

    /// Links a text that was uploaded. Its link is a short one: the key that decrypts the text is
    /// in our database only.
    ///
    /// # Errors
    /// If it may not be linked (any more), or the database fails.
    pub(crate) async fn issue_paste(
        &self,
        bridge: &str,
        request: PasteRequest,
        text: UploadedText,
    ) -> Result<IssuedLink, IssueError> {
        let (recorder, bridge) = (self.recorder.clone(), bridge.to_owned());
        let written = self.database.writer().write(move |connection| {
            async move {
                let room = Lock::Room(request.room_id.as_str());
                connection.lock(&[room]).await?;
                recorder
                    .issue_paste(connection, &bridge, request, text)
                    .await
            }
            .boxed()
        });
        Ok(written.await?.kept())
    }
}

/// The policy of the paste's room, if it allows the paste and its event is not redacted.
async fn policy_for(
    connection: &mut Connection,
    request: &PasteRequest,
) -> Result<RoomPolicy, IssueError> {
    let room_id = request.room_id.as_str();
    if let Some(event_id) = &request.event_id
        && history::is_redacted(connection, room_id, event_id.as_str()).await?
    {
        return Err(IssueError::Redacted);
    }
    if let Some(event_id) = &request.event_id
        && open_questions::is_doubted(connection, room_id, event_id.as_str(), None).await?
    {
        return Err(IssueError::Doubted);
    }
    let known = room_policies::find_in(connection, room_id).await?;
    let policy = known.unwrap_or_default().policy;
    permitted(&policy, Some(request.size))?;
    Ok(policy)
}

impl Recorder {
    async fn issue_paste(
        &self,
        connection: &mut Connection,
        bridge: &str,
        request: PasteRequest,
        text: UploadedText,
    ) -> Result<Recorded<IssuedLink>, IssueError> {
        let policy = policy_for(connection, &request).await?;
        let repeated = self
            .repeat_paste(connection, bridge, &request, &policy)
            .await?;
        if let Some(issued) = repeated {
            // Uploaded in vain.
            let now = self.clock.now_ms();
            own_uploads::note(connection, &text.mxc.to_string(), bridge, now).await?;
            return Ok(Recorded::new(issued, Vec::new()));
        }
        let terms = Terms {
            bridge,
            form: LinkForm::Short,
            policy: &policy,
            now: self.clock.now_ms(),
            paste: Some(&request.paste),
        };
        // The homeserver is to delete it once it has no links.
        own_uploads::note(connection, &text.mxc.to_string(), bridge, terms.now).await?;
        let since = text.to_be_attached_since;
        let wanted = issue_request(&request, text);
        let recorded = self.issue_new(connection, terms, wanted).await?;
        if let Some(since) = since {
            let usage = recorded.outcome().link.media_reference_id;
            media_references::note_own_upload(connection, usage, since).await?;
        }
        Ok(recorded)
    }

    /// The live link to the same paste.
    async fn repeat_paste(
        &self,
        connection: &mut Connection,
        bridge: &str,
        request: &PasteRequest,
        policy: &RoomPolicy,
    ) -> Result<Option<IssuedLink>, IssueError> {
        let now = self.clock.now_ms();
        let digest = &request.paste.digest;
        let attached_or_since = now - UNATTACHED_LIVES_MS;
        let earlier = links::find_paste(connection, digest, attached_or_since, now).await?;
        let is_same = |link: &LinkRow| link.bridge == bridge && link.decided.is_none();
        let Some(earlier) = earlier.filter(is_same) else {
            return Ok(None);
        };
        let changes = Changes {
            claims: LinkClaims::clone(&earlier.claims),
            appearance: None,
            shown_by: None,
            lifetime: request.lifetime.map(|lifetime| bounded(lifetime, policy)),
        };
        let link = self.renew(connection, earlier, changes, now).await?;
        Ok(Some(IssuedLink {
            link,
            is_new: false,
        }))
    }
}

fn issue_request(request: &PasteRequest, text: UploadedText) -> IssueRequest {
    IssueRequest {
        claims: LinkClaims {
            room_id: request.room_id.clone(),
            event_id: request.event_id.clone(),
            mxc: text.mxc,
            content_token: text.content_token,
            file: text.file,
            mimetype: Some(MIMETYPE.to_owned()),
            filename: request.filename.clone(),
        },
        sender: request.sender.clone(),
        size: Some(request.size),
        appearance: None,
        lifetime: request.lifetime,
        form: Some(LinkForm::Short),
        max_follows: None,
        event: None,
        shown_by: None,
    }
}
