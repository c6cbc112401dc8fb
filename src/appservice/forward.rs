//! The way on to the bridge behind us: every request of the homeserver to the byte, with the
//! bridge's own token, and the bridge's answer back.

use std::{fmt, time::Duration};

use bytes::Bytes;
use http_body_util::Full;
use hyper::{
    Method, Request, Response, Uri,
    body::Incoming as AnswerBody,
    header::{self, HeaderMap, HeaderName, HeaderValue},
};
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::{
    config::ForwardTo,
    homeserver::{Connector, HomeserverError, Resolver, connector},
    telemetry::ForeignText,
};

/// How long connecting to the bridge may take.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// How long the bridge may take to answer. Homeservers give up earlier.
const ANSWER_WITHIN: Duration = Duration::from_secs(120);

/// The characters that a token in a query is written with.
const TOKEN: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');
/// Headers that concern one connection.
const HOP_HEADERS: [HeaderName; 8] = [
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// Forwards requests to bridges.
#[derive(Debug, Clone)]
pub struct Forwarder {
    client: Client<Connector, Full<Bytes>>,
}

/// A request of the homeserver, as it came.
#[derive(Clone)]
pub struct ForwardedRequest {
    /// Its method.
    pub method: Method,
    /// Path and query, as they were written. The query may hold the homeserver's token.
    pub target: String,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body, whole.
    pub body: Bytes,
}

impl fmt::Debug for ForwardedRequest {
    /// Target, headers and body hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ForwardedRequest")
            .field("method", &self.method)
            .finish_non_exhaustive()
    }
}

/// The answer of a bridge: its status, the headers that concern the answer itself, and its body.
pub type BridgeAnswer = Response<AnswerBody>;

/// Why the bridge has not answered.
#[derive(Debug, thiserror::Error)]
pub enum ForwardError {
    /// It cannot be reached, or the connection broke.
    #[error("the bridge at forward_to cannot be reached: {0}")]
    Unreachable(ForeignText),
    /// It took too long.
    #[error("the bridge at forward_to was too slow to answer")]
    Slow,
    /// The request cannot be written as one to the bridge.
    #[error("the request cannot be handed on: {0}")]
    Unwritable(&'static str),
}

impl Forwarder {
    /// Prepares connections; makes none yet.
    ///
    /// # Errors
    /// If there is no way to make them.
    pub fn new() -> Result<Self, HomeserverError> {
        let connector = connector(Resolver::Any, CONNECT_WITHIN)?;
        #[expect(
            clippy::disallowed_methods,
            reason = "the client for the bridges behind"
        )]
        let client = Client::builder(TokioExecutor::new()).build(connector);
        Ok(Self { client })
    }

    /// Forwards a request, and returns the answer.
    ///
    /// # Errors
    /// If the bridge does not answer.
    pub async fn forward(
        &self,
        to: &ForwardTo,
        request: ForwardedRequest,
    ) -> Result<BridgeAnswer, ForwardError> {
        let request = rewritten(to, request)?;
        let asked = tokio::time::timeout(ANSWER_WITHIN, self.client.request(request));
        let mut answer = asked
            .await
            .map_err(|_| ForwardError::Slow)?
            .map_err(|error| ForwardError::Unreachable(HomeserverError::last_cause(&error)))?;
        remove_hop_headers(answer.headers_mut());
        Ok(answer)
    }
}

/// The request as the bridge gets it.
fn rewritten(
    to: &ForwardTo,
    request: ForwardedRequest,
) -> Result<Request<Full<Bytes>>, ForwardError> {
    let base = to.url.as_str().trim_end_matches('/');
    let target = with_token(&request.target, to.hs_token.expose());
    let uri: Uri = format!("{base}{target}")
        .parse()
        .map_err(|_| ForwardError::Unwritable("its path is none of a URL"))?;
    let mut headers = request.headers;
    remove_hop_headers(&mut headers);
    headers.remove(header::HOST);
    headers.remove(header::CONTENT_LENGTH);
    if headers.contains_key(header::AUTHORIZATION) {
        let mut value = HeaderValue::try_from(format!("Bearer {}", to.hs_token.expose()))
            .map_err(|_| ForwardError::Unwritable("the bridge's token is no header value"))?;
        value.set_sensitive(true);
        headers.insert(header::AUTHORIZATION, value);
    }
    let mut forwarded = Request::new(Full::new(request.body));
    *forwarded.method_mut() = request.method;
    *forwarded.uri_mut() = uri;
    *forwarded.headers_mut() = headers;
    Ok(forwarded)
}

/// The target with another token in its query, where it has one; every other byte stays.
fn with_token(target: &str, token: &str) -> String {
    let Some((path, query)) = target.split_once('?') else {
        return target.to_owned();
    };
    let pairs = query.split('&').map(|pair| match pair.split_once('=') {
        Some(("access_token", _)) => {
            format!("access_token={}", utf8_percent_encode(token, TOKEN))
        }
        _ => pair.to_owned(),
    });
    format!("{path}?{}", pairs.collect::<Vec<_>>().join("&"))
}

/// Headers that concern one connection are not forwarded (RFC 9110, section 7.6.1).
fn remove_hop_headers(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in named {
        headers.remove(name);
    }
    for name in HOP_HEADERS {
        headers.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_token_of_a_query_is_replaced() {
        for (target, expected) in [
            ("/_matrix/app/v1/ping", "/_matrix/app/v1/ping"),
            ("/a?access_token=old", "/a?access_token=new%2Bone"),
            (
                "/a%2Fb/@x:y?z=%20&access_token=old&q",
                "/a%2Fb/@x:y?z=%20&access_token=new%2Bone&q",
            ),
            (
                "/a?my_access_token=old&access_tokens=1",
                "/a?my_access_token=old&access_tokens=1",
            ),
        ] {
            assert_eq!(with_token(target, "new+one"), expected);
        }
    }

    #[test]
    fn headers_of_one_connection_stay_behind() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("connection", "close, X-Hop"),
            ("x-hop", "1"),
            ("transfer-encoding", "chunked"),
            ("x-kept", "1"),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        remove_hop_headers(&mut headers);
        assert_eq!(headers.keys().collect::<Vec<_>>(), ["x-kept"]);
    }
}
