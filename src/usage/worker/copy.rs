//! The copy of a medium that a meta event is sent with (MSC3911).

use std::sync::Arc;

use futures_util::FutureExt;

use crate::{
    clock::Clock,
    config::BridgeConfig,
    homeserver::{Features, Homeserver, HomeserverError},
    storage::{
        Database, StorageError,
        meta_events::{self, ClaimedEvent, CopySource, GiveUp},
    },
};
use medialink_link::matrix::{ContentToken, MxcUri};

use crate::usage::retry::{LONGEST_WAIT_MS, delay_ms, is_permanent};

use super::{context::Context, lookup::EventLookup, outbox::Outbox};

/// For how long a copy that is attached to nothing is relied on, in milliseconds. The proposal
/// lets the homeserver delete it after ten minutes.
const COPY_LIVES_MS: i64 = 5 * 60_000;
/// After how many copies that the homeserver refused to attach a meta event is given up.
const MAX_COPIES: i64 = 5;

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

    /// The event with the copy that it is sent with, if any. The copy is stored before the send, so
    /// that a repeated send is the same to the byte. `None`: the event is not to be sent now, and that
    /// is noted.
    pub(super) async fn with_copy(
        &self,
        bridge: &BridgeConfig,
        event: ClaimedEvent,
    ) -> Result<Option<ClaimedEvent>, StorageError> {
        let has_earlier = event.copy_mxc.is_some();
        if !event.has_copy || !has_earlier && !self.features.links_media() {
            return Ok(Some(event));
        }
        let now = self.clock.now_ms();
        if has_earlier && event.copied_at.is_some_and(|at| now < at + COPY_LIVES_MS) {
            return Ok(Some(event));
        }
        if has_earlier && self.lookup.settle_if_arrived(bridge, &event).await? {
            return Ok(None);
        }
        match self.make(bridge, &event, now).await? {
            Ok((copy, copied_at)) => self.note(event, copy, copied_at).await,
            Err(error) => {
                self.not_copied(&event, &error).await?;
                Ok(None)
            }
        }
    }

    /// A copy that may be attached, and since when it is there. Our own upload is attached itself,
    /// without a copy, if it can be.
    async fn make(
        &self,
        bridge: &BridgeConfig,
        event: &ClaimedEvent,
        now: i64,
    ) -> Result<Result<(String, i64), HomeserverError>, StorageError> {
        let reader = self.database.reader();
        let Some(source) = meta_events::copy_source(reader, event.id).await? else {
            return Err(StorageError::Corrupt("meta event without a medium"));
        };
        let is_first = event.copy_mxc.is_none() && event.copies_refused == 0;
        if let Some(since) = attachable_since(&source, now).filter(|_| is_first) {
            return Ok(Ok((source.mxc, since)));
        }
        let (mxc, token) = to_copy(&source)?;
        let copied = self
            .homeserver
            .copy_media(bridge, &mxc, token.as_ref())
            .await;
        Ok(copied.map(|copy| (copy.to_string(), now)))
    }

    async fn note(
        &self,
        mut event: ClaimedEvent,
        copy: String,
        copied_at: i64,
    ) -> Result<Option<ClaimedEvent>, StorageError> {
        let (claim, noted) = (event.claim(), copy.clone());
        let txn_id = self
            .database
            .writer()
            .write::<_, StorageError, _>(move |connection| {
                async move { meta_events::note_copy(connection, &claim, &noted, copied_at).await }
                    .boxed()
            })
            .await?;
        let Some(txn_id) = txn_id else {
            self.outbox.note_lost(&event);
            return Ok(None);
        };
        event.txn_id = txn_id;
        if event.copy_mxc.is_some() {
            event.unknown_since = None;
        }
        event.copy_mxc = Some(copy);
        event.copied_at = Some(copied_at);
        Ok(Some(event))
    }

    /// The homeserver made no copy.
    async fn not_copied(
        &self,
        event: &ClaimedEvent,
        error: &HomeserverError,
    ) -> Result<(), StorageError> {
        let Some(reason) = why_no_copy(error) else {
            // No event was sent, so its outcome is not in doubt.
            return self.outbox.retry(event, error, false).await;
        };
        let reason = format!("{error}; {reason}");
        self.outbox.give_up(event, GiveUp::Failed, &reason).await
    }

    /// The homeserver refused to attach the copy: it has deleted it, or attached it already.
    pub(super) async fn not_attached(
        &self,
        bridge: &BridgeConfig,
        event: &ClaimedEvent,
        error: &HomeserverError,
    ) -> Result<(), StorageError> {
        if self.lookup.settle_if_arrived(bridge, event).await? {
            return Ok(());
        }
        let refused = event.copies_refused + 1;
        if refused >= MAX_COPIES {
            let reason = format!("{error}; the homeserver attached none of {refused} copies");
            return self.outbox.give_up(event, GiveUp::Failed, &reason).await;
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
        self.outbox.replace_copy(event, wait, error).await
    }
}

/// Since when the medium is there, if it can be attached itself, without a copy: we have uploaded it
/// to attach it, it is not attached yet, and the homeserver will keep it for long enough.
fn attachable_since(source: &CopySource, now: i64) -> Option<i64> {
    source
        .own_upload_at
        .filter(|at| source.copy_mxc.is_none() && now < at + COPY_LIVES_MS)
}

/// The media to copy, and the content token for it. An upload of ours lives on as the medium that
/// was attached.
fn to_copy(source: &CopySource) -> Result<(MxcUri, Option<ContentToken>), StorageError> {
    let attached = source.own_upload_at.and(source.copy_mxc.as_deref());
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
