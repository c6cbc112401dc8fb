//! A colour of the operator's own on the pages, read at the start and at SIGHUP.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use reqwest::{Response, header};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use support::{Process, World, eventually};

/// A page, with its policy.
struct Page {
    html: String,
    policy: String,
}

async fn ask(process: &Process, url: &str) -> Response {
    let request = process.client.get(url);
    let request = request.header(header::ACCEPT, "text/html");
    request.send().await.expect("an answer")
}

async fn page(process: &Process, url: &str) -> Page {
    let answer = ask(process, url).await;
    let policy = &answer.headers()["content-security-policy"];
    Page {
        policy: policy.to_str().expect("text").to_owned(),
        html: answer.text().await.expect("a page"),
    }
}

impl Page {
    /// The style block, which the policy has to allow.
    fn style(&self) -> &str {
        let (_, rest) = self.html.split_once("<style>").expect("a style block");
        let (style, _) = rest.split_once("</style>").expect("its end");
        let hash = STANDARD.encode(Sha256::digest(style));
        let allowed = format!("style-src 'sha256-{hash}';");
        assert!(self.policy.contains(&allowed), "{}", self.policy);
        style
    }
}

/// The addresses of all kinds of pages: media, a text, an error, the form to report, the start.
async fn all_pages(world: &World, process: &Process) -> Vec<String> {
    let (mxc, token) = world.upload("hello", "image/png").await;
    let body = json!({"mxc": mxc, "content_token": token, "room_id": world.room_id});
    let link = process.issue(body).await;
    let body = json!({"text": "hello\n", "room_id": world.room_id});
    let (status, paste) = process
        .call(reqwest::Method::POST, "/v1/pastes", &body)
        .await
        .expect("an answer");
    assert_eq!(status, 201, "{paste}");
    let page_of = |link: &Value| link["page_url"].as_str().expect("a page").to_owned();
    let view = page_of(&link);
    let token = view.split('/').nth(4).expect("a token");
    let at = |path: &str| format!("{}{path}", process.public);
    vec![
        page_of(&paste),
        at(&format!("/r/{token}")),
        at("/m/none"),
        at("/nowhere/at/all"),
        at("/"),
        view,
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_colour_is_on_all_pages_and_changes_while_the_service_runs() {
    let world = World::new().await;
    let more = "usage: {mode: never}\noperator: {color: '#ffee58'}";
    let mut process = Process::new(world.folder.path(), &world.url, more);
    process.start().await;
    let pages = all_pages(&world, &process).await;
    for url in &pages {
        let page = page(&process, url).await;
        let style = page.style();
        for part in ["--accent:#736b28;", "--accent:#ffee58;"] {
            assert!(style.contains(part), "{part} in {style}");
        }
    }
    process.edit("#ffee58", "#0b5");
    process.signal("HUP");
    eventually("the new colour", async || {
        let page = page(&process, &pages[0]).await;
        page.style().contains("--accent:#007b38;").then_some(())
    })
    .await;
    // A colour that is none changes nothing.
    process.edit("#0b5", "#0b");
    process.signal("HUP");
    eventually("the problem to be told", async || {
        let told = r##"operator.color: found \"#0b\"; allowed is"##;
        process.log().contains(told).then_some(())
    })
    .await;
    for url in &pages {
        let page = page(&process, url).await;
        assert!(page.style().contains("--accent:#007b38;"), "{url}");
    }
    let output = process.run(&["check"]);
    assert_eq!(output.status.code(), Some(2));
    let problem = String::from_utf8_lossy(&output.stderr);
    assert!(problem.contains("in quotes, or null"), "{problem}");
    assert!(process.terminate().await.success());
}
