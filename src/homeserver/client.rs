//! Requests to the homeserver: authorisation, deadlines, error codes.

use std::{
    future::Future,
    sync::Arc,
    time::{Duration, Instant},
};

use medialink_event::whole_number;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode, header};
use serde_json::Value;
use url::Url;

use crate::{
    config::{BridgeConfig, HomeserverConfig},
    telemetry::Masker,
    traces,
};

use super::{
    HomeserverError,
    away::{Away, Failure, Need},
    connections::{Connector, connector},
    error::count,
    redirects::Resolver,
    request_secrets::masker_of,
};

/// The characters that are encoded in a path segment: all but RFC 3986's unreserved ones.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');
/// The value of our `User-Agent` headers.
pub(super) const USER_AGENT: &str = concat!("Medialink/", env!("CARGO_PKG_VERSION"));
/// The longest JSON answer that is read.
pub(super) const MAX_ANSWER_BYTES: usize = 1 << 20;
/// The deadline for an answer to anything but a download.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// The homeserver's HTTP API.
#[derive(Debug, Clone)]
pub struct Homeserver {
    pub(super) config: HomeserverConfig,
    client: Client,
    /// For downloads from the configured homeserver, wherever it is.
    pub(super) connector: Connector,
    /// For its redirects to elsewhere: connects to public addresses only.
    pub(super) redirected: Connector,
    /// The hosts that cannot be reached, for all of these.
    pub(super) away: Away,
}

/// Hands the trace on that a request is part of.
fn traced(request: RequestBuilder) -> RequestBuilder {
    match traces::traceparent() {
        None => request,
        Some(trace) => request.header("traceparent", trace),
    }
}

impl Homeserver {
    /// Prepares connections; makes none yet.
    ///
    /// # Errors
    /// If the HTTP client cannot be set up.
    pub fn new(config: HomeserverConfig) -> Result<Self, HomeserverError> {
        #[expect(clippy::disallowed_methods, reason = "the client for the homeserver")]
        let client = Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(config.timeouts.connect)
            .pool_max_idle_per_host(64)
            .user_agent(USER_AGENT)
            .build()
            .map_err(HomeserverError::of_client)?;
        let public = Resolver::Public(config.redirect_networks.as_slice().into());
        let within = config.timeouts.connect;
        Ok(Self {
            connector: connector(Resolver::Any, within)?,
            redirected: connector(public, within)?,
            away: Away::new(config.url.origin().ascii_serialization(), within),
            config,
            client,
        })
    }

    /// The configured homeserver's name.
    #[must_use]
    pub fn server_name(&self) -> &str {
        self.config.server_name.as_str()
    }

    /// How long a body may make no progress.
    #[must_use]
    pub fn stall(&self) -> Duration {
        self.config.timeouts.stall
    }

    /// The URL of an endpoint: segments are encoded one by one, so that none can change the path.
    pub(super) fn url(&self, segments: &[&str]) -> Url {
        Url::parse(&self.url_text(segments)).unwrap_or_else(|_| self.config.url.clone())
    }

    /// The same as text, for requests that are frequent.
    pub(super) fn url_text(&self, segments: &[&str]) -> String {
        let base = self.config.url.as_str().trim_end_matches('/');
        let mut text = String::with_capacity(base.len() + 160);
        text.push_str(base);
        for segment in segments {
            text.push('/');
            text.extend(utf8_percent_encode(segment, SEGMENT));
        }
        text
    }

    /// A request to a URL of the homeserver, as nobody.
    pub(super) fn request_to(&self, method: Method, url: Url) -> RequestBuilder {
        traced(self.client.request(method, url))
    }

    /// A request as a bridge's user.
    pub(super) fn request_as(
        &self,
        bridge: &BridgeConfig,
        method: Method,
        segments: &[&str],
    ) -> RequestBuilder {
        let mut url = self.url(segments);
        url.query_pairs_mut()
            .append_pair("user_id", bridge.user_id.as_str());
        traced(self.client.request(method, url))
            .header(header::AUTHORIZATION, bearer(bridge.as_token.expose()))
    }

    /// The answer of `/_matrix/client/versions`.
    ///
    /// # Errors
    /// If the homeserver does not answer.
    pub async fn versions(&self) -> Result<Value, HomeserverError> {
        let url = self.url(&["_matrix", "client", "versions"]);
        self.answer(self.client.get(url)).await
    }

    /// Asks a question that is asked again later: while the homeserver is away, it fails at once.
    ///
    /// # Errors
    /// If the question fails, or the homeserver is away.
    pub async fn optional<T>(
        &self,
        question: impl Future<Output = Result<T, HomeserverError>>,
    ) -> Result<T, HomeserverError> {
        let host = self.away.homeserver();
        self.away.admit(host, Need::Optional, Instant::now())?;
        question.await
    }

    /// A question was given up before the homeserver has answered, perhaps even before a connection
    /// was made: looks whether it can be reached at all.
    pub fn look(self: &Arc<Self>) {
        if !self.away.begin_look() {
            return;
        }
        let homeserver = Arc::clone(self);
        tokio::spawn(async move {
            // The outcome is remembered by itself.
            drop(homeserver.versions().await);
            homeserver.away.end_look();
        });
    }

    /// Sends a request and reads its JSON answer.
    pub(super) async fn answer(&self, request: RequestBuilder) -> Result<Value, HomeserverError> {
        let host = self.away.homeserver();
        self.away.admit(host, Need::Required, Instant::now())?;
        let work = async {
            let (client, request) = request.build_split();
            let request = request.map_err(HomeserverError::of_client)?;
            let asked = request.try_clone();
            let response = match client.execute(request).await {
                Ok(response) => response,
                Err(error) => {
                    if error.is_connect() {
                        let is_silent = error.is_timeout();
                        let failure = if is_silent {
                            Failure::Silent
                        } else {
                            Failure::Refused
                        };
                        self.away.failed(host, failure, Instant::now());
                    }
                    return Err(HomeserverError::of_client(error));
                }
            };
            self.away.answered(host);
            if !response.status().is_success() {
                let masker = asked.as_ref().map(masker_of).unwrap_or_default();
                return Err(refusal(response, &masker).await);
            }
            let body = read(response).await?;
            serde_json::from_slice(&body)
                .map_err(|_| HomeserverError::InvalidResponse("body is not JSON"))
        };
        let answered = tokio::time::timeout(ANSWER_WITHIN, work).await;
        count("other", answered.unwrap_or(Err(HomeserverError::Slow)))
    }
}

/// The value of an `Authorization` header, kept out of the client's own debug output.
pub(super) fn bearer(token: &str) -> header::HeaderValue {
    let mut value = header::HeaderValue::try_from(format!("Bearer {token}"))
        .unwrap_or_else(|_| header::HeaderValue::from_static(""));
    value.set_sensitive(true);
    value
}

async fn read(mut response: Response) -> Result<Vec<u8>, HomeserverError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(HomeserverError::of_client)? {
        if body.len() + chunk.len() > MAX_ANSWER_BYTES {
            return Err(HomeserverError::InvalidResponse(
                "body is longer than a mebibyte",
            ));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// The Matrix error in an answer; its error code is empty if there is none.
async fn refusal(response: Response, masker: &Masker) -> HomeserverError {
    let (status, headers) = (response.status(), response.headers().clone());
    let body = read(response).await.unwrap_or_default();
    parse_refusal(status, &headers, &body, masker)
}

/// The error in the body of an answer, without the secrets of the request that it answers.
pub(super) fn parse_refusal(
    status: StatusCode,
    headers: &header::HeaderMap,
    body: &[u8],
    masker: &Masker,
) -> HomeserverError {
    let retry_after_s = headers
        .get(header::RETRY_AFTER)
        .and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    let error: Value = serde_json::from_slice(body).unwrap_or(Value::Null);
    let text = |name: &str| {
        let text = error.get(name).and_then(Value::as_str);
        masker.mask(text.unwrap_or_default())
    };
    HomeserverError::Refused {
        status: status.as_u16(),
        errcode: text("errcode")
            .as_str()
            .chars()
            .filter(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.'))
            .take(64)
            .collect(),
        message: text("error"),
        retry_after_ms: error
            .get("retry_after_ms")
            .and_then(whole_number)
            .or(retry_after_s.map(|s| s.saturating_mul(1000))),
    }
}
