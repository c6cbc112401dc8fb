//! Long messages become links: on each kind of homeserver, and whatever goes wrong.

use matrix_test_server::Options;
use medialink::clock::Clock;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::{
    faulty::{Fault, Faulty, error},
    harness::{AS_TOKEN, BOT, Service, World, eventually, url},
};

/// Without a cache, so that every follow shows what the homeserver gives.
const UNCACHED: &str = "usage: {batch_window: 20ms, touch: never}\nmedia: {cache: null}";
const TEXT: &str = "fn main() {\n    println!(\"<hello> & 'goodbye' ünï\");\n}\n";

#[derive(Debug, Clone, Copy, PartialEq)]
enum Mode {
    /// Media needs an access token (MSC3916), and nobody counts.
    Plain,
    /// References to content tokens are counted (MSC3910).
    Tokens,
    /// Media is attached to events (MSC3911).
    Linked,
}

const MODES: [Mode; 3] = [Mode::Plain, Mode::Tokens, Mode::Linked];

fn options(mode: Mode) -> Options {
    Options {
        content_tokens: mode == Mode::Tokens,
        linked_media: mode == Mode::Linked,
        ..Options::default()
    }
}

struct Scene {
    mode: Mode,
    world: World,
    faulty: Faulty,
    service: Service,
}

impl Scene {
    async fn new(mode: Mode) -> Self {
        Self::with(options(mode), mode, UNCACHED).await
    }

    async fn with(options: Options, mode: Mode, more: &str) -> Self {
        let world = World::with(options).await;
        let faulty = Faulty::start(&world.url).await;
        let (folder, clock) = (world.folder.path(), Clock::default());
        let service = Service::start_at(folder, &faulty.url, "", more, &clock).await;
        let address = Some(service.internal.clone());
        assert!(world.homeserver.set_appservice_url("medialink", address));
        if mode == Mode::Linked {
            eventually("the homeserver's features", async || {
                service.features.links_media().then_some(())
            })
            .await;
        }
        Self {
            mode,
            world,
            faulty,
            service,
        }
    }

    async fn message(&self, body: &str) -> String {
        let content = json!({"msgtype": "m.text", "body": body});
        self.world
            .send(&self.world.room_id, "m.room.message", &content)
            .await
    }

    async fn ask(&self, more: Value) -> (StatusCode, Value) {
        let mut body = json!({"text": TEXT, "room_id": self.world.room_id});
        for (key, value) in more.as_object().expect("an object") {
            body[key] = value.clone();
        }
        self.service.call(Method::POST, "/v1/pastes", &body).await
    }

    async fn paste(&self, more: Value) -> Value {
        let (status, link) = self.ask(more).await;
        assert_eq!(status, 201, "{link}");
        link
    }

    /// Waits until the paste is counted, where that can be.
    async fn counted(&self, link: &Value) {
        match self.mode {
            Mode::Plain => assert_eq!(link["usage"]["state"], "disabled"),
            _ => drop(self.service.wait_for_usage(link, "counted").await),
        }
    }

    async fn ends(&self, link: &Value, state: &str) {
        eventually(state, async || {
            (self.service.link(link).await["state"] == state).then_some(())
        })
        .await;
    }

    async fn text(&self, link: &Value) -> (u16, String) {
        let response = self.service.follow(link).await;
        (
            response.status().as_u16(),
            response.text().await.expect("a body"),
        )
    }

    /// What the homeserver says of the paste's media.
    async fn media(&self, link: &Value) -> Value {
        self.world.media(link["mxc"].as_str().expect("mxc")).await
    }

    async fn revoke(&self, link: &Value) {
        let path = format!("/v1/links/{}", link["link_id"].as_str().expect("ID"));
        let (status, told) = self.service.call(Method::DELETE, &path, &json!({})).await;
        assert_eq!(status, 200, "{told}");
    }

    async fn page(&self, link: &Value) -> String {
        let url = link["page_url"].as_str().expect("a URL");
        let response = self.service.client.get(url).send().await.expect("a page");
        assert_eq!(response.status(), 200);
        let csp = response.headers()["content-security-policy"].to_str();
        assert!(!csp.expect("text").contains("unsafe-inline"));
        response.text().await.expect("a page")
    }

    /// The bytes and the type that the homeserver has.
    async fn stored(&self, link: &Value) -> (Vec<u8>, String, Option<String>) {
        let path = link["mxc"].as_str().expect("mxc").replacen("mxc://", "", 1);
        let url = format!("{}/_matrix/client/v1/media/download/{path}", self.world.url);
        let row = self.row(link).await;
        let mut request = self.service.client.get(url).query(&[("user_id", BOT)]);
        if let Some(token) = &row.claims.content_token {
            request = request.header("X-Matrix-Content-Token", token.expose());
        }
        let response = request
            .bearer_auth(AS_TOKEN)
            .send()
            .await
            .expect("an answer");
        assert_eq!(response.status(), 200);
        let header = |name: &str| {
            let value = response.headers().get(name)?;
            Some(value.to_str().expect("text").to_owned())
        };
        let (kind, name) = (header("content-type"), header("content-disposition"));
        let bytes = response.bytes().await.expect("whole").to_vec();
        (
            bytes,
            kind.expect("a type"),
            name.filter(|name| name.contains("filename")),
        )
    }

    async fn row(&self, link: &Value) -> medialink::storage::links::LinkRow {
        let id = link["link_id"].as_str().expect("ID");
        let row = self.service.database.link(id).await.expect("reads");
        row.expect("a link").as_ref().clone()
    }

    async fn encrypt_room(&self) {
        let room = &self.world.room_id;
        let path = format!("/_matrix/client/v3/rooms/{room}/state/m.room.encryption/");
        let content = json!({"algorithm": "m.megolm.v1.aes-sha2"});
        let (status, told) = self.world.as_alice(Method::PUT, &path, &content).await;
        assert_eq!(status, 200, "{told}");
    }

    /// How many media the homeserver was given.
    async fn uploads(&self) -> i64 {
        self.world.requests("media.upload").await
            + self.world.requests("media.upload_restricted").await
    }
}

#[tokio::test]
async fn a_text_is_uploaded_linked_counted_and_released_on_each_kind_of_homeserver() {
    for mode in MODES {
        let scene = Scene::new(mode).await;
        let event_id = scene.message(TEXT).await;
        let link = scene
            .paste(json!({"event_id": event_id, "filename": "main.rs", "sender": "@alice:example.org"}))
            .await;
        assert_eq!(
            link["excerpt"],
            "fn main() {\nprintln!(\"<hello> & 'goodbye' ünï\");\n}"
        );
        assert!(url(&link).ends_with("/main.rs"), "{link}");
        let response = scene.service.follow(&link).await;
        let header = |name: &str| response.headers()[name].to_str().expect("text").to_owned();
        assert_eq!(header("content-type"), "text/plain; charset=utf-8");
        assert_eq!(
            header("content-disposition"),
            "inline; filename=\"main.rs\""
        );
        assert_eq!(header("content-length"), TEXT.len().to_string());
        assert_eq!(response.text().await.expect("a body"), TEXT);

        scene.counted(&link).await;
        assert_eq!(scene.text(&link).await, (200, TEXT.to_owned()), "{mode:?}");
        let media = scene.media(&link).await;
        match mode {
            Mode::Plain => {}
            Mode::Tokens => assert_eq!(media["references"], 1),
            Mode::Linked => {
                let counted = scene.service.link(&link).await;
                assert_eq!(media["attached_to"], counted["usage"]["event_id"]);
                assert_eq!(scene.world.requests("media.copy").await, 0);
            }
        }
        assert_eq!(scene.uploads().await, 1);

        scene.world.redact(&scene.world.room_id, &event_id).await;
        scene.ends(&link, "redacted").await;
        assert_eq!(scene.text(&link).await.0, 410, "{mode:?}");
        scene.service.drained().await;
        if mode != Mode::Plain {
            scene.service.wait_for_usage(&link, "released").await;
            scene.world.clean_up().await;
            assert_eq!(scene.media(&link).await["deleted"], true, "{mode:?}");
        }
        // No second upload for a message that is known to be redacted.
        let (status, told) = scene.ask(json!({"event_id": event_id})).await;
        assert_eq!((status.as_u16(), &told["errcode"]), (410, &json!("M_GONE")));
        assert_eq!(scene.uploads().await, 1);
    }
}

#[tokio::test]
async fn an_expired_and_a_revoked_paste_are_released() {
    for mode in MODES {
        let scene = Scene::new(mode).await;
        let short = scene.paste(json!({"lifetime_ms": 60_000})).await;
        let revoked = scene.paste(json!({"text": "another text"})).await;
        for link in [&short, &revoked] {
            scene.counted(link).await;
            assert_eq!(scene.text(link).await.0, 200);
        }
        scene.revoke(&revoked).await;
        scene.service.clock.advance(61_000);
        scene.ends(&short, "expired").await;
        scene.service.clock.advance(3_600_000);
        for (link, state) in [(&short, "expired"), (&revoked, "revoked")] {
            assert_eq!(scene.text(link).await.0, 410, "{mode:?}");
            assert_eq!(scene.service.link(link).await["state"], state);
            if mode != Mode::Plain {
                scene.service.wait_for_usage(link, "released").await;
            }
        }
        scene.service.drained().await;
        if mode != Mode::Plain {
            scene.world.clean_up().await;
            for link in [&short, &revoked] {
                assert_eq!(scene.media(link).await["deleted"], true, "{mode:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_bridge_that_repeats_itself_gets_the_link_it_has() {
    for mode in MODES {
        let scene = Scene::new(mode).await;
        let asked = json!({"event_id": "$e", "filename": "a.txt", "language": "rust"});
        let first = scene.paste(asked.clone()).await;
        let (status, again) = scene.ask(asked.clone()).await;
        assert_eq!(status, 200);
        for field in ["link_id", "url", "mxc", "excerpt", "expires_ts"] {
            assert_eq!(again[field], first[field], "{field}");
        }
        // As a file or its changes: a message of another event, name, language or text is another.
        for (field, value) in [
            ("event_id", json!("$f")),
            ("event_id", json!(null)),
            ("filename", json!("b.txt")),
            ("language", json!("c")),
            ("text", json!("other")),
        ] {
            let mut other = asked.clone();
            other[field] = value;
            let other = scene.paste(other).await;
            assert_ne!(other["link_id"], first["link_id"], "{field}");
        }
        assert_eq!(scene.uploads().await, 6);
        // A lifetime counts from now.
        scene.service.clock.advance(10_000);
        let mut longer = asked.clone();
        longer["lifetime_ms"] = json!(3_600_000);
        let (status, told) = scene.ask(longer).await;
        assert_eq!(
            (status.as_u16(), &told["link_id"]),
            (200, &first["link_id"])
        );
        let moved = told["expires_ts"].as_i64().expect("a time") - 3_600_000;
        assert!(moved >= first["issued_ts"].as_i64().expect("a time") + 10_000);
        // One that is over is made anew.
        scene.counted(&first).await;
        scene.revoke(&first).await;
        let second = scene.paste(asked).await;
        assert_ne!(second["mxc"], first["mxc"]);
        assert_eq!(scene.uploads().await, 7);
        assert_eq!(scene.text(&second).await.0, 200);
    }
}

#[tokio::test]
async fn the_same_text_asked_for_by_many_at_once_is_uploaded_once() {
    for mode in MODES {
        let scene = Scene::new(mode).await;
        let asked = (0..8).map(|_| scene.ask(json!({"event_id": "$e"})));
        let answers = futures_util::future::join_all(asked).await;
        let new = answers.iter().filter(|(status, _)| *status == 201).count();
        assert_eq!(new, 1, "{answers:?}");
        for (_, link) in &answers {
            assert_eq!(link["link_id"], answers[0].1["link_id"]);
        }
        assert_eq!(scene.uploads().await, 1);
    }
}

#[tokio::test]
async fn a_paste_of_an_encrypted_room_is_ciphertext_for_the_homeserver() {
    for mode in MODES {
        let scene = Scene::new(mode).await;
        let plain = scene.paste(json!({"filename": "main.rs"})).await;
        let (bytes, kind, name) = scene.stored(&plain).await;
        assert_eq!(
            (bytes.as_slice(), kind.as_str()),
            (TEXT.as_bytes(), "text/plain; charset=utf-8")
        );
        assert!(name.expect("a name").contains("main.rs"));
        assert!(scene.row(&plain).await.claims.file.is_none());

        scene.encrypt_room().await;
        // What was seen a moment ago is believed for a moment.
        let link = eventually("the room to be known as encrypted", async || {
            let asked =
                json!({"filename": "main.rs", "event_id": format!("${}", scene.uploads().await)});
            let link = scene.paste(asked).await;
            scene.row(&link).await.claims.file.is_some().then_some(link)
        })
        .await;
        let (bytes, kind, name) = scene.stored(&link).await;
        assert_eq!(
            (bytes.len(), kind.as_str()),
            (TEXT.len(), "application/octet-stream")
        );
        assert_eq!(name, None, "{mode:?}");
        let shared = bytes.iter().zip(TEXT.bytes()).filter(|(a, b)| **a == *b);
        assert!(shared.count() < TEXT.len() / 2, "it is not encrypted");
        let file = scene.row(&link).await.claims.file.clone().expect("keys");
        assert_eq!(file.iv[8..], [0; 8]);

        assert_eq!(scene.text(&link).await, (200, TEXT.to_owned()));
        assert!(
            scene
                .page(&link)
                .await
                .contains("<span class=\"f\">main</span>")
        );
        scene.counted(&link).await;
        assert_eq!(scene.text(&link).await, (200, TEXT.to_owned()), "{mode:?}");
        // Another text has another key.
        let other = scene.paste(json!({"text": "other"})).await;
        assert_ne!(
            scene
                .row(&other)
                .await
                .claims
                .file
                .clone()
                .expect("keys")
                .key,
            file.key
        );
    }
}

#[tokio::test]
async fn where_nobody_tells_whether_a_room_is_encrypted_its_paste_is() {
    let scene = Scene::new(Mode::Tokens).await;
    for fault in [
        error(403, "M_FORBIDDEN"),
        error(500, "M_UNKNOWN"),
        Fault::DropBefore,
    ] {
        scene.faulty.next("m.room.encryption", [fault]);
        let event_id = format!("${}", scene.uploads().await);
        let link = scene.paste(json!({"event_id": event_id})).await;
        assert!(scene.row(&link).await.claims.file.is_some());
        assert_eq!(scene.text(&link).await, (200, TEXT.to_owned()));
    }
    assert_eq!(scene.faulty.left(), 0);
}

#[tokio::test]
async fn an_upload_that_fails_is_told_and_can_be_repeated() {
    for mode in MODES {
        let scene = Scene::new(mode).await;
        let limited =
            r#"{"errcode": "M_LIMIT_EXCEEDED", "error": "slow down", "retry_after_ms": 1582}"#;
        for (fault, status, errcode) in [
            (error(413, "M_TOO_LARGE"), 413, "M_TOO_LARGE"),
            (error(403, "M_FORBIDDEN"), 502, "M_FORBIDDEN"),
            (error(401, "M_UNKNOWN_TOKEN"), 502, "M_UNKNOWN"),
            (error(500, "M_UNKNOWN"), 502, "M_UNKNOWN"),
            (error(504, "M_UNKNOWN"), 504, "M_UNKNOWN"),
            (Fault::Answer(200, "{}".to_owned()), 502, "M_UNKNOWN"),
            (
                Fault::Answer(200, r#"{"content_uri": "mxc://a/.."}"#.to_owned()),
                502,
                "M_UNKNOWN",
            ),
            (
                Fault::Answer(
                    200,
                    r#"{"content_uri": "mxc://a/b", "content_token": "a b"}"#.to_owned(),
                ),
                502,
                "M_UNKNOWN",
            ),
            (Fault::DropBefore, 502, "M_UNKNOWN"),
            (
                Fault::Answer(429, limited.to_owned()),
                429,
                "M_LIMIT_EXCEEDED",
            ),
        ] {
            scene.faulty.next("/upload", [fault.clone()]);
            let (found, told) = scene.ask(json!({})).await;
            assert_eq!(
                (found.as_u16(), &told["errcode"]),
                (status, &json!(errcode)),
                "{fault:?} {told}"
            );
            let wait = told.get("retry_after_ms");
            assert_eq!(wait, (status == 429).then_some(&json!(1582)));
        }
        assert_eq!((scene.faulty.left(), scene.uploads().await), (0, 0));
        // An upload whose answer is lost is one that nothing refers to.
        scene.faulty.next("/upload", [Fault::DropAfter]);
        assert_eq!(scene.ask(json!({})).await.0, 502);
        let link = scene.paste(json!({})).await;
        assert_eq!(scene.uploads().await, 2);
        assert_eq!(scene.text(&link).await, (200, TEXT.to_owned()));
    }
}

#[tokio::test]
async fn the_homeserver_s_retry_is_a_header_too() {
    let scene = Scene::new(Mode::Plain).await;
    let limited = r#"{"errcode": "M_LIMIT_EXCEEDED", "error": "", "retry_after_ms": 1582}"#;
    scene
        .faulty
        .next("/upload", [Fault::Answer(429, limited.to_owned())]);
    let body = json!({"text": TEXT, "room_id": scene.world.room_id});
    let request = scene.service.api(Method::POST, "/v1/pastes").json(&body);
    let response = request.send().await.expect("an answer");
    assert_eq!(
        (
            response.status().as_u16(),
            &response.headers()["retry-after"]
        ),
        (429, &"2".parse().expect("value"))
    );
}

#[tokio::test]
async fn a_text_has_a_longest_length() {
    let small = Options {
        max_upload_bytes: 1000,
        ..options(Mode::Tokens)
    };
    let scene = Scene::with(small, Mode::Tokens, UNCACHED).await;
    let (status, told) = scene.ask(json!({"text": "x".repeat(1001)})).await;
    assert_eq!(
        (status.as_u16(), &told["errcode"]),
        (413, &json!("M_TOO_LARGE"))
    );
    let link = scene.paste(json!({"text": "x".repeat(1000)})).await;
    assert_eq!(scene.text(&link).await.1.len(), 1000);

    let scene = Scene::new(Mode::Tokens).await;
    // A mebibyte, as long as JSON can make it.
    let longest = "\u{1}".repeat(1 << 20);
    let link = scene.paste(json!({"text": longest})).await;
    assert!(scene.text(&link).await == (200, longest));
    let (status, told) = scene.ask(json!({"text": "x".repeat((1 << 20) + 1)})).await;
    assert_eq!(
        (status.as_u16(), &told["errcode"]),
        (413, &json!("M_TOO_LARGE"))
    );

    let more = "usage: {batch_window: 20ms}\nmedia: {cache: null, max_size: 100B}";
    let scene = Scene::with(options(Mode::Tokens), Mode::Tokens, more).await;
    let (status, told) = scene.ask(json!({"text": "x".repeat(101)})).await;
    assert_eq!(
        (status.as_u16(), &told["errcode"]),
        (413, &json!("M_TOO_LARGE"))
    );
    assert_eq!(scene.uploads().await, 0);
}

#[tokio::test]
async fn what_a_room_allows_holds_for_pastes() {
    let scene = Scene::new(Mode::Tokens).await;
    scene
        .world
        .set_policy(&json!({"max_size": 100, "max_lifetime_ms": 60_000, "pages_only": true}))
        .await;
    let (status, told) = scene.ask(json!({"text": "x".repeat(101)})).await;
    assert_eq!(
        (status.as_u16(), &told["errcode"]),
        (403, &json!("M_TOO_LARGE"))
    );
    assert_eq!(scene.uploads().await, 0);
    let link = scene.paste(json!({})).await;
    assert_eq!(link["url"], link["page_url"]);
    let lifetime =
        link["expires_ts"].as_i64().expect("a time") - link["issued_ts"].as_i64().expect("a time");
    assert_eq!(lifetime, 60_000);

    scene.world.set_policy(&json!({"enabled": false})).await;
    scene.ends(&link, "revoked").await;
    let (status, told) = scene.ask(json!({})).await;
    assert_eq!(
        (status.as_u16(), &told["errcode"]),
        (403, &json!("M_FORBIDDEN"))
    );
    assert_eq!(scene.uploads().await, 1);
}

#[tokio::test]
async fn a_paste_needs_no_event_that_shares_it() {
    let more = format!("links: {{provenance: check}}\n{UNCACHED}");
    let scene = Scene::with(options(Mode::Tokens), Mode::Tokens, &more).await;
    let event_id = scene.message(TEXT).await;
    for asked in [json!({}), json!({"event_id": event_id})] {
        let link = scene.paste(asked).await;
        assert_eq!(scene.text(&link).await.0, 200);
    }
}

#[tokio::test]
async fn an_edit_leaves_the_pastes_of_a_message_alone_and_its_redaction_does_not() {
    let scene = Scene::new(Mode::Tokens).await;
    let (first, second) = (scene.message(TEXT).await, scene.message("second").await);
    let before = scene.paste(json!({"event_id": first})).await;
    let after = scene
        .paste(json!({"event_id": first, "text": "edited"}))
        .await;
    let other = scene.paste(json!({"event_id": second})).await;
    let edit = json!({"msgtype": "m.text", "body": "* edited",
        "m.new_content": {"msgtype": "m.text", "body": "edited"},
        "m.relates_to": {"rel_type": "m.replace", "event_id": first}});
    let room = &scene.world.room_id;
    scene.world.send(room, "m.room.message", &edit).await;
    // The homeserver tells events in their order.
    scene.world.redact(room, &second).await;
    scene.ends(&other, "redacted").await;
    for link in [&before, &after] {
        assert_eq!(scene.text(link).await.0, 200);
    }
    scene.world.redact(room, &first).await;
    for link in [&before, &after] {
        scene.ends(link, "redacted").await;
        assert_eq!(scene.text(link).await.0, 410);
    }
}

#[tokio::test]
async fn the_page_shows_the_text_whatever_it_is() {
    let scene = Scene::new(Mode::Tokens).await;
    let link = scene.paste(json!({"language": "rust"})).await;
    let page = scene.page(&link).await;
    for part in [
        "<div id=\"L2\"><a href=\"#L2\">2</a><code>",
        "<span class=\"k\">fn</span>",
        "&#60;hello&#62; &#38; &#39;goodbye&#39; ünï",
        "<dd>Text <span class=\"muted\">(Rust)</span>",
        "<title>Shared text</title>",
    ] {
        assert!(page.contains(part), "{part} in {page}");
    }
    for text in [
        "</code></div></main><script>alert(1)</script>",
        "<!-- \u{202e} --> ]]> \" onload='x'",
        "{{ 7 * 7 }} {% include %}",
    ] {
        for language in ["html", "nonsense", "rust"] {
            let link = scene
                .paste(json!({"text": text, "language": language, "filename": "<b>.html"}))
                .await;
            let page = scene.page(&link).await;
            for markup in ["<script", "<!--", "<b>", "onload='", "style=", "\u{202e}"] {
                assert!(!page.contains(markup), "{markup} in {page}");
            }
            assert_eq!(scene.text(&link).await, (200, text.to_owned()));
        }
    }
    let long = "let x = 1;\n".repeat(60_000);
    let link = scene.paste(json!({"text": long, "language": "rust"})).await;
    let page = scene.page(&link).await;
    assert!(page.contains("id=\"L20000\"") && !page.contains("id=\"L20001\""));
    assert!(page.contains("This page shows the first 20000 lines."));

    // What is gone is told as everywhere.
    let gone = scene.paste(json!({"text": "gone"})).await;
    scene.revoke(&gone).await;
    let url = gone["page_url"].as_str().expect("a URL");
    assert_eq!(
        scene
            .service
            .client
            .get(url)
            .send()
            .await
            .expect("an answer")
            .status(),
        410
    );
}
