//! A homeserver, a bridge and the service, each on a port of its own. The code path is that of
//! production: a configuration file, listeners, everything over HTTP.

use std::{
    collections::HashMap,
    net::TcpListener,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use matrix_test_server::{Appservice, EmbeddedHomeserver, Options};
use medialink::{
    app::{Application, Listeners},
    clock::Clock,
    config::Config,
    homeserver::Features,
    key_store::KeyStore,
    links::{Links, POLICY_EVENT_TYPE},
    storage::Database,
};
use medialink_link::{LinkClaims, sign_self_contained};
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub const API_TOKEN: &str = "harness-api-token-0123456789";
pub const AS_TOKEN: &str = "harness-as-token-0123456789";
pub const HS_TOKEN: &str = "harness-hs-token-0123456789";
pub const BOT: &str = "@medialink:example.org";

/// A configuration for a homeserver at this URL, as an operator would write it.
pub fn config_text(homeserver: &str, public_url: &str, more: &str) -> String {
    format!(
        "listen: {{public: 127.0.0.1:0, internal: 127.0.0.1:0}}\n\
         public_url: {public_url}\n\
         database: sqlite:data/medialink.db\n\
         key_file: data/link-keys.yaml\n\
         homeserver: {{url: '{homeserver}', server_name: example.org, timeouts: {{connect: 2s, first_byte: 5s, stall: 5s}}}}\n\
         bridges:\n\
         \x20 - {{id: irc, network: Libera.Chat, api_token: {API_TOKEN}, as_token: {AS_TOKEN}, hs_token: {HS_TOKEN}, user_id: '{BOT}'}}\n\
         {more}"
    )
}

/// A running service.
pub struct Service {
    pub public: String,
    pub internal: String,
    pub clock: Clock,
    pub links: Links,
    pub database: Database,
    pub keys: KeyStore,
    pub features: Features,
    pub config: Arc<Config>,
    pub client: reqwest::Client,
    stop: CancellationToken,
    running: Option<JoinHandle<anyhow::Result<()>>>,
}

/// A client that follows no redirects and keeps no cookies.
pub fn client() -> reqwest::Client {
    reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(Duration::from_secs(60))
        .build()
        .expect("a client")
}

impl Service {
    /// Starts a service whose files are in `folder`.
    pub async fn start(folder: &Path, homeserver: &str, more: &str) -> Self {
        Self::start_at(folder, homeserver, "", more, &Clock::default()).await
    }

    /// The same, with a path in its public URL, and with a clock.
    pub async fn start_at(
        folder: &Path,
        homeserver: &str,
        path: &str,
        more: &str,
        clock: &Clock,
    ) -> Self {
        Self::start_edited(folder, homeserver, path, more, clock, |text| text).await
    }

    /// The same, with a last word on the text of the configuration.
    pub async fn start_edited(
        folder: &Path,
        homeserver: &str,
        path: &str,
        more: &str,
        clock: &Clock,
        edit: impl FnOnce(String) -> String,
    ) -> Self {
        let bind = || TcpListener::bind("127.0.0.1:0").expect("a port");
        let listeners = Listeners {
            public: bind(),
            internal: bind(),
        };
        let public = format!(
            "http://{}{path}",
            listeners.public.local_addr().expect("bound")
        );
        let internal = format!("http://{}", listeners.internal.local_addr().expect("bound"));
        let text = edit(config_text(homeserver, &public, more));
        let config = Config::parse(&text, HashMap::new(), folder).expect("a valid configuration");
        let application = Application::build(config, listeners, clock.clone())
            .await
            .expect("builds");
        let links = application.links().clone();
        let database = application.database().clone();
        let keys = application.keys().clone();
        let features = application.features().clone();
        let config = Arc::clone(application.config());
        let stop = CancellationToken::new();
        let running = tokio::spawn(application.run_until_stopped(stop.clone()));
        Self {
            public,
            internal,
            clock: clock.clone(),
            links,
            database,
            keys,
            features,
            config,
            client: client(),
            stop,
            running: Some(running),
        }
    }

    /// Stops it like a signal would, and waits for its end.
    pub async fn stop(mut self) {
        self.stop.cancel();
        if let Some(running) = self.running.take() {
            running.await.expect("no panic").expect("a clean end");
        }
    }

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

    /// Waits until nothing waits to be sent, redacted or looked at.
    pub async fn drained(&self) {
        eventually("an empty outbox", async || {
            let waiting =
                medialink::storage::meta_events::count_waiting(self.database.reader()).await;
            (waiting.expect("counts") == 0).then_some(())
        })
        .await;
    }
}

/// A self-contained link as a bridge signs it by itself, issued now; its URL.
pub fn signed_elsewhere(service: &Service, claims: &LinkClaims, lifetime_s: u32) -> String {
    static NONCE: AtomicU32 = AtomicU32::new(0);
    let mut nonce = [7; 12];
    nonce[..4].copy_from_slice(&NONCE.fetch_add(1, Ordering::Relaxed).to_be_bytes());
    let now_s = u32::try_from(service.clock.now_ms() / 1000).expect("this century");
    let ring = service.keys.ring();
    let token = sign_self_contained(ring.active(), claims, now_s, lifetime_s, nonce);
    format!("{}/m/{}", service.public, token.expect("it fits").expose())
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

/// Asks again until there is an answer; 30 seconds at most.
pub async fn eventually<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    for _ in 0..600 {
        if let Some(found) = ask().await {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("waited in vain for {what}");
}

/// An embedded homeserver with a room, in which the bridge's user and Alice are.
pub struct World {
    pub homeserver: EmbeddedHomeserver,
    pub url: String,
    pub room_id: String,
    pub alice: String,
    pub client: reqwest::Client,
    pub folder: tempfile::TempDir,
}

/// The appservice of the harness.
pub fn appservice(url: Option<String>) -> Appservice {
    Appservice {
        id: "medialink".to_owned(),
        as_token: AS_TOKEN.to_owned(),
        hs_token: HS_TOKEN.to_owned(),
        url,
        sender: BOT.to_owned(),
        users: vec![],
    }
}

/// The port of a homeserver that has gone: whoever connects is hung up on, and no other test gets
/// the port.
#[must_use]
pub struct Gone(JoinHandle<()>);

impl Drop for Gone {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl World {
    /// Stops the homeserver; it is gone as long as the answer is held.
    pub async fn stop_homeserver(&self) -> Gone {
        self.homeserver.stop().await;
        let address = self.url.trim_start_matches("http://");
        let listener = tokio::net::TcpListener::bind(address).await;
        let listener = listener.expect("its port");
        Gone(tokio::spawn(async move {
            while listener.accept().await.is_ok() {}
        }))
    }

    /// With content tokens.
    pub async fn new() -> Self {
        Self::with(Options::default()).await
    }

    /// With these options; the appservice is that of the harness, unless others are named.
    pub async fn with(mut options: Options) -> Self {
        options.server_name = "example.org".to_owned();
        if options.appservices.is_empty() {
            options.appservices = vec![appservice(None)];
        }
        let homeserver = EmbeddedHomeserver::start(options)
            .await
            .expect("a homeserver");
        let client = client();
        let url = homeserver.url();
        let register = client
            .post(format!("{url}/_matrix/client/v3/register"))
            .json(
                &json!({"username": "alice", "password": "x", "auth": {"type": "m.login.dummy"}}),
            );
        let (status, account) = answer(register).await;
        assert_eq!(status, 200, "{account}");
        let alice = account["access_token"]
            .as_str()
            .expect("a token")
            .to_owned();
        let folder = tempfile::tempdir().expect("a folder");
        let mut world = Self {
            homeserver,
            url,
            room_id: String::new(),
            alice,
            client,
            folder,
        };
        world.room_id = world.new_room().await;
        world
    }

    /// A room of Alice's that the bridge's user has joined.
    pub async fn new_room(&self) -> String {
        let (status, room) = self
            .as_alice(
                Method::POST,
                "/_matrix/client/v3/createRoom",
                &json!({"invite": [BOT]}),
            )
            .await;
        assert_eq!(status, 200, "{room}");
        let room_id = room["room_id"].as_str().expect("a room ID").to_owned();
        let join = self
            .client
            .post(format!(
                "{}/_matrix/client/v3/rooms/{room_id}/join",
                self.url
            ))
            .query(&[("user_id", BOT)])
            .bearer_auth(AS_TOKEN)
            .json(&json!({}));
        assert_eq!(answer(join).await.0, 200);
        room_id
    }

    pub async fn as_alice(&self, method: Method, path: &str, body: &Value) -> (StatusCode, Value) {
        answer(
            self.client
                .request(method, format!("{}{path}", self.url))
                .bearer_auth(&self.alice)
                .json(body),
        )
        .await
    }

    /// A room action of Alice's, such as `invite`.
    pub async fn by_alice(&self, room: &str, action: &str, body: &Value) {
        let path = format!("/_matrix/client/v3/rooms/{room}/{action}");
        let (status, told) = self.as_alice(Method::POST, &path, body).await;
        assert_eq!(status, 200, "{action}: {told}");
    }

    /// A room action of the bridge's user, such as `leave`.
    pub async fn by_bot(&self, room: &str, action: &str) {
        let url = format!("{}/_matrix/client/v3/rooms/{room}/{action}", self.url);
        let request = self.client.post(url).query(&[("user_id", BOT)]);
        let (status, told) = answer(request.bearer_auth(AS_TOKEN).json(&json!({}))).await;
        assert_eq!(status, 200, "{action}: {told}");
    }

    /// Sends an event as Alice; its ID.
    pub async fn send(&self, room: &str, kind: &str, content: &Value) -> String {
        static TXN: AtomicU32 = AtomicU32::new(0);
        let txn = TXN.fetch_add(1, Ordering::Relaxed);
        let path = format!("/_matrix/client/v3/rooms/{room}/send/{kind}/sent{txn}");
        let (status, sent) = self.as_alice(Method::PUT, &path, content).await;
        assert_eq!(status, 200, "{sent}");
        sent["event_id"].as_str().expect("an ID").to_owned()
    }

    /// Redacts an event as Alice.
    pub async fn redact(&self, room: &str, event_id: &str) {
        let path = format!("/_matrix/client/v3/rooms/{room}/redact/{event_id}/of{event_id}");
        let (status, told) = self.as_alice(Method::PUT, &path, &json!({})).await;
        assert_eq!(status, 200, "{told}");
    }

    /// Replaces a room by one that names `predecessor` as the one before it; the new room, in
    /// which the bridge's user is not yet.
    pub async fn replace_room(&self, room: &str, predecessor: &str) -> String {
        let create = json!({"creation_content": {"predecessor": {"room_id": predecessor}}});
        let create = self.as_alice(Method::POST, "/_matrix/client/v3/createRoom", &create);
        let (status, told) = create.await;
        assert_eq!(status, 200, "{told}");
        let successor = told["room_id"].as_str().expect("an ID").to_owned();
        let path = format!("/_matrix/client/v3/rooms/{room}/state/m.room.tombstone");
        let tombstone = json!({"body": "moved", "replacement_room": successor});
        let (status, told) = self.as_alice(Method::PUT, &path, &tombstone).await;
        assert_eq!(status, 200, "{told}");
        successor
    }

    /// Uploads media; URI and content token (empty if the homeserver has none).
    pub async fn upload(&self, bytes: impl Into<Vec<u8>>, content_type: &str) -> (String, String) {
        let bytes: Vec<u8> = bytes.into();
        let request = self
            .client
            .post(format!("{}/_matrix/media/v3/upload", self.url))
            .bearer_auth(&self.alice)
            .header("Content-Type", content_type)
            // The client leaves it out of an empty upload.
            .header("Content-Length", bytes.len())
            .body(bytes);
        let (status, answer) = answer(request).await;
        assert_eq!(status, 200, "{answer}");
        let text = |name: &str| answer[name].as_str().unwrap_or_default().to_owned();
        (text("content_uri"), text("content_token"))
    }

    /// What the homeserver says of media.
    pub async fn media(&self, mxc: &str) -> Value {
        let path = mxc.strip_prefix("mxc://").expect("an mxc URI");
        answer(self.client.get(format!("{}/_demo/media/{path}", self.url)))
            .await
            .1
    }

    pub async fn references(&self, mxc: &str) -> i64 {
        self.media(mxc).await["references"]
            .as_i64()
            .expect("a number")
    }

    /// Has the homeserver delete what nobody refers to; the URIs that it deleted.
    pub async fn clean_up(&self) -> Vec<String> {
        let (_, answer) = answer(self.client.post(format!("{}/_demo/cleanup", self.url))).await;
        serde_json::from_value(answer["deleted"].clone()).expect("a list")
    }

    /// How often endpoints of the homeserver were called.
    pub async fn requests(&self, endpoint: &str) -> i64 {
        let (_, counts) = answer(self.client.get(format!("{}/_demo/requests", self.url))).await;
        counts[endpoint].as_i64().unwrap_or(0)
    }

    /// The meta events of a room that are not redacted.
    pub async fn meta_events(&self, room_id: &str) -> Vec<Value> {
        let filter = json!({"types": ["org.matrix.msc3910.media_reference"]}).to_string();
        let request = self
            .client
            .get(format!(
                "{}/_matrix/client/v3/rooms/{room_id}/messages",
                self.url
            ))
            .query(&[("dir", "b"), ("limit", "1000"), ("filter", &filter)])
            .bearer_auth(&self.alice);
        let (_, page) = answer(request).await;
        let events = page["chunk"].as_array().expect("events").iter();
        events
            .filter(|event| event["unsigned"].get("redacted_because").is_none())
            .cloned()
            .collect()
    }

    /// Sets the link policy of the room.
    pub async fn set_policy(&self, content: &Value) -> String {
        let (room, kind) = (&self.room_id, POLICY_EVENT_TYPE);
        let path = format!("/_matrix/client/v3/rooms/{room}/state/{kind}/");
        let (status, sent) = self.as_alice(Method::PUT, &path, content).await;
        assert_eq!(status, 200, "{sent}");
        sent["event_id"].as_str().expect("an event ID").to_owned()
    }

    /// A service beside it, with these lines in its configuration.
    pub async fn service(&self, more: &str) -> Service {
        Service::start(self.folder.path(), &self.url, more).await
    }
}
