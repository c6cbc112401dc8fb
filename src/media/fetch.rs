//! Asking the homeserver for media: for the copy or the original, as the bridge's user or as the
//! sender.

use std::{sync::Arc, time::Duration};

use medialink_link::matrix::{ServerName, UserId};

use crate::{
    config::Config,
    homeserver::{Download, Features, HomeserverError, MediaClient, MediaRequest, MediaVariant},
    limits::Limits,
    links::{Asked, Presence, Told},
};

use super::{
    ByteRange, MediaError,
    order::Order,
    upstream::{DownloadAnswer, DownloadTerms, FetchedMedia},
};

/// Asks the homeserver for media.
pub struct Fetcher {
    homeserver: Arc<MediaClient>,
    features: Features,
    presence: Presence,
    server_name: ServerName,
    max_bytes: u64,
    limits: Limits,
}

impl Fetcher {
    /// Asks over the connections of a client.
    #[must_use]
    pub fn new(
        homeserver: Arc<MediaClient>,
        features: Features,
        presence: Presence,
        config: &Config,
        limits: Limits,
    ) -> Self {
        Self {
            homeserver,
            features,
            presence,
            server_name: config.homeserver.server_name.clone(),
            max_bytes: config.media.max_size_bytes,
            limits,
        }
    }

    /// The longest time between two pieces of a body.
    pub(super) fn stall(&self) -> Duration {
        self.homeserver.stall()
    }

    /// The most bytes that media may have.
    pub(super) fn max_bytes(&self) -> u64 {
        self.max_bytes
    }

    /// The features of the homeserver.
    pub(super) fn features(&self) -> &Features {
        &self.features
    }

    /// The name of the homeserver.
    pub(super) fn server_name(&self) -> &ServerName {
        &self.server_name
    }

    /// What the homeserver has said about media.
    pub(super) fn presence(&self) -> &Presence {
        &self.presence
    }

    /// Asks whether the homeserver has the media now, and notes the answer.
    pub(super) async fn question(&self, order: &Order) -> Told {
        let claims = &order.claims;
        let token = claims.content_token.as_ref();
        let question = self.homeserver.question(&claims.mxc, token);
        let outcome = async {
            let answer = self.request(order, question).await?;
            let heard = self.homeserver.hear(answer).await;
            heard.map_err(|error| (error, false))
        };
        let told = match outcome.await {
            Ok(()) => Told::There,
            Err((error, is_restricted)) => Told::by(&error, is_restricted),
        };
        self.presence
            .note(order.medium(), told, Asked::Question)
            .await;
        told
    }

    /// The whole.
    pub(super) async fn fetch(&self, order: &Order) -> Result<FetchedMedia, MediaError> {
        match self.ask(order, false, None).await? {
            DownloadAnswer::Whole(fetched) => Ok(fetched),
            DownloadAnswer::Part(..) | DownloadAnswer::Unsatisfiable(_) => Err(MediaError::Failed(
                "the homeserver gave a part that was not asked for".to_owned(),
            )),
        }
    }

    /// All bytes from `from` on, or from an earlier one, which is told. What is encrypted comes from its
    /// first byte, since only the whole can be verified.
    pub(super) async fn fetch_from(
        &self,
        order: &Order,
        from: u64,
    ) -> Result<(FetchedMedia, u64), MediaError> {
        if from > 0 && order.claims.file.is_none() {
            let rest = Some(ByteRange::From(from));
            match self.ask(order, false, rest).await? {
                DownloadAnswer::Whole(fetched) => return Ok((fetched, 0)),
                // Of media of a known length, it is the rest to the end.
                DownloadAnswer::Part(fetched, first, _) if fetched.head.length.is_some() => {
                    return Ok((fetched, first));
                }
                DownloadAnswer::Part(..) | DownloadAnswer::Unsatisfiable(_) => {}
            }
        }
        Ok((self.fetch(order).await?, 0))
    }

    /// Asks for media, or for the head of the answer only; for its copy first where there is one. The
    /// answer is noted.
    pub(super) async fn ask(
        &self,
        order: &Order,
        is_head: bool,
        range: Option<ByteRange>,
    ) -> Result<DownloadAnswer, MediaError> {
        let range_header = range.map(|range| range.to_string());
        let original = MediaRequest {
            what: order.variant,
            mxc: &order.claims.mxc,
            content_token: order.claims.content_token.as_ref(),
            as_user: None,
            head_only: is_head,
            range: range_header.as_deref(),
            if_none_match: None,
        };
        let place = self.limits.fetch().await;
        let place = place.map_err(MediaError::TooManyFetches)?;
        let outcome = self.request(order, original).await;
        let told = match &outcome {
            Ok(_) => Told::There,
            // Of media that is there, a thumbnail may be missing.
            Err(_) if order.variant != MediaVariant::Original => Told::Unsure,
            Err((error, is_restricted)) => Told::by(error, *is_restricted),
        };
        self.presence
            .note(order.medium(), told, Asked::Download)
            .await;
        if let Err((error, _)) = &outcome
            && order.variant != MediaVariant::Original
            && error.says_media_is_gone()
            && self.question(order).await == Told::There
        {
            return Err(MediaError::NoThumbnail);
        }
        let download = outcome.map_err(|(error, is_restricted)| {
            MediaError::of(error, order.variant, is_restricted)
        })?;
        let asked = DownloadTerms {
            head_only: is_head,
            range,
            max_bytes: self.max_bytes,
            stall: self.stall(),
        };
        DownloadAnswer::check(download, asked, place)
    }

    /// Sends a request for the original of an order, or for its copy, if there is one and the homeserver
    /// has it. A refusal comes with whether the request was restricted: it had no content token, where
    /// media is linked to events (MSC3911).
    async fn request(
        &self,
        order: &Order,
        original: MediaRequest<'_>,
    ) -> Result<Download, (HomeserverError, bool)> {
        let mut request = original;
        if let Some(copy) = &order.copy {
            request.mxc = copy;
            request.content_token = None;
        }
        let mut outcome = self.download(order, request).await;
        if order.copy.is_some()
            && outcome
                .as_ref()
                .is_err_and(HomeserverError::says_media_is_gone)
        {
            request = original;
            outcome = self.download(order, request).await;
        }
        outcome.map_err(|error| {
            let is_restricted = self.features.links_media() && request.content_token.is_none();
            (error, is_restricted)
        })
    }

    /// Asks as the bridge's user; for media of an event that it may not see, as its sender, who
    /// may: the homeserver allows that for users of the bridge.
    async fn download(
        &self,
        order: &Order,
        request: MediaRequest<'_>,
    ) -> Result<Download, HomeserverError> {
        let refusal = match self.homeserver.download(&order.bridge, request).await {
            Err(error)
                if error.status() == 403
                    && matches!(error.errcode(), "M_UNAUTHORIZED" | "M_FORBIDDEN")
                    && self.features.links_media() =>
            {
                error
            }
            outcome => return outcome,
        };
        let Some(sender) = order
            .sender
            .as_deref()
            .filter(|sender| self.is_of_homeserver(sender))
        else {
            return Err(refusal);
        };
        let request = MediaRequest {
            as_user: Some(sender),
            ..request
        };
        let again = self.homeserver.download(&order.bridge, request).await;
        again.map_err(|_| refusal)
    }

    fn is_of_homeserver(&self, user_id: &str) -> bool {
        UserId::parse(user_id).is_ok_and(|user| user.server_name() == self.server_name.as_str())
    }
}
