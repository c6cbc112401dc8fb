//! The copies of media that a meta event is sent with (MSC3911).

use std::sync::Arc;

use futures_util::FutureExt;

use crate::{
    clock::Clock,
    config::BridgeConfig,
    homeserver::{Features, Homeserver, HomeserverError},
    storage::{
        Database, StorageError,
        meta_events::{self, ClaimedEvent, CopySource, GiveUp, NewCopy},
    },
};
use medialink_link::matrix::{ContentToken, MxcUri};

use crate::usage::retry::{LONGEST_WAIT_MS, delay_ms, is_permanent};

use super::{context::Context, lookup::EventLookup, outbox::Outbox};

/// For how long a copy that is attached to nothing is relied on, in milliseconds. The proposal
/// lets the homeserver delete it after ten minutes.
const COPY_LIVES_MS: i64 = 5 * 60_000;
/// After how many refusals to attach copies a meta event is given up.
const MAX_REFUSALS: i64 = 5;
/// For how long a homeserver that did not attach several media to one event is not asked to again, in
/// milliseconds.
const ATTACHES_ONE_FOR_MS: i64 = 6 * 3_600_000;

/// The media that is attached to a meta event.
#[derive(Debug, Default)]
pub(super) struct Attached {
    /// The URIs of the copies, always in the same order.
    pub(super) uris: Vec<String>,
    /// Whether all of them were made for this attempt.
    is_new: bool,
}

/// Whether a meta event can be sent.
pub(super) enum Preparation {
    /// It can, with this media.
    Ready(ClaimedEvent, Attached),
    /// Not now, and that is noted.
    Settled,
    /// One of its media cannot be copied, and keeps the others from being counted.
    Hindered {
        event: ClaimedEvent,
        usage: i64,
        error: HomeserverError,
    },
}

/// What becomes of a meta event whose copies were not attached.
pub(super) enum Unattached {
    /// That is noted.
    Settled,
    /// The homeserver attaches one medium to each event: they need events of their own.
    TooMany,
}

/// Makes the copies that meta events are sent with.
#[derive(Debug)]
pub(super) struct Copies {
    database: Database,
    clock: Clock,
    features: Features,
    homeserver: Arc<Homeserver>,
    lookup: EventLookup,
    outbox: Outbox,
}

impl Copies {
    pub(super) fn new(context: &Context, lookup: EventLookup, outbox: Outbox) -> Self {
        Self {
            database: context.database.clone(),
            clock: context.clock.clone(),
            features: context.features.clone(),
            homeserver: Arc::clone(&context.homeserver),
            lookup,
            outbox,
        }
    }

    /// The event with the copies that it is sent with, if any. They are stored before the send, so
    /// that a repeated send is the same to the byte.
    pub(super) async fn prepare(
        &self,
        bridge: &BridgeConfig,
        event: ClaimedEvent,
    ) -> Result<Preparation, StorageError> {
        if !event.has_copy {
            return Ok(Preparation::Ready(event, Attached::default()));
        }
        let mut media = meta_events::copy_sources(self.database.reader(), event.id).await?;
        if media.is_empty() {
            return Err(StorageError::Corrupt("meta event without a medium"));
        }
        let has_earlier = media.iter().any(|medium| medium.copy_mxc.is_some());
        if !has_earlier && !self.features.links_media() {
            return Ok(Preparation::Ready(event, Attached::default()));
        }
        let now = self.clock.now_ms();
        if media.iter().all(|medium| has_copy(medium, now)) {
            return Ok(Preparation::Ready(event, attached(media, false)));
        }
        if has_earlier && self.lookup.settle_if_arrived(bridge, &event).await? {
            return Ok(Preparation::Settled);
        }
        // It may have been sent with copies that are too old now.
        let renews = media
            .iter()
            .any(|medium| medium.copy_mxc.is_some() && !has_copy(medium, now));
        let (made, failure) = self.make_missing(bridge, &event, &mut media, now).await?;
        let is_new = made.len() == media.len();
        let Some(event) = self.note(event, made, renews).await? else {
            return Ok(Preparation::Settled);
        };
        match failure {
            None => Ok(Preparation::Ready(event, attached(media, is_new))),
            Some((usage, error)) => self.not_copied(event, media.len(), usage, error).await,
        }
    }

    /// Makes the copies that are not there, up to the first failure: of which usage, and why.
    async fn make_missing(
        &self,
        bridge: &BridgeConfig,
        event: &ClaimedEvent,
        media: &mut [CopySource],
        now: i64,
    ) -> Result<(Vec<NewCopy>, Option<(i64, HomeserverError)>), StorageError> {
        let mut made = Vec::new();
        for medium in media.iter_mut().filter(|medium| !has_copy(medium, now)) {
            let is_first = medium.copy_mxc.is_none() && event.copies_refused == 0;
            let (mxc, copied_at) = match attachable_since(medium, now).filter(|_| is_first) {
                // Our own upload is attached itself, without a copy, if it can be.
                Some(since) => (medium.mxc.clone(), since),
                None => match self.copy(bridge, medium).await? {
                    Ok(copy) => (copy.to_string(), now),
                    Err(error) => return Ok((made, Some((medium.usage, error)))),
                },
            };
            medium.copy_mxc = Some(mxc.clone());
            medium.copied_at = Some(copied_at);
            made.push(NewCopy {
                usage: medium.usage,
                mxc,
                copied_at,
            });
        }
        Ok((made, None))
    }

    /// A copy of the medium, or of its copy where the medium itself has gone.
    async fn copy(
        &self,
        bridge: &BridgeConfig,
        medium: &CopySource,
    ) -> Result<Result<MxcUri, HomeserverError>, StorageError> {
        let (mxc, token) = to_copy(medium)?;
        let copied = self.homeserver.copy_media(bridge, &mxc, token.as_ref());
        let error = match copied.await {
            Ok(copy) => return Ok(Ok(copy)),
            Err(error) => error,
        };
        let attached = medium.attached_mxc.as_deref().map(MxcUri::parse);
        match attached {
            Some(Ok(attached)) if attached != mxc && why_no_copy(&error).is_some() => {
                let copied = self.homeserver.copy_media(bridge, &attached, None).await;
                Ok(copied.map_err(|_| error))
            }
            _ => Ok(Err(error)),
        }
    }

    /// Notes the copies that were made; `None`: the claim is lost.
    async fn note(
        &self,
        mut event: ClaimedEvent,
        made: Vec<NewCopy>,
        renews: bool,
    ) -> Result<Option<ClaimedEvent>, StorageError> {
        let claim = event.claim();
        let txn_id = self
            .database
            .writer()
            .write::<_, StorageError, _>(move |connection| {
                async move { meta_events::note_copies(connection, &claim, &made, renews).await }
                    .boxed()
            })
            .await?;
        let Some(txn_id) = txn_id else {
            self.outbox.note_lost(&event);
            return Ok(None);
        };
        event.txn_id = txn_id;
        if renews {
            event.unknown_since = None;
        }
        Ok(Some(event))
    }

    /// The homeserver made no copy of one of the media.
    async fn not_copied(
        &self,
        event: ClaimedEvent,
        media: usize,
        usage: i64,
        error: HomeserverError,
    ) -> Result<Preparation, StorageError> {
        let Some(reason) = why_no_copy(&error) else {
            // No event was sent, so its outcome is not in doubt.
            self.outbox.retry(&event, &error, false).await?;
            return Ok(Preparation::Settled);
        };
        if media > 1 {
            return Ok(Preparation::Hindered {
                event,
                usage,
                error,
            });
        }
        let reason = format!("{error}; {reason}");
        self.outbox.give_up(&event, GiveUp::Failed, &reason).await?;
        Ok(Preparation::Settled)
    }

    /// The homeserver refused to attach the copies: it has deleted one, attached one already, or
    /// attaches no more than one.
    pub(super) async fn not_attached(
        &self,
        bridge: &BridgeConfig,
        event: &ClaimedEvent,
        attached: &Attached,
        error: &HomeserverError,
    ) -> Result<Unattached, StorageError> {
        if self.lookup.settle_if_arrived(bridge, event).await? {
            return Ok(Unattached::Settled);
        }
        if attached.uris.len() > 1 && attached.is_new {
            tracing::warn!(bridge = event.bridge, room_id = event.room_id, %error, copies = attached.uris.len(),
                "the homeserver did not attach several copies to one event: each gets its own");
            self.features
                .note_attaches_one(self.clock.now_ms() + ATTACHES_ONE_FOR_MS);
            return Ok(Unattached::TooMany);
        }
        let refused = event.copies_refused + 1;
        if refused >= MAX_REFUSALS {
            let reason = format!("{error}; the homeserver attached none of {refused} copies");
            self.outbox.give_up(event, GiveUp::Failed, &reason).await?;
            return Ok(Unattached::Settled);
        }
        let wait = delay_ms(refused, LONGEST_WAIT_MS);
        tracing::warn!(
            bridge = event.bridge,
            room_id = event.room_id,
            %error,
            refused,
            wait_ms = wait,
            "the homeserver did not attach a copy of media, another one is made"
        );
        self.outbox.replace_copies(event, wait, error).await?;
        Ok(Unattached::Settled)
    }
}

/// Whether a medium has a copy that can be attached.
fn has_copy(medium: &CopySource, now: i64) -> bool {
    medium.copy_mxc.is_some() && medium.copied_at.is_some_and(|at| now < at + COPY_LIVES_MS)
}

fn attached(media: Vec<CopySource>, is_new: bool) -> Attached {
    let uris = media.into_iter().filter_map(|medium| medium.copy_mxc);
    Attached {
        uris: uris.collect(),
        is_new,
    }
}

/// Since when the medium is there, if it can be attached itself, without a copy: we have uploaded it
/// to attach it, it is not attached yet, and the homeserver will keep it for long enough.
fn attachable_since(source: &CopySource, now: i64) -> Option<i64> {
    source
        .own_upload_at
        .filter(|at| source.attached_mxc.is_none() && now < at + COPY_LIVES_MS)
}

/// The media to copy, and the content token for it. An upload of ours lives on as the medium that
/// was attached.
fn to_copy(source: &CopySource) -> Result<(MxcUri, Option<ContentToken>), StorageError> {
    let attached = source.own_upload_at.and(source.attached_mxc.as_deref());
    let mxc = MxcUri::parse(attached.unwrap_or(&source.mxc))
        .map_err(|_| StorageError::Corrupt("mxc URI"))?;
    let token = ContentToken::parse(&source.content_token).ok();
    Ok((mxc, token.filter(|_| attached.is_none())))
}

/// The reason to give up the copy; `None`: asking again may help.
fn why_no_copy(error: &HomeserverError) -> Option<&'static str> {
    match (error.status(), error.errcode()) {
        (_, "M_NOT_YET_UPLOADED") => None,
        (404 | 410, errcode) if !matches!(errcode, "" | "M_UNRECOGNIZED") => {
            Some("the medium to be counted has gone")
        }
        (403, "M_MISSING_CONTENT_TOKEN") => Some(
            "the medium cannot be copied without a content token, and the link has none: the bridge has to give the event's content_token",
        ),
        (403, _) => Some(
            "the bridge's user may not see the medium, so it cannot be copied: links to it go on with the original",
        ),
        _ if is_permanent(error) => Some("the medium cannot be copied"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(status: u16, errcode: &str) -> HomeserverError {
        HomeserverError::Refused {
            status,
            errcode: errcode.to_owned(),
            message: String::new(),
            retry_after_ms: None,
        }
    }

    #[test]
    fn a_copy_is_given_up_only_where_asking_again_is_no_use() {
        for (error, word) in [
            (refused(403, "M_UNAUTHORIZED"), Some("may not see")),
            (refused(403, "M_FORBIDDEN"), Some("may not see")),
            (
                refused(403, "M_MISSING_CONTENT_TOKEN"),
                Some("content token"),
            ),
            (refused(404, "M_NOT_FOUND"), Some("gone")),
            (refused(400, "M_INVALID_PARAM"), Some("cannot be copied")),
            (refused(404, "M_UNRECOGNIZED"), None),
            (refused(404, ""), None),
            (refused(401, "M_UNKNOWN_TOKEN"), None),
            (refused(429, "M_LIMIT_EXCEEDED"), None),
            (refused(504, "M_NOT_YET_UPLOADED"), None),
            (refused(502, ""), None),
            (HomeserverError::Slow, None),
        ] {
            let why = why_no_copy(&error);
            assert_eq!(why.is_some(), word.is_some(), "{error}");
            assert!(
                why.unwrap_or_default().contains(word.unwrap_or_default()),
                "{error}"
            );
        }
    }
}
