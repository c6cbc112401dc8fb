//! Media of the homeserver (Client-Server API, `/_matrix/client/v1/media/download` and `/thumbnail`,
//! MSC3916; MSC3910).

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use hyper::{
    StatusCode,
    header::{self, HeaderMap},
};
use url::form_urlencoded::Serializer;

use crate::config::BridgeConfig;
use medialink_link::matrix::{ContentToken, MxcUri};

use super::{
    Homeserver, HomeserverError,
    client::bearer,
    downloads::{Download, Downloader},
    media_request::{CONTENT_TOKEN_HEADER, MediaRequest, MediaVariant, content_token_header},
};

/// The longest wait for an upload that the homeserver is asked for.
const UPLOAD_WITHIN: Duration = Duration::from_secs(10);

/// Downloads media, over connections of its own.
pub struct MediaClient {
    homeserver: Arc<Homeserver>,
    downloader: Downloader,
    /// Whether the homeserver answers conditional requests with the whole media.
    ignores_conditions: AtomicBool,
}

impl MediaClient {
    /// Prepares connections; makes none yet.
    #[must_use]
    pub fn new(homeserver: Arc<Homeserver>) -> Self {
        Self {
            downloader: Downloader::new(&homeserver),
            homeserver,
            ignores_conditions: AtomicBool::new(false),
        }
    }

    /// The same for one worker of a listener, whose tasks never leave its thread.
    #[must_use]
    pub fn of_worker(homeserver: Arc<Homeserver>) -> Self {
        Self {
            downloader: Downloader::of_worker(&homeserver),
            homeserver,
            ignores_conditions: AtomicBool::new(false),
        }
    }

    /// How long a body may make no progress.
    #[must_use]
    pub fn stall(&self) -> Duration {
        self.homeserver.config.timeouts.stall
    }

    /// Asks for media. The body comes as it is read; nothing of it is kept.
    ///
    /// # Errors
    /// If the homeserver refuses or fails, or redirects to an address that is not allowed.
    pub async fn download(
        &self,
        bridge: &BridgeConfig,
        request: MediaRequest<'_>,
    ) -> Result<Download, HomeserverError> {
        let mut credentials = HeaderMap::with_capacity(8);
        credentials.insert(header::AUTHORIZATION, bearer(bridge.as_token.expose()));
        if let Some(token) = request.content_token {
            credentials.insert(CONTENT_TOKEN_HEADER, content_token_header(token)?);
        }
        let user_id = request.as_user.unwrap_or(bridge.user_id.as_str());
        let as_user = [("user_id", user_id)];
        let url = self.url(&["_matrix", "client", "v1", "media"], &request, as_user);
        match self.downloader.get(url, credentials, &request).await {
            // An answer to HEAD has no body, so an error has no code: a GET shows which it is.
            Err(error) if request.head_only && error.status() > 0 && error.errcode().is_empty() => {
                let with_body = MediaRequest {
                    head_only: false,
                    ..request
                };
                Box::pin(self.download(bridge, with_body)).await
            }
            Err(error) if error.is_unknown_endpoint() => {
                // The old endpoint knows neither access tokens nor content tokens.
                let old = [("allow_redirect", "true")];
                let url = self.url(&["_matrix", "media", "v3"], &request, old);
                let answer = self.downloader.get(url, HeaderMap::new(), &request).await;
                answer.map_err(|error| match error.is_not_found() {
                    true => HomeserverError::NotAtOldEndpoint,
                    false => error,
                })
            }
            outcome => outcome,
        }
    }

    /// How long the homeserver is to wait for media that is not uploaded yet: it has to say so
    /// before we give up on it.
    fn upload_wait_ms(&self) -> u128 {
        let first_byte = self.homeserver.config.timeouts.first_byte;
        UPLOAD_WITHIN.min(first_byte * 3 / 4).as_millis()
    }

    /// The URL of media under one of the two media APIs.
    fn url(&self, api: &[&str], request: &MediaRequest<'_>, query: [(&str, &str); 1]) -> String {
        let (server, media_id) = (request.mxc.server_name(), request.mxc.media_id());
        let endpoint = match request.what {
            MediaVariant::Original => "download",
            MediaVariant::Thumbnail { .. } => "thumbnail",
        };
        let mut url = self
            .homeserver
            .url_text(&[api, &[endpoint, server, media_id]].concat());
        url.push('?');
        let start = url.len();
        let mut pairs = Serializer::for_suffix(url, start);
        if let MediaVariant::Thumbnail {
            width,
            height,
            method,
            animated,
        } = request.what
        {
            pairs
                .append_pair("width", &width.to_string())
                .append_pair("height", &height.to_string())
                .append_pair("method", method)
                .append_pair("animated", if animated { "true" } else { "false" });
        }
        pairs
            .append_pair("timeout_ms", &self.upload_wait_ms().to_string())
            .extend_pairs(query)
            .finish()
    }

    /// A question whether the homeserver has media. A homeserver that counts downloads notes an access,
    /// and sends no body: its `ETag` is constant (seen on Synapse), so a conditional request is answered
    /// with 304. Of others, the head is asked for.
    pub fn question<'a>(
        &self,
        mxc: &'a MxcUri,
        content_token: Option<&'a ContentToken>,
    ) -> MediaRequest<'a> {
        MediaRequest {
            what: MediaVariant::Original,
            mxc,
            content_token,
            as_user: None,
            head_only: self.ignores_conditions.load(Ordering::Relaxed),
            range: None,
            if_none_match: Some("1"),
        }
    }

    /// Takes the answer to a question: that the media is there.
    ///
    /// # Errors
    /// If the connection breaks.
    pub async fn hear(&self, mut answer: Download) -> Result<(), HomeserverError> {
        if answer.status == StatusCode::NOT_MODIFIED
            || self.ignores_conditions.load(Ordering::Relaxed)
        {
            // To its end, so that the connection can be used again.
            answer.body.next().await?;
        } else {
            // Here the connection is closed: there is a body that nobody reads.
            self.ignores_conditions.store(true, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Asks whether the homeserver has media: for its copy first where there is one (MSC3911).
    ///
    /// # Errors
    /// If the homeserver refuses or fails.
    pub async fn touch(
        &self,
        bridge: &BridgeConfig,
        mxc: &MxcUri,
        content_token: Option<&ContentToken>,
        copy: Option<&MxcUri>,
    ) -> Result<(), HomeserverError> {
        if let Some(copy) = copy {
            match self.download(bridge, self.question(copy, None)).await {
                Err(error) if error.says_media_is_gone() => {}
                outcome => return self.hear(outcome?).await,
            }
        }
        let question = self.question(mxc, content_token);
        let answer = self.download(bridge, question).await?;
        self.hear(answer).await
    }
}
