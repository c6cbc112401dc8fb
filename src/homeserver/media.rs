//! Downloads (Client-Server API, `/_matrix/client/v1/media/download`, MSC3916; MSC3910).

use reqwest::{Client, Method, RequestBuilder, Response, StatusCode, header};
use url::Url;

use crate::{
    config::BridgeConfig,
    matrix::{ContentToken, MxcUri},
};

use super::{Homeserver, HomeserverError, client::refusal, redirects::url_is_allowed};

/// The most redirects that are followed.
const MAX_REDIRECTS: usize = 3;
const CONTENT_TOKEN_HEADER: &str = "X-Matrix-Content-Token";

/// Which bytes of media.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MediaKind {
    /// The media as it was uploaded.
    Original,
    /// A thumbnail of it (Client-Server API, `/_matrix/client/v1/media/thumbnail`).
    Thumbnail {
        /// In pixels.
        width: u32,
        /// In pixels.
        height: u32,
        /// `scale` or `crop`.
        method: &'static str,
    },
}

/// An answer on its way.
pub struct Download {
    /// 200, 206, 304 or 416.
    pub status: StatusCode,
    /// Its headers.
    pub headers: header::HeaderMap,
    /// Its body.
    pub body:
        std::pin::Pin<Box<dyn futures_util::Stream<Item = Result<bytes::Bytes, HomeserverError>>>>,
}

/// What to download, and how much of it.
#[derive(Debug, Clone, Copy)]
pub struct MediaRequest<'a> {
    /// The media itself, or a thumbnail.
    pub what: MediaKind,
    /// The media.
    pub mxc: &'a MxcUri,
    /// Its content token.
    pub content_token: Option<&'a ContentToken>,
    /// The head of the answer only.
    pub head_only: bool,
    /// A `Range` header to hand on.
    pub range: Option<&'a str>,
    /// An `If-None-Match` header to hand on.
    pub if_none_match: Option<&'a str>,
}

/// An answer with media: 200, 206, 304 or 416.
pub type MediaAnswer = Response;

impl Homeserver {
    /// TEMP
    pub async fn open(
        &self,
        bridge: &BridgeConfig,
        request: MediaRequest<'_>,
    ) -> Result<Download, HomeserverError> {
        use futures_util::StreamExt;
        let response = self.download(bridge, request).await?;
        Ok(Download {
            status: response.status(),
            headers: response.headers().clone(),
            body: Box::pin(
                response
                    .bytes_stream()
                    .map(|piece| piece.map_err(HomeserverError::of_client)),
            ),
        })
    }

    /// Asks for media. The body comes as it is read; nothing of it is kept.
    ///
    /// # Errors
    /// If the homeserver refuses or fails, or redirects to where it may not.
    pub async fn download(
        &self,
        bridge: &BridgeConfig,
        request: MediaRequest<'_>,
    ) -> Result<MediaAnswer, HomeserverError> {
        let method = if request.head_only {
            Method::HEAD
        } else {
            Method::GET
        };
        let (server, media_id) = (request.mxc.server_name(), request.mxc.media_id());
        let segments = [
            "_matrix", "client", "v1", "media", "download", server, media_id,
        ];
        let mut first = self.request_as(bridge, method.clone(), &segments);
        if let Some(token) = request.content_token {
            let mut value = header::HeaderValue::try_from(token.expose())
                .map_err(|_| HomeserverError::Nonsense("the content token is no header value"))?;
            value.set_sensitive(true);
            first = first.header(CONTENT_TOKEN_HEADER, value);
        }
        match self.follow(first, &method, &request).await {
            // An answer to HEAD has no body, so an error in it has no code: a GET tells which it is.
            Err(error) if request.head_only && error.status() > 0 && error.errcode().is_empty() => {
                let with_body = MediaRequest {
                    head_only: false,
                    ..request
                };
                Box::pin(self.download(bridge, with_body)).await
            }
            Err(error) if is_unknown_endpoint(&error) => {
                // The old endpoint knows neither access tokens nor content tokens.
                let mut url = self.url(&["_matrix", "media", "v3", "download", server, media_id]);
                url.query_pairs_mut().append_pair("allow_redirect", "true");
                self.follow(self.client.request(method.clone(), url), &method, &request)
                    .await
            }
            outcome => outcome,
        }
    }

    /// Sends a request and follows its redirects, without credentials.
    async fn follow(
        &self,
        first: RequestBuilder,
        method: &Method,
        request: &MediaRequest<'_>,
    ) -> Result<MediaAnswer, HomeserverError> {
        let mut response = self.send(first, request).await?;
        let mut redirects = 0;
        loop {
            match response.status() {
                StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT => {
                    redirects += 1;
                    if redirects > MAX_REDIRECTS {
                        return Err(HomeserverError::Nonsense(
                            "it redirects more than three times",
                        ));
                    }
                    let target = target(&response)?;
                    let client = self.client_for(&target)?;
                    response = self
                        .send(client.request(method.clone(), target), request)
                        .await?;
                }
                StatusCode::OK
                | StatusCode::PARTIAL_CONTENT
                | StatusCode::NOT_MODIFIED
                | StatusCode::RANGE_NOT_SATISFIABLE => return Ok(response),
                status if status.is_success() || status.is_redirection() => {
                    return Err(HomeserverError::Nonsense(
                        "its status is none of a download",
                    ));
                }
                _ => {
                    // An error whose body never ends is as slow as no answer.
                    let told = tokio::time::timeout(self.stall(), refusal(response)).await;
                    return Err(told.unwrap_or(HomeserverError::Slow));
                }
            }
        }
    }

    /// Who may connect to where a redirect leads.
    fn client_for(&self, target: &Url) -> Result<&Client, HomeserverError> {
        if target.origin() == self.config.url.origin() {
            Ok(&self.client)
        } else if url_is_allowed(target, &self.config.redirect_networks) {
            Ok(&self.redirected)
        } else {
            Err(HomeserverError::Nonsense(
                "it redirects to an address that is neither public nor in homeserver.redirect_networks",
            ))
        }
    }

    async fn send(
        &self,
        builder: RequestBuilder,
        request: &MediaRequest<'_>,
    ) -> Result<Response, HomeserverError> {
        let mut builder = builder.header(header::ACCEPT_ENCODING, "identity");
        if let Some(range) = request.range {
            builder = builder.header(header::RANGE, range);
        }
        if let Some(etag) = request.if_none_match {
            builder = builder.header(header::IF_NONE_MATCH, etag);
        }
        tokio::time::timeout(self.config.timeouts.first_byte, builder.send())
            .await
            .map_err(|_| HomeserverError::Slow)?
            .map_err(HomeserverError::of_client)
    }

    /// Touches media: a homeserver that counts downloads notes an access, and sends no body. Its
    /// `ETag` is constant (seen on Synapse), so a conditional request is answered with 304.
    ///
    /// # Errors
    /// If the homeserver refuses or fails.
    pub async fn touch(
        &self,
        bridge: &BridgeConfig,
        mxc: &MxcUri,
        content_token: Option<&ContentToken>,
    ) -> Result<(), HomeserverError> {
        let request = MediaRequest {
            what: MediaKind::Original,
            mxc,
            content_token,
            head_only: false,
            range: None,
            if_none_match: Some("1"),
        };
        self.download(bridge, request).await.map(drop)
    }
}

/// Whether the homeserver does not know the endpoint: a 404 without JSON, or `M_UNRECOGNIZED`.
fn is_unknown_endpoint(error: &HomeserverError) -> bool {
    error.errcode() == "M_UNRECOGNIZED" || (error.status() == 404 && error.errcode().is_empty())
}

fn target(response: &Response) -> Result<Url, HomeserverError> {
    response
        .headers()
        .get(header::LOCATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|location| response.url().join(location).ok())
        .ok_or(HomeserverError::Nonsense(
            "it redirects without saying where to",
        ))
}
