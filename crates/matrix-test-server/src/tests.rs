//! The whole server, over HTTP.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use reqwest::{Method, RequestBuilder, Response};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::counting::uri_hash;
use super::{Appservice, EmbeddedHomeserver, Options, generated_byte};

mod linked_media;
mod operations;
mod upgrade;

const SEND: &str = "m.room.message";

/// Somebody with an access token.
#[derive(Clone)]
struct Someone {
    base: String,
    token: String,
    suffix: String,
    http: reqwest::Client,
}

impl Someone {
    fn new(homeserver: &EmbeddedHomeserver, token: &str) -> Self {
        Self {
            base: homeserver.url(),
            token: token.to_owned(),
            suffix: String::new(),
            http: reqwest::Client::builder().no_proxy().build().unwrap(),
        }
    }

    /// Acts as the given user of the appservice.
    fn acting(&self, query: &str) -> Self {
        let suffix = format!("?{query}");
        Self {
            suffix,
            ..self.clone()
        }
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let mut suffix = self.suffix.clone();
        if path.contains('?') {
            suffix = suffix.replacen('?', "&", 1);
        }
        let url = format!("{}{path}{suffix}", self.base);
        self.http.request(method, url).bearer_auth(&self.token)
    }

    async fn call(&self, method: Method, path: &str, body: Value) -> (u16, Value) {
        answer(self.request(method, path).json(&body).send().await.unwrap()).await
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        answer(self.request(Method::GET, path).send().await.unwrap()).await
    }

    async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        self.call(Method::POST, path, body).await
    }

    async fn put(&self, path: &str, body: Value) -> (u16, Value) {
        self.call(Method::PUT, path, body).await
    }

    async fn create_room(&self, body: Value) -> String {
        let (status, room) = self.post("/_matrix/client/v3/createRoom", body).await;
        assert_eq!(status, 200, "{room}");
        room["room_id"].as_str().unwrap().to_owned()
    }

    async fn send(&self, room: &str, txn: &str, content: Value) -> String {
        let path = format!("/_matrix/client/v3/rooms/{room}/send/{SEND}/{txn}");
        let (status, sent) = self.put(&path, content).await;
        assert_eq!(status, 200, "{sent}");
        sent["event_id"].as_str().unwrap().to_owned()
    }

    async fn redact(&self, room: &str, event: &str, txn: &str) -> (u16, Value) {
        let path = format!("/_matrix/client/v3/rooms/{room}/redact/{event}/{txn}");
        self.put(&path, json!({"reason": "test"})).await
    }

    async fn event(&self, room: &str, event: &str) -> (u16, Value) {
        self.get(&format!("/_matrix/client/v3/rooms/{room}/event/{event}"))
            .await
    }

    async fn upload(&self, bytes: &'static [u8], content_type: &str) -> Uploaded {
        let request = self.request(Method::POST, "/_matrix/media/v3/upload?filename=a%20b.png");
        let request = request.header("content-type", content_type);
        // An empty body is sent without a length otherwise, which is refused.
        let request = request.header("content-length", bytes.len()).body(bytes);
        let (status, answer) = answer(request.send().await.unwrap()).await;
        assert_eq!(status, 200, "{answer}");
        Uploaded::read(&answer)
    }

    fn fetch(&self, medium: &Uploaded) -> RequestBuilder {
        let request = self.request(Method::GET, &medium.download());
        match &medium.token {
            Some(token) => request.header("x-matrix-content-token", token),
            None => request,
        }
    }

    async fn count(&self, medium: &Uploaded) -> Value {
        self.get(&format!("/_demo/media/{}", medium.path)).await.1
    }

    async fn clean_up(&self) -> Value {
        self.post("/_demo/cleanup", json!({})).await.1["deleted"].clone()
    }
}

struct Uploaded {
    mxc: String,
    path: String,
    token: Option<String>,
}

impl Uploaded {
    fn read(answer: &Value) -> Self {
        let mxc = answer["content_uri"].as_str().unwrap().to_owned();
        let path = mxc.strip_prefix("mxc://").unwrap().to_owned();
        let token = answer["content_token"].as_str().map(str::to_owned);
        Self { mxc, path, token }
    }

    fn download(&self) -> String {
        format!("/_matrix/client/v1/media/download/{}", self.path)
    }

    fn message(&self) -> Value {
        json!({"msgtype": "m.image", "url": self.mxc, "content_token": self.token})
    }

    fn meta(&self, batch: &str) -> Value {
        json!({"content_token": {uri_hash(&self.mxc): self.token}, "batch": batch})
    }
}

async fn answer(response: Response) -> (u16, Value) {
    let status = response.status().as_u16();
    (status, response.json().await.unwrap_or_default())
}

fn failure(answer: &(u16, Value)) -> (u16, &str) {
    (answer.0, answer.1["errcode"].as_str().unwrap_or_default())
}

fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    response
        .headers()
        .get(name)
        .map_or("", |value| value.to_str().unwrap())
}

fn irc(url: Option<String>) -> Appservice {
    Appservice {
        id: "irc".to_owned(),
        as_token: "as".to_owned(),
        hs_token: "hs".to_owned(),
        url,
        sender: "@ircbot:localhost".to_owned(),
        users: vec!["@irc_*:localhost".to_owned()],
    }
}

async fn start(change: impl FnOnce(&mut Options)) -> EmbeddedHomeserver {
    let mut options = Options {
        appservices: vec![irc(None)],
        ..Options::default()
    };
    change(&mut options);
    EmbeddedHomeserver::start(options).await.unwrap()
}

async fn register(homeserver: &EmbeddedHomeserver, name: &str) -> Someone {
    let nobody = Someone::new(homeserver, "");
    let body = json!({"username": name, "auth": {"type": "m.login.dummy"}});
    let (status, answer) = nobody.post("/_matrix/client/v3/register", body).await;
    assert_eq!(status, 200, "{answer}");
    Someone::new(homeserver, answer["access_token"].as_str().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn users_register_meet_in_a_room_and_talk() {
    let homeserver = start(|_| ()).await;
    let alice = register(&homeserver, "alice").await;
    let bob = register(&homeserver, "bob").await;
    let who = alice.get("/_matrix/client/v3/account/whoami").await.1;
    assert_eq!(who["user_id"], "@alice:localhost");
    let taken = json!({"username": "alice", "auth": {"type": "m.login.dummy"}});
    let taken = alice.post("/_matrix/client/v3/register", taken).await;
    assert_eq!(failure(&taken), (400, "M_USER_IN_USE"));

    for (version, length) in [("10", 29), ("11", 29), ("12", 44)] {
        let invite = ["@bob:localhost"];
        let room = alice
            .create_room(json!({"room_version": version, "invite": invite}))
            .await;
        assert_eq!((room.len(), room.contains(':')), (length, version != "12"));
        let join = format!("/_matrix/client/v3/join/{room}");
        assert_eq!(
            bob.post(&join, json!({})).await,
            (200, json!({"room_id": room}))
        );
        let said = bob.send(&room, "1", json!({"body": "hello"})).await;
        let (status, read) = alice.event(&room, &said).await;
        assert_eq!((status, &read["content"]["body"]), (200, &json!("hello")));
        assert_eq!(read["unsigned"].get("transaction_id"), None);
        assert_eq!(
            bob.event(&room, &said).await.1["unsigned"]["transaction_id"],
            "1"
        );
        let members = alice
            .get(&format!("/_matrix/client/v3/rooms/{room}/joined_members"))
            .await;
        assert_eq!(members.1["joined"].as_object().unwrap().len(), 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_not_in_the_room_is_kept_out() {
    let homeserver = start(|_| ()).await;
    let alice = register(&homeserver, "alice").await;
    let bob = register(&homeserver, "bob").await;
    let room = alice.create_room(json!({})).await;
    let said = alice.send(&room, "1", json!({"body": "x"})).await;
    let forbidden = (403, "M_FORBIDDEN");
    let in_room = format!("/_matrix/client/v3/rooms/{room}");
    for path in ["/join", "/invite", "/kick", "/leave"] {
        let body = json!({"user_id": "@alice:localhost"});
        assert_eq!(
            failure(&bob.post(&format!("{in_room}{path}"), body).await),
            forbidden
        );
    }
    for path in [
        "/state",
        "/messages?dir=b",
        "/joined_members",
        "/state/m.room.name",
    ] {
        assert_eq!(
            failure(&bob.get(&format!("{in_room}{path}")).await),
            forbidden,
            "{path}"
        );
    }
    for room in [
        room.as_str(),
        "!nowhere:localhost",
        "%21%2F..%2F",
        "%F0%9F%8E%89",
    ] {
        let path = format!("/_matrix/client/v3/rooms/{room}/send/{SEND}/1");
        assert_eq!(failure(&bob.put(&path, json!({})).await), forbidden);
    }
    assert_eq!(
        failure(&bob.event(&room, &said).await),
        (404, "M_NOT_FOUND")
    );

    let invite = json!({"user_id": "@bob:localhost"});
    let invited = alice
        .post(&format!("{in_room}/invite"), invite.clone())
        .await;
    assert_eq!(invited.0, 200);
    assert_eq!(bob.post(&format!("{in_room}/join"), json!({})).await.0, 200);
    let mine = bob.send(&room, "2", json!({})).await;
    assert_eq!(alice.post(&format!("{in_room}/ban"), invite).await.0, 200);
    assert_eq!(
        failure(&bob.post(&format!("{in_room}/join"), json!({})).await),
        forbidden
    );
    let unseen = alice.send(&room, "3", json!({})).await;
    assert_eq!(bob.event(&room, &mine).await.0, 200);
    assert_eq!(bob.event(&room, &unseen).await.0, 404);
    assert_eq!(failure(&bob.redact(&room, &mine, "4").await), forbidden);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_content_token_is_needed_and_must_be_right() {
    let homeserver = start(|_| ()).await;
    let alice = register(&homeserver, "alice").await;
    let medium = alice.upload(b"bytes", "image/png").await;
    let path = medium.download();
    assert_eq!(
        failure(&alice.get(&path).await),
        (403, "M_MISSING_CONTENT_TOKEN")
    );
    let wrong = alice
        .request(Method::GET, &path)
        .header("x-matrix-content-token", "no");
    assert_eq!(
        failure(&answer(wrong.send().await.unwrap()).await),
        (403, "M_UNAUTHORIZED")
    );
    let nobody = Someone::new(&homeserver, "wrong");
    let refused = answer(nobody.fetch(&medium).send().await.unwrap()).await;
    assert_eq!(failure(&refused), (401, "M_UNKNOWN_TOKEN"));
    let bare = nobody
        .http
        .get(format!("{}{path}", nobody.base))
        .send()
        .await
        .unwrap();
    assert_eq!(failure(&answer(bare).await), (401, "M_MISSING_TOKEN"));

    let got = alice.fetch(&medium).send().await.unwrap();
    assert_eq!(got.status(), 200);
    assert_eq!(header(&got, "etag"), "1");
    assert_eq!(header(&got, "content-length"), "5");
    assert_eq!(header(&got, "content-type"), "image/png");
    assert_eq!(
        header(&got, "content-disposition"),
        "inline; filename*=utf-8''a%20b.png"
    );
    assert_eq!(got.bytes().await.unwrap(), "bytes");
    let legacy = alice
        .get(&format!("/_matrix/media/v3/download/{}", medium.path))
        .await;
    assert_eq!(failure(&legacy), (404, "M_NOT_FOUND"));

    let bare = alice
        .post("/_demo/generate?size=3&content_token=false", json!({}))
        .await
        .1;
    let bare = Uploaded::read(&bare);
    assert_eq!(alice.fetch(&bare).send().await.unwrap().status(), 200);
    let offered = alice.fetch(&bare).header("x-matrix-content-token", "t");
    assert_eq!(
        failure(&answer(offered.send().await.unwrap()).await),
        (403, "M_UNAUTHORIZED")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plain_server_has_no_content_tokens() {
    let homeserver = start(|options| options.content_tokens = false).await;
    let alice = register(&homeserver, "alice").await;
    let versions = alice.get("/_matrix/client/versions").await.1;
    assert_eq!(versions["unstable_features"], json!({}));
    assert!(
        versions["versions"]
            .as_array()
            .unwrap()
            .contains(&json!("v1.11"))
    );
    let medium = alice.upload(b"bytes", "text/html").await;
    assert!(medium.token.is_none());
    let got = alice
        .fetch(&medium)
        .header("x-matrix-content-token", "ignored");
    let got = got.send().await.unwrap();
    assert_eq!(got.status(), 200);
    assert!(header(&got, "content-disposition").starts_with("attachment"));
}

#[tokio::test(flavor = "multi_thread")]
async fn references_are_counted_released_and_cleaned_up() {
    let homeserver = start(|_| ()).await;
    let alice = register(&homeserver, "alice").await;
    let room = alice.create_room(json!({})).await;
    let medium = alice.upload(b"bytes", "image/png").await;
    let source = alice.send(&room, "1", medium.message()).await;
    assert_eq!(alice.count(&medium).await["references"], 1);
    let meta = alice.send(&room, "2", medium.meta("a")).await;
    assert_eq!(alice.count(&medium).await["references"], 2);
    let mut wrong = medium.message();
    wrong["content_token"] = "wrong".into();
    alice.send(&room, "3", wrong).await;
    assert_eq!(alice.count(&medium).await["references"], 2);

    assert_eq!(alice.redact(&room, &source, "4").await.0, 200);
    assert_eq!(alice.redact(&room, &source, "5").await.0, 200);
    assert_eq!(alice.count(&medium).await["references"], 1);
    assert_eq!(alice.clean_up().await, json!([]));
    assert_eq!(alice.fetch(&medium).send().await.unwrap().status(), 200);

    assert_eq!(alice.redact(&room, &meta, "6").await.0, 200);
    assert_eq!(alice.clean_up().await, json!([medium.mxc]));
    let gone = answer(alice.fetch(&medium).send().await.unwrap()).await;
    assert_eq!(failure(&gone), (404, "M_NOT_FOUND"));
    let seen = alice.count(&medium).await;
    assert_eq!(seen["deleted"], true);
    assert_eq!(seen["max_references"], 2);
    assert_eq!(seen["min_references_since_counted"], 0);
    let counts: Vec<_> = seen["history"]
        .as_array()
        .unwrap()
        .iter()
        .map(|at| &at[1])
        .collect();
    assert_eq!(counts, [1, 2, 1, 0]);
    let listed = alice.get("/_demo/media").await.1;
    assert_eq!(listed.as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn young_media_has_its_grace() {
    let homeserver = start(|options| options.grace = Duration::from_secs(3600)).await;
    let alice = register(&homeserver, "alice").await;
    alice.upload(b"bytes", "image/png").await;
    assert_eq!(alice.clean_up().await, json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_happens_once() {
    let homeserver = start(|_| ()).await;
    let alice = register(&homeserver, "alice").await;
    let room = alice.create_room(json!({})).await;
    let medium = alice.upload(b"bytes", "image/png").await;
    let first = alice.send(&room, "t", medium.meta("a")).await;
    assert_eq!(alice.send(&room, "t", medium.meta("b")).await, first);
    assert_eq!(alice.count(&medium).await["references"], 1);
    assert_eq!(alice.event(&room, &first).await.1["content"]["batch"], "a");
    let encoded = room.replacen('!', "%21", 1);
    assert_ne!(alice.send(&encoded, "t", medium.meta("c")).await, first);

    let bot = Someone::new(&homeserver, "as");
    let room = bot.create_room(json!({})).await;
    let device = |id: &str| bot.acting(&format!("user_id=%40ircbot%3Alocalhost&device_id={id}"));
    let missing = device("ONE").get("/_matrix/client/v3/account/whoami").await;
    assert_eq!(failure(&missing), (500, "M_FORBIDDEN"));
    for id in ["ONE", "TWO"] {
        let path = format!("/_matrix/client/v3/devices/{id}");
        assert_eq!(bot.put(&path, json!({})).await.0, 201);
        assert_eq!(bot.put(&path, json!({})).await.0, 200);
    }
    let one = device("ONE").send(&room, "t", json!({"n": 1})).await;
    assert_eq!(device("ONE").send(&room, "t", json!({"n": 2})).await, one);
    assert_ne!(device("TWO").send(&room, "t", json!({"n": 3})).await, one);
    assert_ne!(bot.send(&room, "t", json!({"n": 4})).await, one);

    let redaction = device("ONE").redact(&room, &one, "r").await;
    assert_eq!(device("ONE").redact(&room, &one, "r").await, redaction);
    assert_ne!(device("ONE").redact(&room, &one, "s").await, redaction);
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_come_in_pages() {
    let homeserver = start(|_| ()).await;
    let alice = register(&homeserver, "alice").await;
    let room = alice.create_room(json!({})).await;
    let mut sent = Vec::new();
    for n in 0..7 {
        sent.push(alice.send(&room, &format!("m{n}"), json!({"n": n})).await);
        let state = format!("/_matrix/client/v3/rooms/{room}/state/x.noise/{n}");
        assert_eq!(alice.put(&state, json!({})).await.0, 200);
    }
    for (dir, rounds) in [("b", 4), ("f", 4)] {
        let filter = r#"{"types":["m.room.mess*"],"senders":["@alice:localhost"]}"#;
        let (mut seen, mut from, mut pages) = (Vec::new(), String::new(), 0);
        loop {
            let path = format!("/_matrix/client/v3/rooms/{room}/messages");
            let request = alice.request(Method::GET, &path);
            let request = request.query(&[("dir", dir), ("limit", "2"), ("filter", filter)]);
            let request = if from.is_empty() {
                request
            } else {
                request.query(&[("from", &from)])
            };
            let (status, page) = answer(request.send().await.unwrap()).await;
            assert_eq!(status, 200);
            let chunk = page["chunk"].as_array().unwrap();
            seen.extend(
                chunk
                    .iter()
                    .map(|event| event["event_id"].as_str().unwrap().to_owned()),
            );
            pages += 1;
            match page.get("end") {
                Some(end) => end.as_str().unwrap().clone_into(&mut from),
                None => break,
            }
        }
        if dir == "b" {
            seen.reverse();
        }
        assert_eq!((&seen, pages), (&sent, rounds), "{dir}");
    }
    let path = format!("/_matrix/client/v3/rooms/{room}/messages");
    assert_eq!(failure(&alice.get(&path).await), (400, "M_MISSING_PARAM"));
    for query in [
        "dir=x",
        "dir=b&from=x",
        "dir=b&limit=-1",
        "dir=b&from=t99999999999999999999",
    ] {
        let refused = alice.get(&format!("{path}?{query}")).await;
        assert_eq!(failure(&refused), (400, "M_INVALID_PARAM"), "{query}");
    }
    let refused = alice.get(&format!("{path}?dir=b&filter=[")).await;
    assert_eq!(failure(&refused), (400, "M_BAD_JSON"));
    let whole = alice
        .get(&format!("{path}?dir=b&limit=99999999&from=t999999"))
        .await
        .1;
    assert_eq!(whole.get("end"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn redactions_have_both_shapes_and_need_power_over_others() {
    let homeserver = start(|_| ()).await;
    let alice = register(&homeserver, "alice").await;
    let bob = register(&homeserver, "bob").await;
    for version in ["10", "11", "12"] {
        let options = json!({"room_version": version, "preset": "public_chat"});
        let room = alice.create_room(options).await;
        let join = format!("/_matrix/client/v3/rooms/{room}/join");
        assert_eq!(bob.post(&join, json!({})).await.0, 200);
        let hers = alice.send(&room, "1", json!({"body": "hers"})).await;
        let his = bob.send(&room, "1", json!({"body": "his"})).await;
        assert_eq!(
            failure(&bob.redact(&room, &hers, "2").await),
            (403, "M_FORBIDDEN")
        );
        assert_eq!(
            failure(&bob.redact(&room, "$none", "3").await),
            (404, "M_NOT_FOUND")
        );
        assert_eq!(bob.redact(&room, &his, "4").await.0, 200);
        let (_, redaction) = alice.redact(&room, &hers, "5").await;

        let shown = bob
            .event(&room, redaction["event_id"].as_str().unwrap())
            .await
            .1;
        assert_eq!(shown["redacts"], json!(hers));
        assert_eq!(shown["content"], json!({"redacts": hers, "reason": "test"}));
        let emptied = bob.event(&room, &hers).await.1;
        assert_eq!(emptied["content"], json!({}));
        let because = &emptied["unsigned"]["redacted_because"];
        assert_eq!(because["event_id"], redaction["event_id"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn odd_requests_get_matrix_errors() {
    let homeserver = start(|_| ()).await;
    let alice = register(&homeserver, "alice").await;
    let room = alice.create_room(json!({})).await;
    let unknown = alice.get("/_matrix/client/v3/nothing").await;
    assert_eq!(failure(&unknown), (404, "M_UNRECOGNIZED"));
    let method = alice.post("/_matrix/client/versions", json!({})).await;
    assert_eq!(failure(&method), (405, "M_UNRECOGNIZED"));
    let path = format!("/_matrix/client/v3/rooms/{room}/send/{SEND}/1");
    for (body, code) in [
        ("", "M_NOT_JSON"),
        ("{", "M_NOT_JSON"),
        ("[]", "M_BAD_JSON"),
    ] {
        let sent = alice
            .request(Method::PUT, &path)
            .body(body)
            .send()
            .await
            .unwrap();
        assert_eq!(failure(&answer(sent).await), (400, code), "{body}");
    }
    let nested = "[".repeat(100_000);
    let sent = alice
        .request(Method::PUT, &path)
        .body(nested)
        .send()
        .await
        .unwrap();
    assert_eq!(failure(&answer(sent).await), (400, "M_NOT_JSON"));
    for length in [66_000, 2_000_000] {
        let large = alice.put(&path, json!({"body": "x".repeat(length)})).await;
        assert_eq!(failure(&large), (413, "M_TOO_LARGE"), "{length}");
    }
    let version = json!({"room_version": "1"});
    let version = alice.post("/_matrix/client/v3/createRoom", version).await;
    assert_eq!(failure(&version), (400, "M_UNSUPPORTED_ROOM_VERSION"));
    for body in [
        json!({"invite": [1]}),
        json!({"invite": ["x"]}),
        json!({"initial_state": [{}]}),
    ] {
        let refused = alice.post("/_matrix/client/v3/createRoom", body).await;
        assert_eq!(refused.0, 400);
    }
    let odd =
        json!({"invite": {}, "name": 3, "initial_state": "x", "power_level_content_override": []});
    alice.create_room(odd).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_bytes_do_not_bring_it_down() {
    let homeserver = start(|_| ()).await;
    let address = homeserver.url().strip_prefix("http://").unwrap().to_owned();
    for path in [
        "/_matrix/client/v3/rooms/%/send/%2/%%%/",
        "/%00",
        "//",
        "/_matrix",
        "/..%2f..%2f",
        "*",
        "/_matrix/client/v1/media/download/%ff/%fe",
        "/_demo/media/%00/%00",
        "/?%%%=&&==",
        "/_matrix/client/v1/media/download/localhost/..%2F..%2Fetc%2Fpasswd",
        "/\u{e9}",
        "/_demo/media/localhost/",
        "http://other/_demo/media",
    ] {
        for method in ["GET", "HEAD", "PUT", "POST", "OPTIONS", "X"] {
            let mut stream = tokio::net::TcpStream::connect(&address).await.unwrap();
            let request = format!(
                "{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\
                 Authorization: Bearer as\r\nContent-Length: 0\r\n\r\n"
            );
            stream.write_all(request.as_bytes()).await.unwrap();
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer).await.unwrap();
            assert!(answer.starts_with(b"HTTP/1.1 "), "{method} {path}");
            assert!(!answer.starts_with(b"HTTP/1.1 5"), "{method} {path}");
        }
    }
    let versions = Someone::new(&homeserver, "")
        .get("/_matrix/client/versions")
        .await;
    assert_eq!(versions.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_appservice_speaks_for_its_users_only() {
    let homeserver = start(|_| ()).await;
    let bot = Someone::new(&homeserver, "as");
    let whoami = "/_matrix/client/v3/account/whoami";
    assert_eq!(bot.get(whoami).await.1["user_id"], "@ircbot:localhost");
    let puppet = bot.acting("user_id=@irc_carol:localhost");
    assert_eq!(failure(&puppet.get(whoami).await), (403, "M_FORBIDDEN"));
    let registration = |name: &str| {
        let kind = "m.login.application_service";
        json!({"type": kind, "username": name, "inhibit_login": true})
    };
    let path = "/_matrix/client/v3/register";
    let (status, registered) = bot.post(path, registration("irc_carol")).await;
    assert_eq!((status, registered.get("access_token")), (200, None));
    assert_eq!(
        puppet.get(whoami).await.1["user_id"],
        "@irc_carol:localhost"
    );
    let outside = bot.post(path, registration("dave")).await;
    assert_eq!(failure(&outside), (400, "M_EXCLUSIVE"));
    let intruder = json!({"username": "irc_eve", "auth": {"type": "m.login.dummy"}});
    assert_eq!(
        failure(&bot.post(path, intruder).await),
        (400, "M_EXCLUSIVE")
    );
    register(&homeserver, "alice").await;
    let alice = bot.acting("user_id=@alice:localhost");
    assert_eq!(failure(&alice.get(whoami).await), (403, "M_FORBIDDEN"));
}

#[derive(Default)]
struct Received {
    refusals: u32,
    transactions: Vec<(String, Value)>,
}

type Inbox = web::Data<Arc<Mutex<Received>>>;

async fn transaction(req: HttpRequest, body: web::Bytes, inbox: Inbox) -> HttpResponse {
    let mut inbox = inbox.lock().unwrap();
    let token = req
        .headers()
        .get("authorization")
        .map(|value| value.to_str().unwrap());
    assert_eq!(token, Some("Bearer hs"));
    if inbox.refusals > 0 {
        inbox.refusals -= 1;
        return HttpResponse::InternalServerError().finish();
    }
    let body = serde_json::from_slice(&body).unwrap();
    inbox.transactions.push((req.path().to_owned(), body));
    HttpResponse::Ok().json(json!({}))
}

/// An appservice that writes down what it is sent, after some refusals.
fn appservice(refusals: u32) -> (String, Arc<Mutex<Received>>) {
    let inbox = Arc::new(Mutex::new(Received {
        refusals,
        ..Received::default()
    }));
    let shared = Arc::clone(&inbox);
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        actix_web::rt::System::new().block_on(async move {
            let app = move || {
                let data = web::Data::new(Arc::clone(&shared));
                App::new()
                    .app_data(data)
                    .default_service(web::to(transaction))
            };
            let server = HttpServer::new(app).workers(1).disable_signals();
            server.listen(listener).unwrap().run().await.unwrap();
        });
    });
    (url, inbox)
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_pushed_in_order_until_they_are_taken() {
    let (url, inbox) = appservice(2);
    let homeserver = start(|options| options.appservices = vec![irc(Some(url))]).await;
    let alice = register(&homeserver, "alice").await;
    let unseen = alice.create_room(json!({})).await;
    alice.send(&unseen, "1", json!({"body": "unseen"})).await;
    let room = alice
        .create_room(json!({"invite": ["@ircbot:localhost"]}))
        .await;
    let bot = Someone::new(&homeserver, "as");
    let join = format!("/_matrix/client/v3/rooms/{room}/join");
    assert_eq!(bot.post(&join, json!({})).await.0, 200);
    let mut sent = Vec::new();
    for n in 0..120 {
        sent.push(alice.send(&room, &format!("{n}"), json!({"n": n})).await);
    }
    alice.redact(&room, &sent[0], "r").await;

    let mut events = Vec::new();
    for _ in 0..100 {
        tokio::time::sleep(Duration::from_millis(50)).await;
        let inbox = inbox.lock().unwrap();
        let taken = inbox.transactions.iter();
        events = taken
            .flat_map(|(_, body)| body["events"].as_array().unwrap().clone())
            .collect();
        if events.len() >= 123 {
            break;
        }
    }
    assert_eq!(events.len(), 123);
    assert_eq!(events[0]["content"]["membership"], "invite");
    assert_eq!(events[0]["room_id"], json!(room));
    assert_eq!(events[1]["content"]["membership"], "join");
    let ids: Vec<_> = events[2..122]
        .iter()
        .map(|event| event["event_id"].as_str())
        .collect();
    assert!(ids.into_iter().eq(sent.iter().map(|id| Some(id.as_str()))));
    assert_eq!(events[122]["redacts"], json!(sent[0]));
    let inbox = inbox.lock().unwrap();
    let mut paths: Vec<_> = inbox.transactions.iter().map(|(path, _)| path).collect();
    assert!(
        paths
            .iter()
            .all(|path| path.starts_with("/_matrix/app/v1/transactions/"))
    );
    let all = paths.len();
    paths.dedup();
    assert_eq!(paths.len(), all);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_appservice_can_have_itself_pinged() {
    let (url, inbox) = appservice(0);
    let homeserver = start(|_| ()).await;
    let bot = Someone::new(&homeserver, "as");
    let path = "/_matrix/client/v1/appservice/irc/ping";
    let ping = || bot.post(path, json!({"transaction_id": "p"}));
    assert_eq!(failure(&ping().await), (400, "M_URL_NOT_SET"));
    assert!(homeserver.set_appservice_url("irc", Some("http://127.0.0.1:9".to_owned())));
    assert_eq!(failure(&ping().await), (502, "M_CONNECTION_FAILED"));
    assert!(homeserver.set_appservice_url("irc", Some(url)));
    inbox.lock().unwrap().refusals = 1;
    let refused = ping().await;
    assert_eq!(
        (failure(&refused), &refused.1["status"]),
        ((502, "M_BAD_STATUS"), &json!(500))
    );
    let (status, pinged) = ping().await;
    assert_eq!((status, pinged["duration_ms"].is_u64()), (200, true));
    let received = inbox.lock().unwrap().transactions.pop().unwrap();
    assert_eq!(
        received,
        (
            "/_matrix/app/v1/ping".to_owned(),
            json!({"transaction_id": "p"})
        )
    );
    let other = bot
        .post("/_matrix/client/v1/appservice/xmpp/ping", json!({}))
        .await;
    assert_eq!(failure(&other), (403, "M_FORBIDDEN"));
    let alice = register(&homeserver, "alice").await;
    assert_eq!(
        failure(&alice.post(path, json!({})).await),
        (403, "M_FORBIDDEN")
    );
    assert!(!homeserver.set_appservice_url("xmpp", None));
}

async fn generate(someone: &Someone, size: u64) -> Uploaded {
    let path = format!("/_demo/generate?size={size}&content_type=video/mp4");
    let (status, answer) = someone.post(&path, json!({})).await;
    assert_eq!(status, 200);
    Uploaded::read(&answer)
}

#[tokio::test(flavor = "multi_thread")]
async fn ranges_are_honoured_only_where_wanted() {
    let plain = start(|_| ()).await;
    let alice = register(&plain, "alice").await;
    let medium = generate(&alice, 200_000).await;
    let whole = alice
        .fetch(&medium)
        .header("range", "bytes=1-2")
        .send()
        .await
        .unwrap();
    assert_eq!(
        (whole.status().as_u16(), header(&whole, "content-length")),
        (200, "200000")
    );

    let homeserver = start(|options| options.ranges = true).await;
    let alice = register(&homeserver, "alice").await;
    let stored = alice.upload(b"0123456789", "text/plain").await;
    let part = alice
        .fetch(&stored)
        .header("range", "bytes=2-4")
        .send()
        .await
        .unwrap();
    assert_eq!(part.status(), 206);
    assert_eq!(header(&part, "content-range"), "bytes 2-4/10");
    assert_eq!(header(&part, "content-length"), "3");
    assert_eq!(part.bytes().await.unwrap(), "234");
    let beyond = alice
        .fetch(&stored)
        .header("range", "bytes=10-")
        .send()
        .await
        .unwrap();
    assert_eq!(
        (beyond.status().as_u16(), header(&beyond, "content-range")),
        (416, "bytes */10")
    );

    let medium = generate(&alice, 200_000).await;
    let part = alice
        .fetch(&medium)
        .header("range", "bytes=65000-150000")
        .send()
        .await
        .unwrap();
    assert_eq!(header(&part, "content-range"), "bytes 65000-150000/200000");
    let expected: Vec<u8> = (65_000..=150_000).map(generated_byte).collect();
    assert!(part.bytes().await.unwrap() == expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn heads_and_touches_have_no_body_and_are_recorded() {
    let homeserver = start(|options| options.content_tokens = false).await;
    let alice = register(&homeserver, "alice").await;
    let medium = generate(&alice, 5_000_000_000_000).await;
    let path = medium.download();
    let head = alice.request(Method::HEAD, &path).send().await.unwrap();
    assert_eq!(head.status(), 200);
    assert_eq!(header(&head, "content-length"), "5000000000000");
    assert_eq!(head.bytes().await.unwrap().len(), 0);
    let before = alice.count(&medium).await;
    tokio::time::sleep(Duration::from_millis(5)).await;
    let touch = alice
        .request(Method::GET, &path)
        .header("if-none-match", "1");
    let touch = touch.send().await.unwrap();
    assert_eq!(
        (touch.status().as_u16(), header(&touch, "etag")),
        (304, "1")
    );
    let after = alice.count(&medium).await;
    assert_eq!(
        (&after["downloads"], &after["not_modified"]),
        (&json!(0), &json!(1))
    );
    assert!(after["last_accessed_ts"].as_u64() > before["last_accessed_ts"].as_u64());
    // Nobody waits for all of it.
    let mut body = alice.fetch(&medium).send().await.unwrap();
    assert_eq!(body.chunk().await.unwrap().unwrap()[9], generated_byte(9));
    drop(body);
    let empty = alice.upload(b"", "text/plain").await;
    let got = alice.fetch(&empty).send().await.unwrap();
    assert_eq!(
        (got.status().as_u16(), header(&got, "content-length")),
        (200, "0")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn media_can_be_uploaded_after_its_uri_is_known() {
    let homeserver = start(|_| ()).await;
    let alice = register(&homeserver, "alice").await;
    let bob = register(&homeserver, "bob").await;
    let medium = Uploaded::read(&alice.post("/_matrix/media/v1/create", json!({})).await.1);
    let fetch = |wait: &str| alice.fetch(&medium).query(&[("timeout_ms", wait)]);
    let early = answer(fetch("20").send().await.unwrap()).await;
    assert_eq!(failure(&early), (504, "M_NOT_YET_UPLOADED"));
    assert_eq!(alice.clean_up().await, json!([]));

    let waiting = tokio::spawn(fetch("20000").send());
    let path = format!("/_matrix/media/v3/upload/{}", medium.path);
    let put = |who: &Someone| who.request(Method::PUT, &path).body("late").send();
    assert_eq!(
        failure(&answer(put(&bob).await.unwrap()).await),
        (403, "M_FORBIDDEN")
    );
    assert_eq!(answer(put(&alice).await.unwrap()).await, (200, json!({})));
    let got = waiting.await.unwrap().unwrap();
    assert_eq!(got.bytes().await.unwrap(), "late");
    let again = answer(put(&alice).await.unwrap()).await;
    assert_eq!(failure(&again), (409, "M_CANNOT_OVERWRITE_MEDIA"));
}

#[tokio::test(flavor = "multi_thread")]
async fn uploads_are_limited() {
    let homeserver = start(|options| options.max_upload_bytes = 4).await;
    let alice = register(&homeserver, "alice").await;
    let limit = alice.get("/_matrix/client/v1/media/config").await;
    assert_eq!(limit, (200, json!({"m.upload.size": 4})));
    let upload = |body: reqwest::Body| {
        alice
            .request(Method::POST, "/_matrix/media/v3/upload")
            .body(body)
            .send()
    };
    let large = answer(upload("12345".into()).await.unwrap()).await;
    assert_eq!(failure(&large), (413, "M_TOO_LARGE"));
    let chunks = futures_util::stream::iter([Ok::<_, std::io::Error>("12")]);
    let chunked = answer(upload(reqwest::Body::wrap_stream(chunks)).await.unwrap()).await;
    assert_eq!(failure(&chunked), (400, "M_UNKNOWN"));
    assert_eq!(answer(upload("1234".into()).await.unwrap()).await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn thumbnails_are_of_images() {
    let homeserver = start(|_| ()).await;
    let alice = register(&homeserver, "alice").await;
    let thumbnail = |medium: &Uploaded, query: &str| {
        let path = format!("/_matrix/client/v1/media/thumbnail/{}?{query}", medium.path);
        let token = medium.token.clone().unwrap();
        alice
            .request(Method::GET, &path)
            .header("x-matrix-content-token", token)
            .send()
    };
    let text = alice.upload(b"text", "text/plain").await;
    let image = alice.upload(b"image", "image/png").await;
    let size = "width=96&height=96&method=crop";
    let refused = answer(thumbnail(&text, size).await.unwrap()).await;
    assert_eq!(failure(&refused), (400, "M_UNKNOWN"));
    let refused = answer(thumbnail(&image, "height=5").await.unwrap()).await;
    assert_eq!(failure(&refused), (400, "M_MISSING_PARAM"));
    assert_eq!(thumbnail(&image, size).await.unwrap().status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_counted_by_endpoint() {
    let homeserver = start(|_| ()).await;
    let alice = register(&homeserver, "alice").await;
    let medium = alice.upload(b"bytes", "image/png").await;
    alice.fetch(&medium).send().await.unwrap();
    alice.get("/nowhere").await;
    let counted = alice.get("/_demo/requests").await.1;
    let expected = json!({
        "register": 1, "media.upload": 1, "media.download": 1, "unrecognized": 1,
        "demo.requests": 1,
    });
    assert_eq!(counted, expected);
}

#[actix_web::test]
async fn it_runs_beside_an_actix_system_and_leaves_nothing_behind() {
    let homeserver = start(|_| ()).await;
    let directory = homeserver._media.path().to_owned();
    let alice = register(&homeserver, "alice").await;
    alice.upload(b"bytes", "image/png").await;
    assert_eq!(std::fs::read_dir(&directory).unwrap().count(), 1);
    let pending = Uploaded::read(&alice.post("/_matrix/media/v1/create", json!({})).await.1);
    let waiting = actix_web::rt::spawn(alice.fetch(&pending).send());
    tokio::time::sleep(Duration::from_millis(50)).await;
    tokio::time::timeout(Duration::from_secs(10), homeserver.stop())
        .await
        .unwrap();
    homeserver.stop().await;
    assert!(waiting.await.unwrap().is_err());
    assert!(alice.request(Method::GET, "/").send().await.is_err());
    drop(homeserver);
    assert!(!directory.exists());
}

#[tokio::test]
async fn it_stops_when_dropped_and_several_can_run() {
    let first = start(|_| ()).await;
    let second = start(|_| ()).await;
    let (one, two) = (Someone::new(&first, ""), Someone::new(&second, ""));
    drop(first);
    let mut tries = 0;
    while one.request(Method::GET, "/").send().await.is_ok() && tries < 100 {
        tokio::time::sleep(Duration::from_millis(20)).await;
        tries += 1;
    }
    assert!(tries < 100);
    assert_eq!(two.get("/_matrix/client/versions").await.0, 200);
}
