//! No secret is in a log, an error, a metric, or what a command prints.

use base64::{
    Engine,
    engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};
use medialink::storage::{Database, Opener};
use reqwest::Method;
use serde_json::{Value, json};
use support::{API_TOKEN, AS_TOKEN, HS_TOKEN, Process, World, database_config, url};

const WRONG: &str = "wrong-content-token-of-somebody";
const KEY: &str = "aWF6-32KGYaC3A_FEUCk1Bt0JA37zP0wrStgmdCaW-0";
const CONSOLE_TOKEN: &str = "console-token-that-nobody-writes-down";
const TRIED: &str = "a-token-that-was-tried-in-vain";
const TEXT: &str = "words-that-nobody-writes-down";

/// A service that logs as much as it can, and media.
struct Scene {
    world: World,
    process: Process,
    mxc: String,
    token: String,
    links: Vec<Value>,
    secrets: Vec<String>,
    /// Everything that may hold no secret.
    written: String,
}

#[tokio::test]
async fn nothing_secret_is_written_anywhere() {
    let mut scene = Scene::new().await;
    scene.issue_links().await;
    scene.issue_pastes().await;
    scene.follow_links().await;
    scene.look_from_the_console().await;
    scene.send_bodies_that_are_refused().await;
    scene.look_at_a_homeserver_that_is_gone().await;
    scene.run_commands();
    scene.read_log().await;
    scene.know_secrets();
    for secret in &scene.secrets {
        if let Some(at) = scene.written.find(secret) {
            let from = scene.written.floor_char_boundary(at.saturating_sub(300));
            panic!("a secret was written, after: {}", &scene.written[from..at]);
        }
    }
}

impl Scene {
    async fn new() -> Self {
        let world = World::new().await;
        let mut process = Process::new(
            world.folder.path(),
            &world.url,
            &format!("usage: {{batch_window: 20ms}}\nconsole: {{token: {CONSOLE_TOKEN}}}"),
        );
        process.start_with_log_level("trace").await;
        let (mxc, token) = world.upload("bytes", "text/plain").await;
        Self {
            world,
            process,
            mxc,
            token,
            links: Vec::new(),
            secrets: vec![TEXT.to_owned()],
            written: String::new(),
        }
    }

    async fn issue_links(&mut self) {
        let (mxc, token, room) = (&self.mxc, &self.token, &self.world.room_id);
        let file = json!({"url": mxc, "v": "v2", "key": {"kty": "oct", "alg": "A256CTR", "k": KEY},
            "iv": "w+sE15fzSc0AAAAAAAAAAA", "hashes": {"sha256": "fdSLu/YkRx3Wyh3KQabP3rd6+SFiKg5lsJZQHtkSAYA"}});
        for body in [
            json!({"mxc": mxc, "content_token": token, "room_id": room}),
            json!({"mxc": mxc, "content_token": token, "room_id": room, "form": "self_contained"}),
            json!({"mxc": mxc, "content_token": WRONG, "room_id": room, "event_id": "$wrong"}),
            json!({"file": file, "content_token": token, "room_id": room, "event_id": "$file"}),
            json!({"mxc": "mxc://example.org/none", "room_id": room}),
            json!({"mxc": mxc, "content_token": token, "room_id": room, "lifetime_ms": 1, "event_id": "$short"}),
            json!({"mxc": mxc, "content_token": token, "room_id": "!unknown:example.org"}),
        ] {
            self.links.push(self.process.issue(body).await);
        }
    }

    /// Texts of a room that is encrypted, and of one that is not.
    async fn issue_pastes(&mut self) {
        let closed = self.world.new_room().await;
        let path = format!("/_matrix/client/v3/rooms/{closed}/state/m.room.encryption/");
        let content = json!({"algorithm": "m.megolm.v1.aes-sha2"});
        let (status, _) = self.world.as_alice(Method::PUT, &path, &content).await;
        assert_eq!(status, 200);
        let config = database_config(&self.process.folder);
        let database = Database::open(&config, Opener::Command)
            .await
            .expect("opens");
        for room in [self.world.room_id.clone(), closed.clone()] {
            let body =
                json!({"text": format!("{TEXT}\n{room}"), "room_id": room, "filename": "a.rs"});
            let (status, link) = self
                .process
                .call(Method::POST, "/v1/pastes", &body)
                .await
                .expect("an answer");
            assert_eq!(status, 201, "{link}");
            let id = link["link_id"].as_str().expect("an ID");
            let row = database.link(id).await.expect("reads");
            let claims = &row.expect("a link").claims;
            let token = claims.content_token.as_ref().expect("a token");
            self.secrets.push(token.expose().to_owned());
            assert_eq!(claims.file.is_some(), room == closed);
            if let Some(file) = &claims.file {
                self.secrets.extend([
                    STANDARD_NO_PAD.encode(file.key),
                    URL_SAFE_NO_PAD.encode(file.key),
                ]);
                let numbers = format!("{:?}", file.key);
                self.secrets
                    .push(numbers.trim_matches(['[', ']']).to_owned());
                self.secrets
                    .push(STANDARD_NO_PAD.encode(&file.iv[..8])[..10].to_owned());
            }
            self.links.push(link);
        }
    }

    /// Keeps what is said of links that lead to nothing.
    async fn follow_links(&mut self) {
        for link in &self.links {
            for target in [
                url(link),
                format!("{}x", url(link)),
                url(link).replace("/m/", "/v/"),
            ] {
                for accept in ["text/html", "*/*"] {
                    let request = self.process.client.get(&target).header("Accept", accept);
                    let response = request.send().await.expect("an answer");
                    let is_error = !response.status().is_success();
                    let body = response.text().await.unwrap_or_default();
                    if is_error {
                        self.written.push_str(&body);
                    }
                }
            }
        }
    }

    /// Logs in, pastes every link whole, and looks at each.
    async fn look_from_the_console(&mut self) {
        let base = format!("{}/console", self.process.internal);
        let send = async |path: &str, cookie: &str, fields: &[(&str, &str)]| {
            let mut body = url::form_urlencoded::Serializer::new(String::new());
            body.extend_pairs(fields);
            let request = self
                .process
                .client
                .post(format!("{base}{path}"))
                .body(body.finish());
            let request = request.header("Cookie", cookie);
            request.send().await.expect("an answer")
        };
        let wrong = send("/login", "", &[("token", TRIED)]).await;
        let mut written = wrong.text().await.expect("text");
        let right = send("/login", "", &[("token", CONSOLE_TOKEN)]).await;
        let cookie = right.headers()["set-cookie"]
            .to_str()
            .expect("text")
            .to_owned();
        let cookie = cookie.split(';').next().expect("a cookie");
        let look = async |path: &str| {
            let request = self
                .process
                .client
                .get(format!("{base}{path}"))
                .header("Cookie", cookie);
            let page = request.send().await.expect("an answer");
            page.text().await.expect("text")
        };
        let first = look("").await;
        let csrf = first
            .split("name=\"csrf\" value=\"")
            .nth(1)
            .expect("a form");
        let csrf = csrf.split('"').next().expect("a value");
        for link in &self.links {
            for pasted in [url(link), format!("{}x", url(link))] {
                let found = send("/search", cookie, &[("csrf", csrf), ("q", &pasted)]).await;
                written.push_str(&format!("{:?}", found.headers().get("location")));
                written.push_str(&found.text().await.expect("text"));
            }
            let id = link["link_id"].as_str().expect("an ID");
            written.push_str(&look(&format!("/links/{id}")).await);
        }
        for path in [
            "", "/links", "/usage", "/rooms", "/reports", "/denials", "/keys", "/audit",
        ] {
            written.push_str(&look(path).await);
        }
        assert!(written.contains("Live links") && written.contains("Revoke this link"));
        let session = cookie.split('=').nth(1).expect("a session").to_owned();
        self.written.push_str(&written);
        self.secrets.push(session);
    }

    async fn send_bodies_that_are_refused(&mut self) {
        let (mxc, token, room) = (&self.mxc, &self.token, &self.world.room_id);
        for (path, body) in [
            (
                "/v1/links",
                json!({"mxc": mxc, "room_id": room, "content_token": 1_234_509_876}),
            ),
            (
                "/v1/links",
                json!({"mxc": mxc, "room_id": room, "content_token": "not allowed token"}),
            ),
            (
                "/v1/links",
                json!({"mxc": mxc, "room_id": room, "file": {"key": KEY}}),
            ),
            (
                "/v1/links",
                json!({"mxc": mxc, "room_id": 5, "content_token": token}),
            ),
            ("/v1/pastes", json!({"text": TEXT, "room_id": 5})),
            (
                "/v1/pastes",
                json!({"text": TEXT, "room_id": "r", "language": TEXT}),
            ),
            ("/v1/pastes", json!({"text": [TEXT], "room_id": room})),
        ] {
            let answered = self.process.call(Method::POST, path, &body).await;
            let (status, told) = answered.expect("an answer");
            assert_eq!(status, 400);
            self.written.push_str(&told.to_string());
        }
    }

    async fn look_at_a_homeserver_that_is_gone(&mut self) {
        let id = self.links[0]["link_id"].as_str().expect("ID");
        let path = format!("/v1/links/{id}");
        self.process.call(Method::DELETE, &path, &json!({})).await;
        self.process.drained().await;
        let _gone = self.world.stop_homeserver().await;
        for target in [
            url(&self.links[1]),
            format!("{}/metrics", self.process.internal),
        ] {
            let response = self.process.client.get(target).send().await;
            let text = response.expect("an answer").text().await;
            self.written.push_str(&text.expect("text"));
        }
    }

    fn run_commands(&mut self) {
        let (process, link) = (&self.process, url(&self.links[1]));
        let piped = process.run_with_input(&["inspect", "-"], &link);
        assert!(piped.status.success());
        for output in [
            piped,
            process.run_with_input(&["inspect", "-"], &format!("{link}x")),
            process.run(&["links", "revoke", &url(&self.links[3])]),
            process.run(&["audit", "list"]),
            process.run(&["usage", "list"]),
            process.run(&["keys", "list"]),
            process.run(&["keys", "rotate"]),
            process.run(&["check"]),
            process.run(&["keys", "retire", "1"]),
        ] {
            self.written
                .push_str(&String::from_utf8_lossy(&output.stdout));
            self.written
                .push_str(&String::from_utf8_lossy(&output.stderr));
        }
    }

    async fn read_log(&mut self) {
        self.process.terminate().await;
        let log = self.process.log();
        assert!(
            log.contains(self.links[0]["link_id"].as_str().expect("ID")),
            "the log names links by their ID"
        );
        assert!(log.contains("/m/{token}"), "and routes by their pattern");
        self.written.push_str(&log);
    }

    fn know_secrets(&mut self) {
        let keys = std::fs::read_to_string(self.process.folder.join("data/link-keys.yaml"));
        let keys: Vec<String> = keys
            .expect("keys")
            .lines()
            .filter_map(|line| line.trim().strip_prefix("secret: "))
            .map(|s| s.trim_matches('"').to_owned())
            .collect();
        assert_eq!(keys.len(), 2);
        self.secrets.extend(keys);
        let known = [
            CONSOLE_TOKEN,
            TRIED,
            API_TOKEN,
            AS_TOKEN,
            HS_TOKEN,
            &self.token,
            WRONG,
            KEY,
            "fdSLu/YkRx3W",
            "w+sE15fzSc0",
            "1234509876",
            "not allowed token",
        ];
        self.secrets.extend(known.map(str::to_owned));
        for link in &self.links {
            let url = url(link).replacen("/a.rs", "", 1);
            self.secrets
                .push(url.rsplit('/').next().expect("a token").to_owned());
        }
    }
}
