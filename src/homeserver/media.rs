//! Downloads (Client-Server API, `/_matrix/client/v1/media/download` and `/thumbnail`, MSC3916;
//! MSC3910).

use std::{sync::Arc, time::Duration};

use actix_web::rt;
use bytes::Bytes;
use http_body_util::Empty;
use hyper::{
    Method, Request, StatusCode, Uri,
    header::{self, HeaderMap, HeaderValue},
};
use url::{Url, form_urlencoded::Serializer};

use crate::config::BridgeConfig;
use medialink_link::matrix::{ContentToken, MxcUri};

use super::{
    Homeserver, HomeserverError,
    client::{MAX_ANSWER_BYTES, USER_AGENT, bearer, told_refusal},
    connections::{Connections, DownloadBody, Run},
    redirects::url_is_allowed,
};

/// The most redirects that are followed.
const MAX_REDIRECTS: usize = 3;
pub(super) const CONTENT_TOKEN_HEADER: &str = "x-matrix-content-token";

/// The longest wait for an upload that the homeserver is asked for.
const UPLOAD_WITHIN: Duration = Duration::from_secs(10);

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
    pub headers: HeaderMap,
    /// Its body.
    pub body: DownloadBody,
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
    /// Who asks, of the bridge's namespace; `None`: the bridge's user.
    pub as_user: Option<&'a str>,
    /// The head of the answer only.
    pub head_only: bool,
    /// A `Range` header to hand on.
    pub range: Option<&'a str>,
    /// An `If-None-Match` header to hand on.
    pub if_none_match: Option<&'a str>,
}

/// Downloads media, over connections of its own.
pub struct MediaClient {
    homeserver: Arc<Homeserver>,
    direct: Connections,
    redirected: Connections,
}

impl MediaClient {
    /// Prepares connections; makes none yet.
    #[must_use]
    pub fn new(homeserver: Arc<Homeserver>) -> Self {
        Self::running(homeserver, |connection| drop(tokio::spawn(connection)))
    }

    /// The same for one worker of a listener, whose tasks never leave its thread.
    #[must_use]
    pub fn of_worker(homeserver: Arc<Homeserver>) -> Self {
        Self::running(homeserver, |connection| drop(rt::spawn(connection)))
    }

    fn running(homeserver: Arc<Homeserver>, run: Run) -> Self {
        let within = homeserver.config.timeouts.connect;
        Self {
            direct: Connections::new(homeserver.connector.clone(), within, run),
            redirected: Connections::new(homeserver.redirected.clone(), within, run),
            homeserver,
        }
    }

    /// How long a body may stand still.
    #[must_use]
    pub fn stall(&self) -> Duration {
        self.homeserver.config.timeouts.stall
    }

    /// Asks for media. The body comes as it is read; nothing of it is kept.
    ///
    /// # Errors
    /// If the homeserver refuses or fails, or redirects to where it may not.
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
        match self.follow(url, credentials, &request).await {
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
                let old = [("allow_redirect", "true")];
                let url = self.url(&["_matrix", "media", "v3"], &request, old);
                self.follow(url, HeaderMap::new(), &request).await
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
            MediaKind::Original => "download",
            MediaKind::Thumbnail { .. } => "thumbnail",
        };
        let mut url = self
            .homeserver
            .url_text(&[api, &[endpoint, server, media_id]].concat());
        url.push('?');
        let start = url.len();
        let mut pairs = Serializer::for_suffix(url, start);
        if let MediaKind::Thumbnail {
            width,
            height,
            method,
        } = request.what
        {
            pairs
                .append_pair("width", &width.to_string())
                .append_pair("height", &height.to_string())
                .append_pair("method", method)
                .append_pair("animated", "false");
        }
        pairs
            .append_pair("timeout_ms", &self.upload_wait_ms().to_string())
            .extend_pairs(query)
            .finish()
    }

    /// Sends a request and follows its redirects, without credentials.
    async fn follow(
        &self,
        first: String,
        credentials: HeaderMap,
        request: &MediaRequest<'_>,
    ) -> Result<Download, HomeserverError> {
        let mut answer = self
            .send(&self.direct, &first, credentials, request)
            .await?;
        let mut url = None;
        for _ in 0..MAX_REDIRECTS {
            if !is_redirect(answer.status) {
                break;
            }
            let from = match url {
                Some(url) => url,
                None => Url::parse(&first)
                    .map_err(|_| HomeserverError::Nonsense("its URL is none to redirect from"))?,
            };
            let next = target(&from, &answer)?;
            let connections = self.connections_to(&next)?;
            answer = self
                .send(connections, next.as_str(), HeaderMap::new(), request)
                .await?;
            url = Some(next);
        }
        match answer.status {
            StatusCode::OK
            | StatusCode::PARTIAL_CONTENT
            | StatusCode::NOT_MODIFIED
            | StatusCode::RANGE_NOT_SATISFIABLE => Ok(answer),
            status if is_redirect(status) => Err(HomeserverError::Nonsense(
                "it redirects more than three times",
            )),
            status if status.is_success() || status.is_redirection() => Err(
                HomeserverError::Nonsense("its status is none of a download"),
            ),
            _ => {
                // An error whose body never ends is as slow as no answer.
                let told = tokio::time::timeout(self.stall(), refusal(answer)).await;
                Err(told.unwrap_or(HomeserverError::Slow))
            }
        }
    }

    /// Over which connections to ask for what a redirect leads to.
    fn connections_to(&self, target: &Url) -> Result<&Connections, HomeserverError> {
        let config = &self.homeserver.config;
        if target.origin() == config.url.origin() {
            Ok(&self.direct)
        } else if url_is_allowed(target, &config.redirect_networks) {
            Ok(&self.redirected)
        } else {
            Err(HomeserverError::Nonsense(
                "it redirects to an address that is neither public nor in homeserver.redirect_networks",
            ))
        }
    }

    async fn send(
        &self,
        connections: &Connections,
        url: &str,
        credentials: HeaderMap,
        request: &MediaRequest<'_>,
    ) -> Result<Download, HomeserverError> {
        let uri: Uri = url
            .parse()
            .map_err(|_| HomeserverError::Nonsense("it redirects to what is no URI"))?;
        let mut message = Request::new(Empty::<Bytes>::new());
        if request.head_only {
            *message.method_mut() = Method::HEAD;
        }
        let path = uri.path_and_query().cloned();
        *message.uri_mut() = path.map_or_else(Uri::default, Uri::from);
        *message.headers_mut() = headers(credentials, &uri, request)?;
        let sent = connections.send(&uri, message);
        let (response, lease) =
            tokio::time::timeout(self.homeserver.config.timeouts.first_byte, sent)
                .await
                .map_err(|_| HomeserverError::Slow)??;
        let (head, body) = response.into_parts();
        Ok(Download {
            status: head.status,
            headers: head.headers,
            body: DownloadBody::new(body, lease),
        })
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
            as_user: None,
            head_only: false,
            range: None,
            if_none_match: Some("1"),
        };
        let mut download = self.download(bridge, request).await?;
        if download.status == StatusCode::NOT_MODIFIED {
            // To its end, so that the connection can be used again.
            download.body.next().await?;
        }
        Ok(())
    }
}

/// A content token as a header, kept out of the client's own debug output.
pub(super) fn content_token_header(token: &ContentToken) -> Result<HeaderValue, HomeserverError> {
    let mut value = HeaderValue::try_from(token.expose())
        .map_err(|_| HomeserverError::Nonsense("the content token is no header value"))?;
    value.set_sensitive(true);
    Ok(value)
}

/// What a request says beside its URL.
fn headers(
    credentials: HeaderMap,
    uri: &Uri,
    request: &MediaRequest<'_>,
) -> Result<HeaderMap, HomeserverError> {
    let value = |text: &str| {
        HeaderValue::try_from(text)
            .map_err(|_| HomeserverError::Nonsense("a header of ours is no header value"))
    };
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    let mut headers = credentials;
    headers.insert(header::HOST, value(authority)?);
    headers.insert(header::USER_AGENT, HeaderValue::from_static(USER_AGENT));
    let plain = HeaderValue::from_static("identity");
    headers.insert(header::ACCEPT_ENCODING, plain);
    if let Some(range) = request.range {
        headers.insert(header::RANGE, value(range)?);
    }
    if let Some(etag) = request.if_none_match {
        headers.insert(header::IF_NONE_MATCH, value(etag)?);
    }
    Ok(headers)
}

/// Reads the Matrix error out of an answer.
async fn refusal(mut answer: Download) -> HomeserverError {
    let mut body = Vec::new();
    while let Ok(Some(piece)) = answer.body.next().await
        && body.len() + piece.len() <= MAX_ANSWER_BYTES
    {
        body.extend_from_slice(&piece);
    }
    told_refusal(answer.status, &answer.headers, &body)
}

/// Whether the homeserver does not know the endpoint: a 404 without JSON, or `M_UNRECOGNIZED`.
pub(super) fn is_unknown_endpoint(error: &HomeserverError) -> bool {
    error.errcode() == "M_UNRECOGNIZED" || (error.status() == 404 && error.errcode().is_empty())
}

fn is_redirect(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT
    )
}

fn target(from: &Url, answer: &Download) -> Result<Url, HomeserverError> {
    let location = answer.headers.get(header::LOCATION);
    let mut url = location
        .and_then(|value| value.to_str().ok())
        .and_then(|location| from.join(location).ok())
        .ok_or(HomeserverError::Nonsense(
            "it redirects without saying where to",
        ))?;
    if url.origin() == from.origin() {
        // Within one origin it may name a user, which is none of its business.
        url.set_username("")
            .and_then(|()| url.set_password(None))
            .map_err(|()| HomeserverError::Nonsense("it redirects to what has no host"))?;
    }
    Ok(url)
}
