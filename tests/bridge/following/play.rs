//! A service with a medium, and who follows links to it.

use matrix_test_server::Options;
use medialink::key_store;
use medialink_link::{
    KeyRing, LinkClaims,
    matrix::{ContentToken, EventId, MxcUri, RoomId},
    sign_self_contained,
};
use reqwest::Response;
use serde_json::{Value, json};
use support::{Service, World, url};

pub const DAY: i64 = 86_400_000;

pub const HTML: &str = "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8";

pub struct Play {
    pub world: World,
    pub service: Service,
    pub mxc: String,
    pub token: String,
}

impl Play {
    pub async fn new(options: Options, more: &str) -> Self {
        let world = World::with(options).await;
        let service = world
            .service(&format!("usage: {{batch_window: 20ms}}\n{more}"))
            .await;
        let (mxc, token) = world.upload("0123456789", "text/plain").await;
        Self {
            world,
            service,
            mxc,
            token,
        }
    }

    pub async fn issue(&self, field: &str, value: Value) -> Value {
        let mut body =
            json!({"mxc": self.mxc, "content_token": self.token, "room_id": self.world.room_id});
        body[field] = value;
        self.service.issue(body).await
    }

    pub async fn get(&self, link: &Value, header: &str, value: &str) -> Response {
        self.service
            .client
            .get(url(link))
            .header(header, value)
            .send()
            .await
            .expect("an answer")
    }

    /// The link answers like this, as JSON and as a page.
    pub async fn is_told(&self, link: &str, status: u16, errcode: &str, words: &str) {
        let json = self
            .service
            .client
            .get(link)
            .send()
            .await
            .expect("an answer");
        assert_eq!(json.status().as_u16(), status, "{words}");
        assert_eq!(json.headers()["cache-control"], "no-store");
        assert_eq!(json.headers()["vary"], "Accept, Accept-Language");
        let body: Value = json.json().await.expect("JSON");
        assert_eq!(body["errcode"], errcode, "{body}");
        let page = self
            .service
            .client
            .get(link)
            .header("Accept", HTML)
            .send()
            .await
            .expect("an answer");
        assert_eq!(page.status().as_u16(), status);
        assert_eq!(page.headers()["content-type"], "text/html; charset=utf-8");
        assert_eq!(page.headers()["cache-control"], "no-store");
        assert_eq!(page.headers()["vary"], "Accept, Accept-Language");
        let page = page.text().await.expect("a page");
        assert!(page.contains(words), "{words:?} is not in {page}");
        assert!(
            !page.contains(link.rsplit('/').next().expect("a token")),
            "the page does not tell the link"
        );
    }

    pub fn key_file(&self) -> std::path::PathBuf {
        self.world.folder.path().join("data/link-keys.yaml")
    }

    pub fn ring(&self) -> KeyRing {
        KeyRing::from_entries(key_store::entries(&self.key_file()).expect("keys")).expect("a ring")
    }

    /// A link that a bridge has signed by itself; `ago_s`: before how many seconds.
    pub fn signed_elsewhere(&self, event: &str, ago_s: i64, lifetime_s: u32) -> String {
        let mut claims = LinkClaims::new(
            RoomId::parse(&self.world.room_id).expect("room"),
            MxcUri::parse(&self.mxc).expect("mxc"),
        );
        claims.content_token = Some(ContentToken::parse(&self.token).expect("token"));
        claims.event_id = Some(EventId::parse(event).expect("event"));
        let issued = u32::try_from(self.service.clock.now_ms() / 1000 - ago_s).expect("now");
        let nonce = medialink_nonce();
        let token = sign_self_contained(self.ring().active(), &claims, issued, lifetime_s, nonce)
            .expect("signs");
        format!("{}/m/{}", self.service.public, token.expose())
    }
}

pub fn medialink_nonce() -> [u8; 12] {
    let mut nonce = [0; 12];
    getrandom::fill(&mut nonce).expect("random bytes");
    nonce
}
