//! Many links, and how they are followed.

use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};
use support::{API_TOKEN, answer, url};

/// How many links a batch has at most.
const BATCH: usize = 1000;

/// A bridge that issues and follows many links.
pub struct Bridge<'a> {
    pub client: &'a Client,
    pub internal: &'a str,
}

impl Bridge<'_> {
    fn post(&self, path: &str, body: &Value) -> RequestBuilder {
        let url = format!("{}{path}", self.internal);
        let request = self.client.request(Method::POST, url);
        request.bearer_auth(API_TOKEN).json(body)
    }

    /// So many links to one medium in a room, each for an event of its own; `more` is part of each request.
    pub async fn issue(&self, count: usize, medium: &Value, more: &Value) -> Vec<Value> {
        let mut issued = Vec::with_capacity(count);
        while issued.len() < count {
            let bodies = (issued.len()..count).take(BATCH).map(|number| {
                let mut body = medium.clone();
                body["event_id"] = json!(format!("$event{number}"));
                for (name, value) in more.as_object().expect("an object") {
                    body[name] = value.clone();
                }
                body
            });
            let bodies = json!({"links": bodies.collect::<Vec<_>>()});
            let (status, answer) = answer(self.post("/v1/links/batch", &bodies)).await;
            assert_eq!(status, 200, "{answer}");
            issued.extend(answer["results"].as_array().expect("links").clone());
        }
        assert!(issued.iter().all(|link| link["state"] == "live"));
        issued
    }

    /// Asks for a revocation; how many links it has ended. `None`: there was no answer.
    pub async fn revoke(&self, criteria: &Value) -> Option<u64> {
        let asked = self.post("/v1/revocations", criteria).send().await.ok()?;
        let outcome: Value = asked.json().await.ok()?;
        outcome["revoked"].as_u64()
    }

    /// Follows a link, wherever it was issued; the status, or none.
    pub async fn follow(&self, public: &str, link: &Value) -> Option<u16> {
        let issued = url(link);
        let path = issued.find("/m/").map(|at| &issued[at..]).expect("a path");
        let asked = self.client.get(format!("{public}{path}")).send().await;
        asked.ok().map(|answer| answer.status().as_u16())
    }
}

/// Links of the first, of some in between, and of the last.
pub fn some(links: &[Value]) -> impl Iterator<Item = &Value> {
    let step = (links.len() / 7).max(1);
    links.iter().step_by(step).chain(links.last())
}
