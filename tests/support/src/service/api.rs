//! What a bridge asks of the service, and what people do with its links.

use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::Value;

use super::running::Service;
use crate::{
    client::{answer, url},
    settings::API_TOKEN,
    waiting::eventually,
};

impl Service {
    /// A request to the bridge API, as the bridge.
    pub fn api(&self, method: Method, path: &str) -> RequestBuilder {
        self.client
            .request(method, format!("{}{path}", self.internal))
            .bearer_auth(API_TOKEN)
    }

    /// A request with a body; status and answer.
    pub async fn call(&self, method: Method, path: &str, body: &Value) -> (StatusCode, Value) {
        answer(self.api(method, path).json(body)).await
    }

    /// Issues a link that has to come about.
    pub async fn issue(&self, body: Value) -> Value {
        let (status, link) = self.call(Method::POST, "/v1/links", &body).await;
        assert!(
            status == StatusCode::CREATED || status == StatusCode::OK,
            "{status} {link}"
        );
        link
    }

    /// A link as it is now.
    pub async fn link(&self, link: &Value) -> Value {
        let id = link["link_id"].as_str().expect("a link ID");
        answer(self.api(Method::GET, &format!("/v1/links/{id}")))
            .await
            .1
    }

    /// Follows a link of the API.
    pub async fn follow(&self, link: &Value) -> reqwest::Response {
        self.client.get(url(link)).send().await.expect("an answer")
    }

    /// Waits until a link's usage is in this state.
    pub async fn wait_for_usage(&self, link: &Value, state: &str) -> Value {
        eventually(&format!("usage {state}"), async || {
            let link = self.link(link).await;
            (link["usage"]["state"] == state).then_some(link)
        })
        .await
    }

    /// Every link of the bridge.
    pub async fn listed(&self) -> Vec<Value> {
        let (status, page) = answer(self.api(Method::GET, "/v1/links")).await;
        assert_eq!(status, 200, "{page}");
        page["links"].as_array().expect("links").clone()
    }

    /// Revokes one link.
    pub async fn revoke(&self, link: &Value) {
        let id = link["link_id"].as_str().expect("a link ID");
        let request = self.api(Method::DELETE, &format!("/v1/links/{id}"));
        let (status, revoked) = answer(request).await;
        assert_eq!(status, 200, "{revoked}");
    }

    /// Revokes the links that match; how many there were.
    pub async fn revoke_matching(&self, criteria: Value) -> Value {
        let (status, outcome) = self.call(Method::POST, "/v1/revocations", &criteria).await;
        assert_eq!(status, 200, "{outcome}");
        outcome["revoked"].clone()
    }

    /// A path of the public listener.
    pub async fn get(&self, path: &str) -> reqwest::Response {
        let url = format!("{}{path}", self.public);
        self.client.get(url).send().await.expect("an answer")
    }

    /// Status and error code of a path that leads to no media.
    pub async fn refused(&self, path: &str) -> (u16, Value) {
        let (status, error) = answer(self.client.get(format!("{}{path}", self.public))).await;
        (status.as_u16(), error["errcode"].clone())
    }
}
