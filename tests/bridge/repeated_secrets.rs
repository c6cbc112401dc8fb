//! A homeserver whose errors repeat what it was sent: the secrets in them are written nowhere.

use base64::{Engine, engine::general_purpose::STANDARD};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Method;
use serde_json::{Value, json};
use support::{
    AS_TOKEN, HS_TOKEN, Process, World, eventually,
    faulty::{Fault, Faulty},
    url,
};

/// The forms in which a secret is repeated.
fn forms(secret: &str) -> Vec<String> {
    let percent = utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string();
    vec![
        secret.to_owned(),
        format!("{{\"authorization\": \"Bearer {secret}\"}}"),
        utf8_percent_encode(&percent, NON_ALPHANUMERIC).to_string(),
        percent,
        secret
            .bytes()
            .map(|byte| format!("\\u{byte:04x}"))
            .collect(),
        STANDARD.encode(secret),
        STANDARD.encode(format!("u:{secret}")),
        format!("{}…", &secret[..10]),
        secret[..9].to_owned(),
    ]
}

fn repeating(status: u16, errcode: &str, form: &str) -> Fault {
    let error = json!({"errcode": errcode, "error": format!("found {form}")});
    Fault::Answer(status, error.to_string())
}

struct Scene {
    process: Process,
    faulty: Faulty,
    secrets: Vec<String>,
    /// Answers, and what commands print.
    written: String,
}

impl Scene {
    /// Everything that goes to the homeserver, each time with another form of a secret in its answer.
    async fn ask(&mut self, world: &World, mxc: &str, token: &str) {
        let body = json!({"mxc": mxc, "content_token": token, "room_id": world.room_id});
        let link = self.process.issue(body).await;
        let paste = json!({"text": "text", "room_id": world.room_id});
        for secret in self.secrets.clone() {
            for form in forms(&secret) {
                self.faulty
                    .next("/download/", [repeating(403, "M_FORBIDDEN", &form)]);
                let response = self.process.client.get(url(&link)).send().await;
                let response = response.expect("an answer");
                assert_eq!(response.status(), 502);
                self.written.push_str(&response.text().await.expect("text"));
                if secret == token {
                    // It goes with downloads alone.
                    continue;
                }
                self.faulty.next("/upload", [repeating(403, &form, &form)]);
                let answered = self.process.call(Method::POST, "/v1/pastes", &paste).await;
                let (status, told) = answered.expect("an answer");
                assert_eq!(status, 502, "{told}");
                self.written.push_str(&told.to_string());
            }
        }
    }

    /// A meta event that is refused, which is stored with the reason.
    async fn send(&mut self, world: &World, mxc: &str, token: &str) {
        self.process.drained().await;
        for (number, form) in forms(token).iter().enumerate() {
            self.faulty
                .next("/send/", [repeating(400, "M_BAD_JSON", form)]);
            let body = json!({"mxc": mxc, "content_token": format!("{token}-{number}"),
                "room_id": world.room_id, "event_id": format!("$e{number}")});
            let link = self.process.issue(body).await;
            let path = format!("/v1/links/{}", link["link_id"].as_str().expect("an ID"));
            let shown = eventually("a refusal", async || {
                let answered = self.process.call(Method::GET, &path, &Value::Null).await;
                let (_, link) = answered.expect("an answer");
                (link["usage"]["state"] == "failed").then_some(link)
            })
            .await;
            self.written.push_str(&shown.to_string());
        }
        let listed = self.process.run(&["usage", "list"]);
        let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
        assert!(listed.contains("M_BAD_JSON: found [masked]"), "{listed}");
        self.written.push_str(&listed);
    }
}

#[tokio::test]
async fn secrets_that_the_homeserver_repeats_are_written_nowhere() {
    let world = World::new().await;
    let faulty = Faulty::start(&world.url).await;
    let more = "usage: {batch_window: 20ms}\nmedia: {cache: null}";
    let mut process = Process::new(world.folder.path(), &faulty.url, more);
    process.start_with_log_level("debug").await;
    let (mxc, token) = world.upload("bytes", "text/plain").await;
    let mut scene = Scene {
        process,
        faulty,
        secrets: vec![AS_TOKEN.to_owned(), HS_TOKEN.to_owned(), token.clone()],
        written: String::new(),
    };
    scene.ask(&world, &mxc, &token).await;
    scene.send(&world, &mxc, &token).await;
    scene.process.terminate().await;
    let log = scene.process.log();
    assert!(log.contains("M_FORBIDDEN: found [masked]"), "{log}");
    scene.written.push_str(&log);
    for secret in &scene.secrets {
        for form in forms(secret) {
            // What is shorter may also stand elsewhere.
            let form = format!("found {form}");
            assert!(!scene.written.contains(&form), "{form}: {}", scene.written);
        }
        assert!(!scene.written.contains(secret.as_str()));
    }
}
