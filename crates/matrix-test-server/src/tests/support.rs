//! People, media and requests.

use reqwest::{Method, RequestBuilder, Response};
use serde_json::{Value, json};

use crate::counting::uri_hash;
use crate::{Appservice, EmbeddedHomeserver, Options};

pub(super) const SEND: &str = "m.room.message";

/// Somebody with an access token.
#[derive(Clone)]
pub(super) struct Someone {
    pub(super) base: String,
    pub(super) token: String,
    pub(super) suffix: String,
    pub(super) http: reqwest::Client,
}

impl Someone {
    pub(super) fn new(homeserver: &EmbeddedHomeserver, token: &str) -> Self {
        Self {
            base: homeserver.url(),
            token: token.to_owned(),
            suffix: String::new(),
            http: reqwest::Client::builder().no_proxy().build().unwrap(),
        }
    }

    /// Acts as the given user of the appservice.
    pub(super) fn acting(&self, query: &str) -> Self {
        let suffix = format!("?{query}");
        Self {
            suffix,
            ..self.clone()
        }
    }

    pub(super) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let mut suffix = self.suffix.clone();
        if path.contains('?') {
            suffix = suffix.replacen('?', "&", 1);
        }
        let url = format!("{}{path}{suffix}", self.base);
        self.http.request(method, url).bearer_auth(&self.token)
    }

    pub(super) async fn call(&self, method: Method, path: &str, body: Value) -> (u16, Value) {
        answer(self.request(method, path).json(&body).send().await.unwrap()).await
    }

    pub(super) async fn get(&self, path: &str) -> (u16, Value) {
        answer(self.request(Method::GET, path).send().await.unwrap()).await
    }

    pub(super) async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        self.call(Method::POST, path, body).await
    }

    pub(super) async fn put(&self, path: &str, body: Value) -> (u16, Value) {
        self.call(Method::PUT, path, body).await
    }

    pub(super) async fn create_room(&self, body: Value) -> String {
        let (status, room) = self.post("/_matrix/client/v3/createRoom", body).await;
        assert_eq!(status, 200, "{room}");
        room["room_id"].as_str().unwrap().to_owned()
    }

    pub(super) async fn send(&self, room: &str, txn: &str, content: Value) -> String {
        let path = format!("/_matrix/client/v3/rooms/{room}/send/{SEND}/{txn}");
        let (status, sent) = self.put(&path, content).await;
        assert_eq!(status, 200, "{sent}");
        sent["event_id"].as_str().unwrap().to_owned()
    }

    pub(super) async fn redact(&self, room: &str, event: &str, txn: &str) -> (u16, Value) {
        let path = format!("/_matrix/client/v3/rooms/{room}/redact/{event}/{txn}");
        self.put(&path, json!({"reason": "test"})).await
    }

    pub(super) async fn event(&self, room: &str, event: &str) -> (u16, Value) {
        self.get(&format!("/_matrix/client/v3/rooms/{room}/event/{event}"))
            .await
    }

    pub(super) async fn upload(&self, bytes: &'static [u8], content_type: &str) -> Uploaded {
        let request = self.request(Method::POST, "/_matrix/media/v3/upload?filename=a%20b.png");
        let request = request.header("content-type", content_type);
        // An empty body is sent without a length otherwise, which is refused.
        let request = request.header("content-length", bytes.len()).body(bytes);
        let (status, answer) = answer(request.send().await.unwrap()).await;
        assert_eq!(status, 200, "{answer}");
        Uploaded::read(&answer)
    }

    pub(super) fn fetch(&self, medium: &Uploaded) -> RequestBuilder {
        let request = self.request(Method::GET, &medium.download());
        match &medium.token {
            Some(token) => request.header("x-matrix-content-token", token),
            None => request,
        }
    }

    pub(super) async fn count(&self, medium: &Uploaded) -> Value {
        self.get(&format!("/_demo/media/{}", medium.path)).await.1
    }

    pub(super) async fn clean_up(&self) -> Value {
        self.post("/_demo/cleanup", json!({})).await.1["deleted"].clone()
    }
}

pub(super) struct Uploaded {
    pub(super) mxc: String,
    pub(super) path: String,
    pub(super) token: Option<String>,
}

impl Uploaded {
    pub(super) fn read(answer: &Value) -> Self {
        let mxc = answer["content_uri"].as_str().unwrap().to_owned();
        let path = mxc.strip_prefix("mxc://").unwrap().to_owned();
        let token = answer["content_token"].as_str().map(str::to_owned);
        Self { mxc, path, token }
    }

    pub(super) fn download(&self) -> String {
        format!("/_matrix/client/v1/media/download/{}", self.path)
    }

    pub(super) fn message(&self) -> Value {
        json!({"msgtype": "m.image", "url": self.mxc, "content_token": self.token})
    }

    pub(super) fn meta(&self, batch: &str) -> Value {
        json!({"content_token": {uri_hash(&self.mxc): self.token}, "batch": batch})
    }
}

pub(super) async fn answer(response: Response) -> (u16, Value) {
    let status = response.status().as_u16();
    (status, response.json().await.unwrap_or_default())
}

pub(super) fn failure(answer: &(u16, Value)) -> (u16, &str) {
    (answer.0, answer.1["errcode"].as_str().unwrap_or_default())
}

pub(super) fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    response
        .headers()
        .get(name)
        .map_or("", |value| value.to_str().unwrap())
}

pub(super) fn irc(url: Option<String>) -> Appservice {
    Appservice {
        id: "irc".to_owned(),
        as_token: "as".to_owned(),
        hs_token: "hs".to_owned(),
        url,
        sender: "@ircbot:localhost".to_owned(),
        users: vec!["@irc_*:localhost".to_owned()],
    }
}

pub(super) async fn start(change: impl FnOnce(&mut Options)) -> EmbeddedHomeserver {
    let mut options = Options {
        appservices: vec![irc(None)],
        ..Options::default()
    };
    change(&mut options);
    EmbeddedHomeserver::start(options).await.unwrap()
}

pub(super) async fn register(homeserver: &EmbeddedHomeserver, name: &str) -> Someone {
    let nobody = Someone::new(homeserver, "");
    let body = json!({"username": name, "auth": {"type": "m.login.dummy"}});
    let (status, answer) = nobody.post("/_matrix/client/v3/register", body).await;
    assert_eq!(status, 200, "{answer}");
    Someone::new(homeserver, answer["access_token"].as_str().unwrap())
}

pub(super) async fn generate(someone: &Someone, size: u64) -> Uploaded {
    let path = format!("/_demo/generate?size={size}&content_type=video/mp4");
    let (status, answer) = someone.post(&path, json!({})).await;
    assert_eq!(status, 200);
    Uploaded::read(&answer)
}
