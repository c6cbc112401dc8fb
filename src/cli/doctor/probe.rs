//! A client as any reader is one, and what it is answered.

use std::time::Duration;

use reqwest::{Client, Method, header::HeaderMap};
use serde_json::Value;

use crate::{homeserver::HomeserverError, telemetry::ForeignText};

/// How long connecting and a whole answer may take.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);
const ANSWER_WITHIN: Duration = Duration::from_secs(60);
/// The most of a body that is read, in bytes.
const MOST: usize = 64 << 10;

/// The client.
pub(super) struct Probe(Client);

/// An answer, with the beginning of its body.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
    /// The certificate of the server, in DER.
    pub(super) certificate: Option<Vec<u8>>,
}

impl Probe {
    /// Follows no redirect and uses no proxy of the environment.
    ///
    /// # Errors
    /// If the client cannot be set up.
    pub(super) fn new() -> anyhow::Result<Self> {
        #[expect(clippy::disallowed_methods, reason = "a client as readers are one")]
        let client = Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT_WITHIN)
            .timeout(ANSWER_WITHIN)
            .tls_info(true)
            .user_agent(concat!("Medialink-doctor/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self(client))
    }

    /// Asks, with these headers.
    ///
    /// # Errors
    /// Why there is no whole answer.
    pub(super) async fn ask(
        &self,
        method: Method,
        url: &str,
        headers: &[(&str, &str)],
    ) -> Result<Answer, ForeignText> {
        let mut request = self.0.request(method, url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request).await
    }

    /// Asks the API of the running service as a bridge.
    ///
    /// # Errors
    /// Why there is no whole answer.
    pub(super) async fn call(
        &self,
        method: Method,
        url: &str,
        api_token: &str,
        body: &Value,
    ) -> Result<Answer, ForeignText> {
        let request = self.0.request(method, url).bearer_auth(api_token);
        self.send(request.json(body)).await
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Result<Answer, ForeignText> {
        let failed = |error: reqwest::Error| {
            let error = error.without_url();
            if error.is_timeout() {
                return ForeignText::new("it was too slow to answer");
            }
            HomeserverError::last_cause(&error)
        };
        let mut response = request.send().await.map_err(failed)?;
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            body.extend_from_slice(&chunk);
            if body.len() > MOST {
                body.truncate(MOST);
                break;
            }
        }
        let tls = response.extensions().get::<reqwest::tls::TlsInfo>();
        let certificate = tls.and_then(|tls| tls.peer_certificate());
        Ok(Answer {
            certificate: certificate.map(<[u8]>::to_vec),
            status: response.status().as_u16(),
            headers: std::mem::take(response.headers_mut()),
            body,
        })
    }
}

impl Answer {
    /// A header, without what is no text; empty: there is none.
    pub(super) fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.and_then(|value| value.to_str().ok()).unwrap_or("")
    }

    /// A header as it may be shown.
    pub(super) fn shown(&self, name: &str) -> ForeignText {
        ForeignText::new(self.header(name))
    }

    /// The body as JSON.
    pub(super) fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }

    /// The Matrix error code, which the service tells with each refusal; empty: there is none.
    pub(super) fn errcode(&self) -> String {
        let body = self.json();
        let errcode = body.as_ref().and_then(|body| body.get("errcode")?.as_str());
        ForeignText::new(errcode.unwrap_or("")).to_string()
    }

    /// The status and the error, as it may be shown.
    pub(super) fn told(&self) -> String {
        let body = self.json();
        let error = body.as_ref().and_then(|body| body.get("error")?.as_str());
        let error = ForeignText::new(error.unwrap_or(""));
        format!("{} {} {error}", self.status, self.errcode())
            .trim_end()
            .to_owned()
    }
}
