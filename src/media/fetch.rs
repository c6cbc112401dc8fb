//! Asking the homeserver for media: for the copy or the original, as the bridge's user or as the
//! sender.

use std::{sync::Arc, time::Duration};

use medialink_link::matrix::{ServerName, UserId};

use crate::{
    config::Config,
    homeserver::{Download, Features, HomeserverError, MediaClient, MediaRequest},
};

use super::{
    ByteRange, MediaError,
    order::Order,
    upstream::{DownloadAnswer, DownloadTerms, FetchedMedia},
};

/// Asks the homeserver for media.
pub(super) struct Fetcher {
    homeserver: Arc<MediaClient>,
    features: Features,
    server_name: ServerName,
    max_bytes: u64,
}

impl Fetcher {
    pub(super) fn new(homeserver: Arc<MediaClient>, features: Features, config: &Config) -> Self {
        Self {
            homeserver,
            features,
            server_name: config.homeserver.server_name.clone(),
            max_bytes: config.media.max_size_bytes,
        }
    }

    /// The longest time between two pieces of a body.
    pub(super) fn stall(&self) -> Duration {
        self.homeserver.stall()
    }

    /// Whether the homeserver has the media now. Only a clear no counts.
    pub(super) async fn is_there(&self, order: &Order) -> bool {
        !matches!(self.ask(order, true, None).await, Err(MediaError::Gone))
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

    /// Asks for media, or for the head of the answer only; for its copy first where there is one.
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
        let mut request = original;
        if let Some(copy) = &order.copy {
            request.mxc = copy;
            request.content_token = None;
        }
        let mut download = self.download(order, request).await;
        if order.copy.is_some() && download.as_ref().is_err_and(|error| error.status() == 404) {
            request = original;
            download = self.download(order, request).await;
        }
        let download = download.map_err(|error| {
            let restricted = self.features.links_media() && request.content_token.is_none();
            MediaError::of(error, order.variant, restricted)
        })?;
        let asked = DownloadTerms {
            head_only: is_head,
            range,
            max_bytes: self.max_bytes,
            stall: self.stall(),
        };
        DownloadAnswer::check(download, asked)
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
