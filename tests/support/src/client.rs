//! The HTTP client of tests.

use std::time::Duration;

use reqwest::{RequestBuilder, StatusCode};
use serde_json::Value;

/// A client that follows no redirects and keeps no cookies.
pub fn client() -> reqwest::Client {
    reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(Duration::from_secs(60))
        // Shorter than services keep connections that nothing is sent on: a test that did something else for so long
        // may not have noticed yet that one was closed.
        .pool_idle_timeout(Duration::from_secs(2))
        .build()
        .expect("a client")
}

/// The URL of a link.
pub fn url(link: &Value) -> String {
    link["url"].as_str().expect("a URL").to_owned()
}

/// Status and JSON of an answer.
pub async fn answer(request: RequestBuilder) -> (StatusCode, Value) {
    let response = request.send().await.expect("an answer");
    let status = response.status();
    let text = response.text().await.expect("a body");
    (
        status,
        serde_json::from_str(&text).unwrap_or(Value::String(text)),
    )
}

/// A page without the beginning of the one script that pages of media have of their own, once: what is left of
/// scripts came from somebody else.
#[must_use]
pub fn without_own_script(page: &str) -> String {
    page.replacen("<script>for (const time of ", "", 1)
}
