//! The secrets of a request: its answer may repeat them.

use reqwest::{Request, header};
use serde_json::Value;

use crate::telemetry::Masker;

/// The header of a content token (MSC3910).
pub(super) const CONTENT_TOKEN_HEADER: &str = "x-matrix-content-token";
/// The most content tokens of a body that are looked for: those of the largest batch.
const MAX_TOKENS: usize = 200;

/// Masks what a request carries: its access token, and the content tokens of its header and its body.
pub(super) fn masker_of(request: &Request) -> Masker {
    let header = |name| request.headers().get(name)?.to_str().ok();
    let credentials = header(header::AUTHORIZATION.as_str());
    let access_token = credentials.map(|value| value.trim_start_matches("Bearer "));
    let body = request.body().and_then(reqwest::Body::as_bytes);
    let body: Option<Value> = body.and_then(|body| serde_json::from_slice(body).ok());
    let tokens = body
        .as_ref()
        .and_then(|body| body.get("content_token")?.as_object());
    let of_body = tokens
        .into_iter()
        .flat_map(|tokens| tokens.values().filter_map(Value::as_str))
        .take(MAX_TOKENS);
    let of_headers = [access_token, header(CONTENT_TOKEN_HEADER)];
    Masker::of(of_headers.into_iter().flatten().chain(of_body))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn tokens_of_headers_and_of_the_body_are_masked() {
        #[expect(clippy::disallowed_methods, reason = "a request that is not sent")]
        let client = reqwest::Client::new();
        let request = client
            .put("http://localhost/")
            .bearer_auth("an access token")
            .header(CONTENT_TOKEN_HEADER, "token-in-header")
            .json(&json!({"content_token": {"a": "token-in-body"}}))
            .build()
            .expect("a request");
        let masker = masker_of(&request);
        for secret in ["an access token", "token-in-header", "token-in-body"] {
            let shown = masker.mask(&format!("found {secret} there"));
            assert_eq!(shown.as_str(), "found [masked] there");
        }
    }
}
