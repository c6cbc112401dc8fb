//! The copy of a medium that a meta event carries (MSC3911).

use crate::{
    config::BridgeConfig,
    homeserver::HomeserverError,
    storage::{
        StorageError,
        meta_events::{self, GivenUp, Medium, MetaEventRow},
    },
};
use futures_util::FutureExt;
use medialink_link::matrix::{ContentToken, MxcUri};

use super::{
    backoff::delay_ms,
    worker::{LONGEST_WAIT_MS, UsageWorker, is_hopeless},
};

/// For how long a copy that is attached to nothing is relied on, in milliseconds. The proposal
/// lets the homeserver delete it after ten minutes.
const COPY_LIVES_MS: i64 = 5 * 60_000;
/// After how many copies that the homeserver refused to attach a meta event is given up.
const MOST_COPIES: i64 = 5;

impl UsageWorker {
    /// Makes sure of the copy that a meta event is sent with, if any. It is stored before the
    /// send, so that a repeated send is the same to the byte. `None`: the event is not to be sent
    /// now, and that is noted.
    pub(super) async fn copied(
        &self,
        bridge: &BridgeConfig,
        mut event: MetaEventRow,
    ) -> Result<Option<MetaEventRow>, StorageError> {
        let earlier = event.copy_mxc.is_some();
        if !event.has_copy || !earlier && !self.features.links_media() {
            return Ok(Some(event));
        }
        let now = self.now();
        if earlier && event.copied_at.is_some_and(|at| now < at + COPY_LIVES_MS) {
            return Ok(Some(event));
        }
        if earlier && self.settle_if_arrived(bridge, &event).await? {
            return Ok(None);
        }
        let reader = self.database.reader();
        let Some(medium) = meta_events::medium(reader, event.id).await? else {
            return Err(StorageError::Corrupt("meta event without a medium"));
        };
        let is_first = !earlier && event.copies_refused == 0;
        let made = match medium.attachable_since(now).filter(|_| is_first) {
            Some(since) => Ok((medium.mxc, since)),
            None => {
                let (mxc, token) = medium.source()?;
                let copied = self.homeserver.copy_media(bridge, &mxc, token.as_ref());
                copied.await.map(|copy| (copy.to_string(), now))
            }
        };
        match made {
            Ok((copy, copied_at)) => {
                let id = event.id;
                event.copy_mxc = Some(copy.clone());
                let txn_id = self
                    .write(move |connection| {
                        async move { meta_events::note_copy(connection, id, &copy, copied_at).await }
                            .boxed()
                    })
                    .await?;
                let Some(txn_id) = txn_id else {
                    return Ok(None);
                };
                event.txn_id = txn_id;
                if earlier {
                    event.unknown_since = None;
                }
                event.copied_at = Some(copied_at);
                Ok(Some(event))
            }
            Err(error) => {
                self.not_copied(&event, &error).await?;
                Ok(None)
            }
        }
    }

    /// The homeserver made no copy.
    async fn not_copied(
        &self,
        event: &MetaEventRow,
        error: &HomeserverError,
    ) -> Result<(), StorageError> {
        let Some(why) = why_no_copy(error) else {
            // No event was sent, so its outcome is not in doubt.
            return self.try_again(event, error, false).await;
        };
        self.give_up(event, GivenUp::Failed, &format!("{error}; {why}"))
            .await
    }

    /// The homeserver refused to attach the copy: it has given it up, or attached it already.
    pub(super) async fn not_attached(
        &self,
        bridge: &BridgeConfig,
        event: &MetaEventRow,
        error: &HomeserverError,
    ) -> Result<(), StorageError> {
        if self.settle_if_arrived(bridge, event).await? {
            return Ok(());
        }
        let refused = event.copies_refused + 1;
        if refused >= MOST_COPIES {
            let told = format!("{error}; the homeserver attached none of {refused} copies");
            return self.give_up(event, GivenUp::Failed, &told).await;
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
        metrics::counter!("medialink_meta_events_total", "outcome" => "retried").increment(1);
        let (id, at, told) = (event.id, self.now() + wait, error.to_string());
        self.write(move |connection| {
            async move { meta_events::copy_anew(connection, id, at, &told).await }.boxed()
        })
        .await
    }
}

impl Medium {
    /// Since when it is there, if it can be attached itself, without a copy: we have uploaded it to
    /// be attached, it is not yet, and the homeserver will keep it for long enough.
    fn attachable_since(&self, now: i64) -> Option<i64> {
        self.own_upload_at
            .filter(|at| self.copy_mxc.is_none() && now < at + COPY_LIVES_MS)
    }

    /// What to copy, and the content token for it. What we have uploaded to be attached lives on
    /// as what was attached.
    fn source(&self) -> Result<(MxcUri, Option<ContentToken>), StorageError> {
        let attached = self.own_upload_at.and(self.copy_mxc.as_deref());
        let mxc = MxcUri::parse(attached.unwrap_or(&self.mxc))
            .map_err(|_| StorageError::Corrupt("mxc URI"))?;
        let token = ContentToken::parse(&self.content_token).ok();
        Ok((mxc, token.filter(|_| attached.is_none())))
    }
}

/// What a refusal of a copy means, where asking again is no use.
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
        _ if is_hopeless(error) => Some("the medium cannot be copied"),
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
