//! Requests to the homeserver: authorisation, deadlines, error codes.

use std::time::Duration;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::{Client, Method, RequestBuilder, Response, header};
use serde_json::Value;
use url::Url;

use crate::config::{BridgeConfig, HomeserverConfig};

use super::{HomeserverError, redirects};

/// What a path segment keeps as it is: RFC 3986's unreserved characters.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');
/// The longest JSON answer that is read.
const MAX_ANSWER_BYTES: usize = 1 << 20;
/// The longest text of an error that is kept.
const MAX_MESSAGE_CHARS: usize = 200;
/// The deadline for an answer to anything but a download.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// The homeserver, spoken to over HTTP.
#[derive(Debug, Clone)]
pub struct Homeserver {
    pub(super) config: HomeserverConfig,
    /// For the configured homeserver, wherever it is.
    pub(super) client: Client,
    /// For where it redirects to: connects to public addresses only.
    pub(super) redirected: Client,
}

impl Homeserver {
    /// Prepares connections; makes none yet.
    ///
    /// # Errors
    /// If the HTTP client cannot be set up.
    pub fn new(config: HomeserverConfig) -> Result<Self, HomeserverError> {
        let builder = || {
            Client::builder()
                .no_proxy()
                .redirect(reqwest::redirect::Policy::none())
                .connect_timeout(config.timeouts.connect)
                .pool_max_idle_per_host(64)
                .user_agent(concat!("Medialink/", env!("CARGO_PKG_VERSION")))
        };
        let client = builder().build().map_err(HomeserverError::of_client)?;
        let redirected = builder()
            .dns_resolver(redirects::PublicResolver::new(&config.redirect_networks))
            .build()
            .map_err(HomeserverError::of_client)?;
        Ok(Self {
            config,
            client,
            redirected,
        })
    }

    /// The configured homeserver's name.
    #[must_use]
    pub fn server_name(&self) -> &str {
        self.config.server_name.as_str()
    }

    /// How long a body may stand still.
    #[must_use]
    pub fn stall(&self) -> Duration {
        self.config.timeouts.stall
    }

    /// The URL of an endpoint: segments are encoded one by one, so that none can lead elsewhere.
    pub(super) fn url(&self, segments: &[&str]) -> Url {
        let mut text = self.config.url.as_str().trim_end_matches('/').to_owned();
        for segment in segments {
            text.push('/');
            text.extend(utf8_percent_encode(segment, SEGMENT));
        }
        Url::parse(&text).unwrap_or_else(|_| self.config.url.clone())
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
        self.client
            .request(method, url)
            .header(header::AUTHORIZATION, bearer(bridge.as_token.expose()))
    }

    /// What `/_matrix/client/versions` says.
    ///
    /// # Errors
    /// If the homeserver does not answer.
    pub async fn versions(&self) -> Result<Value, HomeserverError> {
        let url = self.url(&["_matrix", "client", "versions"]);
        answer(self.client.get(url)).await
    }
}

/// The value of an `Authorization` header, kept out of the client's own debug output.
pub(super) fn bearer(token: &str) -> header::HeaderValue {
    let mut value = header::HeaderValue::try_from(format!("Bearer {token}"))
        .unwrap_or_else(|_| header::HeaderValue::from_static(""));
    value.set_sensitive(true);
    value
}

/// Sends a request and reads its JSON answer.
pub(super) async fn answer(request: RequestBuilder) -> Result<Value, HomeserverError> {
    let work = async {
        let response = request.send().await.map_err(HomeserverError::of_client)?;
        if !response.status().is_success() {
            return Err(refusal(response).await);
        }
        let body = read(response).await?;
        serde_json::from_slice(&body).map_err(|_| HomeserverError::Nonsense("it is not JSON"))
    };
    tokio::time::timeout(ANSWER_WITHIN, work)
        .await
        .unwrap_or(Err(HomeserverError::Slow))
}

async fn read(mut response: Response) -> Result<Vec<u8>, HomeserverError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(HomeserverError::of_client)? {
        if body.len() + chunk.len() > MAX_ANSWER_BYTES {
            return Err(HomeserverError::Nonsense("it is longer than a mebibyte"));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// Reads the Matrix error out of an answer. One without is kept with an empty error code.
pub(super) async fn refusal(response: Response) -> HomeserverError {
    let status = response.status().as_u16();
    let retry_after_s = response
        .headers()
        .get(header::RETRY_AFTER)
        .and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    let body = read(response).await.unwrap_or_default();
    let error: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
    let text = |name: &str| error.get(name).and_then(Value::as_str).unwrap_or_default();
    HomeserverError::Refused {
        status,
        errcode: text("errcode")
            .chars()
            .filter(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.'))
            .take(64)
            .collect(),
        message: text("error")
            .chars()
            .filter(|c| !c.is_control())
            .take(MAX_MESSAGE_CHARS)
            .collect(),
        retry_after_ms: error
            .get("retry_after_ms")
            .and_then(Value::as_u64)
            .or(retry_after_s.map(|s| s.saturating_mul(1000))),
    }
}
