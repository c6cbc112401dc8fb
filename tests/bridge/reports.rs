//! Readers report links: by a form, once each, and those who can act are told.

use reqwest::{Method, StatusCode, header};
use serde_json::{Value, json};
use support::{Process, World, eventually, url};

struct Scene {
    world: World,
    process: Process,
    link: Value,
    event_id: String,
}

impl Scene {
    /// A link of an event, at a service with these settings.
    async fn new(abuse: &str) -> Self {
        let world = World::new().await;
        let homeserver = world.url.clone();
        Self::at(world, &homeserver, abuse).await
    }

    /// The same at a service that knows the homeserver at this address.
    async fn at(world: World, homeserver: &str, abuse: &str) -> Self {
        let more = format!("usage: {{mode: never}}\n{abuse}");
        let mut process = Process::new(world.folder.path(), homeserver, &more);
        process.start().await;
        let (mxc, token) = world.upload("hello", "text/plain").await;
        let content = json!({"msgtype": "m.file", "body": "x", "url": mxc});
        let event_id = world.send(&world.room_id, "m.room.message", &content).await;
        let body = json!({"mxc": mxc, "content_token": token, "room_id": world.room_id, "event_id": event_id,
            "sender": "@alice:example.org", "filename": "<b>cat</b>.txt"});
        let link = process.issue(body).await;
        Self {
            world,
            process,
            link,
            event_id,
        }
    }

    /// Of `abuse.room`: the room of the link.
    async fn with_room() -> Self {
        let world = World::new().await;
        let abuse = format!("abuse: {{room: '{}'}}", world.room_id);
        let homeserver = world.url.clone();
        Self::at(world, &homeserver, &abuse).await
    }

    /// The address of its form.
    fn form(&self) -> String {
        let url = url(&self.link);
        let token = url.split('/').nth(4).expect("a token");
        format!("{}/r/{token}", self.process.public)
    }

    async fn send(&self, form: &str) -> reqwest::Response {
        let request = self.process.client.post(self.form()).body(form.to_owned());
        let request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        request.send().await.expect("an answer")
    }

    async fn told_homeserver(&self) -> Vec<Value> {
        let told = self
            .process
            .client
            .get(format!("{}/_demo/reports", self.world.url))
            .send()
            .await;
        told.expect("an answer").json().await.expect("JSON")
    }

    /// The notices of the bridge's user in the room.
    async fn notices(&self) -> Vec<String> {
        let path = format!(
            "/_matrix/client/v3/rooms/{}/messages?dir=b&limit=50",
            self.world.room_id
        );
        let (_, told) = self.world.as_alice(Method::GET, &path, &json!({})).await;
        let events = told["chunk"].as_array().expect("events").iter();
        let notices = events.filter(|event| event["content"]["msgtype"] == "m.notice");
        notices
            .map(|event| event["content"]["body"].as_str().expect("text").to_owned())
            .collect()
    }

    fn listed(&self) -> Vec<Value> {
        let output = self.process.run(&["reports", "list"]);
        assert!(output.status.success());
        let text = String::from_utf8(output.stdout).expect("UTF-8");
        text.lines()
            .map(|line| serde_json::from_str(line).expect("JSON"))
            .collect()
    }

    async fn state(&self) -> Value {
        let path = format!(
            "/v1/links/{}",
            self.link["link_id"].as_str().expect("an ID")
        );
        self.process
            .call(Method::GET, &path, &json!({}))
            .await
            .expect("an answer")
            .1
    }

    async fn end(mut self) {
        assert!(self.process.terminate().await.success());
    }
}

#[tokio::test]
async fn the_page_leads_to_a_form_that_tells_nothing_of_the_room() {
    let scene = Scene::new("").await;
    let page = scene.link["page_url"].as_str().expect("a page");
    let page = scene.process.client.get(page).send().await;
    let page = page.expect("an answer").text().await.expect("text");
    assert!(
        page.contains(&format!("href=\"{}\"", scene.form())),
        "{page}"
    );
    let form = scene.process.client.get(scene.form());
    let form = form.header(header::ACCEPT, "text/html").send().await;
    let form = form.expect("an answer");
    assert_eq!(form.status(), 200);
    let policy = &form.headers()[header::CONTENT_SECURITY_POLICY];
    let policy = policy.to_str().expect("text").to_owned();
    for part in ["form-action 'self'", "default-src 'none'"] {
        assert!(policy.contains(part), "{policy}");
    }
    let html = form.text().await.expect("text");
    assert!(html.contains("&#60;b&#62;cat"), "{html}");
    for hidden in ["<b>cat", scene.world.room_id.as_str(), "mxc://", "alice"] {
        assert!(!html.contains(hidden), "{hidden} in {html}");
    }
    scene.end().await;
}

const NOTE: &str = "note=%3Cscript%3E%0Aso+bad%E2%80%AE%00+%26+more";

#[tokio::test]
async fn a_report_is_told_to_the_homeserver_and_the_operator() {
    let scene = Scene::with_room().await;
    let form = format!("reason=harassment&{NOTE}");
    assert_eq!(scene.send(&form).await.status(), 200);
    let told = eventually("the homeserver to be told", async || {
        let told = scene.told_homeserver().await;
        (!told.is_empty()).then_some(told)
    })
    .await;
    let room_id = &scene.world.room_id;
    let expected = json!({"user_id": support::BOT, "room_id": room_id, "event_id": scene.event_id,
        "reason": "harassment: <script> so bad & more"});
    assert_eq!(told, [expected]);
    let notices = eventually("the operator to be told", async || {
        let notices = scene.notices().await;
        (!notices.is_empty()).then_some(notices)
    })
    .await;
    let id = scene.link["link_id"].as_str().expect("an ID");
    for part in [
        format!("A reader has reported the link {id} (harassment)\n> <script> so bad & more\n"),
        format!("room: {room_id}"),
        format!("event: {}", scene.event_id),
        "sender: @alice:example.org".to_owned(),
        format!("medialink links revoke {id}"),
    ] {
        assert!(notices[0].contains(&part), "{part} in {}", notices[0]);
    }
    scene.end().await;
}

#[tokio::test]
async fn a_report_of_each_reader_counts_and_ends_nothing() {
    let scene = Scene::with_room().await;
    for form in ["reason=harassment", "reason=spam"] {
        assert_eq!(scene.send(form).await.status(), 200);
    }
    let listed = eventually("both to be told", async || {
        let listed = scene.listed();
        let is_told =
            |report: &Value| report["homeserver"] == "told" && report["operator"] == "told";
        listed.iter().all(is_told).then_some(listed)
    })
    .await;
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0]["reason"], "harassment");
    let link = scene.state().await;
    assert_eq!(
        (&link["state"], &link["follows"]),
        (&json!("live"), &json!(0))
    );
    let followed = scene.process.client.get(url(&scene.link)).send().await;
    assert_eq!(followed.expect("an answer").status(), 200);
    scene.end().await;
}

#[tokio::test]
async fn what_is_no_report_is_refused() {
    let scene = Scene::new("").await;
    let long = format!("reason=spam&note={}", "x".repeat(501));
    let huge = format!("reason=spam&note={}", "x".repeat(1 << 20));
    for form in ["", "reason=dull", "note=x", long.as_str(), huge.as_str()] {
        let answer = scene.send(form).await;
        assert_eq!(answer.status(), 400, "{}", form.len());
        let told: Value = answer.json().await.expect("JSON");
        assert_eq!(told["errcode"], "M_INVALID_PARAM");
    }
    for path in ["/r/AQAAAA", "/r/x"] {
        let answer = scene
            .process
            .client
            .post(format!("{}{path}", scene.process.public));
        assert_eq!(answer.send().await.expect("an answer").status(), 404);
    }
    let put = scene.process.client.put(scene.form()).send().await;
    assert_eq!(put.expect("an answer").status(), 405);
    let path = format!(
        "/v1/links/{}",
        scene.link["link_id"].as_str().expect("an ID")
    );
    scene
        .process
        .call(Method::DELETE, &path, &json!({}))
        .await
        .expect("revoked");
    assert_eq!(scene.send("reason=spam").await.status(), 410);
    assert!(scene.listed().is_empty());
    scene.end().await;
}

#[tokio::test]
async fn a_reader_who_reports_too_much_waits() {
    let scene = Scene::new("").await;
    for _ in 0..10 {
        assert_eq!(scene.send("reason=spam").await.status(), 200);
    }
    let answer = scene.send("reason=spam").await;
    assert_eq!(answer.status(), StatusCode::TOO_MANY_REQUESTS);
    assert!(answer.headers().contains_key(header::RETRY_AFTER));
    scene.end().await;
}

#[tokio::test]
async fn reports_can_be_switched_off() {
    let scene = Scene::new("abuse: {reports: false}").await;
    assert_eq!(scene.send("reason=spam").await.status(), 404);
    let page = scene
        .process
        .client
        .get(scene.link["page_url"].as_str().expect("a page"))
        .send()
        .await;
    assert!(
        !page
            .expect("an answer")
            .text()
            .await
            .expect("text")
            .contains("/r/")
    );
    scene.end().await;
}

#[tokio::test]
async fn what_was_acknowledged_is_told_after_a_kill_and_what_is_refused_is_given_up() {
    // Nobody is told before the kill: the homeserver is away.
    let away = "http://127.0.0.1:1";
    let abuse = "abuse: {room: '!none:example.org'}";
    let mut scene = Scene::at(World::new().await, away, abuse).await;
    assert_eq!(scene.send("reason=illegal").await.status(), 200);
    scene.process.kill();
    scene.process.point_at(&scene.world.url);
    scene.process.start().await;
    let report = eventually("both outcomes", async || {
        let report = scene.listed().pop()?;
        (report["homeserver"] == "told" && report["operator"] == "failed").then_some(report)
    })
    .await;
    assert_eq!(report["reason"], "illegal");
    assert_eq!(scene.told_homeserver().await.len(), 1);
    assert!(scene.process.log().contains("a report could not be told"));
    scene.end().await;
}
