//! The operator's console: each section is looked at, a link and a key are revoked, policies of rooms are set, and
//! others try what they can.

use reqwest::Method;
use serde_json::{Value, json};
use support::{
    AS_TOKEN, BOT, POLICY_EVENT_TYPE, Process, Service, World, eventually, process::free_port, url,
};

use super::{
    plan::Browser,
    readers::{HOSTILE, SHOWN},
};

const TOKEN: &str = "console-token-0123456789abcdef";
const DENIED: &str = "@<b>*:example.org";
const REASON: &str = "<script>owned=1</script>";

fn settings() -> String {
    format!("usage: {{mode: never}}\nconsole: {{token: {TOKEN}}}")
}

/// A service with links, a report and a denial.
struct Stage {
    world: World,
    service: Service,
    /// For commands beside it.
    process: Process,
    /// One whose console is guessed at: whoever guesses keeps others at the same address waiting.
    guessed: Service,
    _folder: tempfile::TempDir,
}

impl Stage {
    async fn new() -> Self {
        let world = World::new().await;
        let service = world.service(&settings()).await;
        let process = Process::new(world.folder.path(), &world.url, &settings());
        let folder = tempfile::tempdir().expect("a folder");
        let guessed = Service::start(folder.path(), &world.url, &settings()).await;
        Self {
            world,
            service,
            process,
            guessed,
            _folder: folder,
        }
    }

    fn runs(&self, arguments: &[&str]) -> String {
        let output = self.process.run(arguments);
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).expect("UTF-8")
    }

    async fn link(&self, name: &str) -> Value {
        let (mxc, token) = self.world.upload(name, "text/plain").await;
        let body = json!({"mxc": mxc, "content_token": token, "room_id": self.world.room_id, "event_id": format!("${name}"),
            "sender": "@alice:example.org", "filename": HOSTILE, "mimetype": "text/plain"});
        let link = self.service.issue(body).await;
        assert_eq!(self.service.follow(&link).await.status(), 200);
        link
    }

    /// Makes a key that signs from now on, of this ID.
    async fn rotate(&self, id: u8) {
        self.runs(&["keys", "rotate"]);
        eventually("the new key to sign", async || {
            (self.service.key_ring().active().id() == id).then_some(())
        })
        .await;
    }

    async fn report(&self, link: &Value) {
        let url = url(link);
        let token = url.split('/').nth(4).expect("a token");
        let form = format!("{}/r/{token}", self.service.public);
        let request = self.service.client.request(Method::POST, form);
        let request = request.header("Content-Type", "application/x-www-form-urlencoded");
        let note = "reason=other&note=%3Cscript%3Eowned%3D1%3C%2Fscript%3E";
        let answer = request.body(note).send().await.expect("an answer");
        assert_eq!(answer.status(), 200);
    }

    /// A page of the console, logged in.
    fn visit(&self, name: &str, path: &str, more: Value) -> Value {
        let console = format!("{}/console", self.service.internal);
        let mut visit = json!({
            "name": name, "url": format!("{console}{path}"), "status": 200, "most_bytes": 100_000, "is_changing": true,
            "login": {"url": format!("{console}/login"), "token": TOKEN},
        });
        for (key, value) in more.as_object().expect("an object") {
            visit[key] = value.clone();
        }
        visit
    }

    fn sections(&self) -> Vec<Value> {
        let names = |names: &[&str]| json!({ "names": names });
        let policy = format!("/rooms/policy?room_id={}", self.world.room_id);
        [
            ("now", "", names(&["Live links", "Health"])),
            ("links", "/links", names(&["@alice:example.org"])),
            ("usage", "/usage", json!({})),
            ("rooms", "/rooms", names(&[&self.world.room_id])),
            ("policy", &policy, names(&[&self.world.room_id])),
            ("reports", "/reports", names(&[REASON])),
            ("denials", "/denials", names(&[DENIED, REASON])),
            ("keys", "/keys", json!({})),
            ("audit", "/audit", names(&[DENIED])),
        ]
        .map(|(name, path, more)| self.visit(name, path, more))
        .to_vec()
    }

    /// What rooms allow is set: in one where the bridge's user may, and in one where it may not.
    async fn policies(&self) -> Vec<Value> {
        let (open, closed) = (self.world.new_room().await, self.world.new_room().await);
        self.world.empower(&open, 50).await;
        let visit = |name: &str, room: &str, act: &str| {
            let homeserver = &self.world.url;
            let state = format!(
                "{homeserver}/_matrix/client/v3/rooms/{room}/state/{POLICY_EVENT_TYPE}/?user_id={BOT}"
            );
            let more = json!({
                "acts": [act], "is_used_up": true, "room": room, "state": {"url": state, "token": AS_TOKEN},
                "names": [room, BOT],
            });
            self.visit(name, &format!("/rooms/policy?room_id={room}"), more)
        };
        vec![
            visit("policy-set", &open, "set-policy"),
            visit("policy-refused", &closed, "set-policy-in-vain"),
        ]
    }

    /// The second key goes, and with it a link that it has signed.
    fn keys(&self, of_second_key: &Value, of_another_key: &Value) -> Vec<Value> {
        let revoked = json!({
            "acts": ["revoke-key"], "is_used_up": true, "key": 2, "follow": of_second_key["url"],
            "of_another_key": of_another_key["url"], "names": ["Live links that it has signed"],
        });
        vec![
            self.visit("key-retire", "/keys/1/retire", json!({})),
            self.visit("key-revoke", "/keys/2/revoke", revoked),
        ]
    }

    fn deeds(&self, [revoked, plain, forged, found]: &[Value; 4]) -> Vec<Value> {
        let page = |link: &Value| format!("/links/{}", link["link_id"].as_str().expect("an ID"));
        let foreign = format!("http://127.0.0.1:{}", free_port());
        let foreign = json!([foreign, "http://elsewhere.example"]);
        let about = |link: &Value, more: Value| {
            let mut visit =
                json!({"follow": link["url"], "link_id": link["link_id"], "names": [SHOWN]});
            for (key, value) in more.as_object().expect("an object") {
                visit[key] = value.clone();
            }
            visit
        };
        let act = |act: &str| json!({"acts": [act], "is_used_up": true, "foreign": foreign});
        let mut search = about(found, act("search"));
        search["names"] = json!([]);
        let without_scripts = json!({"acts_without_scripts": ["revoke-link"]});
        let login = format!("{}/console/login", self.guessed.internal);
        vec![
            self.visit("link", &page(revoked), about(revoked, act("revoke-link"))),
            self.visit("link-plain", &page(plain), about(plain, without_scripts)),
            self.visit("forged", &page(forged), about(forged, act("forge"))),
            self.visit("search", "/links", search),
            self.visit("matching", "/links/revoke?event_id=$one", json!({})),
            self.visit("none", "/nothing", json!({"status": 404})),
            json!({"name": "login", "url": login, "status": 200, "acts": ["guess"], "token": TOKEN}),
        ]
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_console_holds() {
    let Some(browser) = Browser::find() else {
        return;
    };
    let stage = Stage::new().await;
    let mut links = Vec::new();
    for name in ["one", "two", "three", "four"] {
        links.push(stage.link(name).await);
    }
    let links: [Value; 4] = links.try_into().expect("four links");
    stage.rotate(2).await;
    let of_second_key = stage.link("five").await;
    stage.rotate(3).await;
    stage.report(&links[3]).await;
    stage.runs(&["deny", "add", "--reason", REASON, "sender", DENIED]);
    let keys = stage.keys(&of_second_key, &links[3]);
    let policies = stage.policies().await;
    let visits = [stage.sections(), stage.deeds(&links), keys, policies].concat();
    browser.holds("console", &["en"], visits).await;
    stage.guessed.stop().await;
    stage.service.stop().await;
}
