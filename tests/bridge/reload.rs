//! The configuration is read again while the service runs.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use support::{API_TOKEN, Process, World, eventually, url};

struct Scene {
    world: World,
    process: Process,
    link: Value,
}

impl Scene {
    /// A service with a link, and with these settings.
    async fn new(more: &str) -> Self {
        let world = World::new().await;
        let more = format!("usage: {{mode: never}}\n{more}");
        let mut process = Process::new(world.folder.path(), &world.url, &more);
        process.start().await;
        let (mxc, token) = world.upload("hello", "text/plain").await;
        let body = json!({"mxc": mxc, "content_token": token, "room_id": world.room_id});
        let link = process.issue(body).await;
        Self {
            world,
            process,
            link,
        }
    }

    /// Changes the configuration, and has the service read it.
    async fn reloads(&self, old: &str, new: &str) {
        self.process.edit(old, new);
        self.hangs_up("the configuration was read again").await;
    }

    /// Has the service read its configuration, until the log says so once more.
    async fn hangs_up(&self, says: &str) {
        let said = || self.process.log().matches(says).count();
        let before = said();
        self.process.signal("HUP");
        eventually("the configuration to be read", async || {
            (said() > before).then_some(())
        })
        .await;
    }

    async fn status(&self) -> StatusCode {
        let followed = self.process.client.get(url(&self.link)).send().await;
        followed.expect("an answer").status()
    }

    async fn end(mut self) {
        assert!(self.process.terminate().await.success());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_change_while_the_service_runs() {
    let scene = Scene::new("limits: {per_link: {follows: 1000/day}}").await;
    assert_eq!(scene.status().await, 200);
    scene
        .reloads("1000/day", "1000/day}, per_client: {requests: 2/hour")
        .await;
    assert_eq!(scene.status().await, 200);
    assert_eq!(scene.status().await, 200);
    assert_eq!(scene.status().await, 429);
    // What stays goes on counting.
    scene.reloads("1000/day", "1001/day").await;
    assert_eq!(scene.status().await, 429);
    scene.reloads("requests: 2/hour", "requests: 50/hour").await;
    assert_eq!(scene.status().await, 200);
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_used_of_a_budget_stays_used() {
    let scene = Scene::new("limits: {per_link: {follows: 2/day}}").await;
    assert_eq!(scene.status().await, 200);
    assert_eq!(scene.status().await, 200);
    assert_eq!(scene.status().await, 429);
    scene.reloads("2/day", "4/day").await;
    assert_eq!(scene.status().await, 429);
    scene.reloads("follows: 4/day", "bytes: 1GiB/day").await;
    assert_eq!(scene.status().await, 200);
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_and_lists_change_while_the_service_runs() {
    let scene = Scene::new("").await;
    let ask = async |token: &str| {
        let request = scene
            .process
            .client
            .get(format!("{}/v1/links", scene.process.internal));
        let answer = request.bearer_auth(token).send().await;
        answer.expect("an answer").status()
    };
    assert_eq!(ask(API_TOKEN).await, 200);
    let new = "another-api-token-0123456789";
    scene.reloads(API_TOKEN, new).await;
    assert_eq!(ask(new).await, 200);
    assert_eq!(ask(API_TOKEN).await, 401);
    let denied = format!(
        "usage: {{mode: never}}\nabuse: {{deny: {{rooms: ['{}']}}}}",
        scene.world.room_id
    );
    scene.reloads("usage: {mode: never}", &denied).await;
    assert_eq!(scene.status().await, 403);
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_file_changes_nothing_and_its_problems_are_told_without_secrets() {
    let scene = Scene::new("").await;
    scene.process.edit(
        "usage: {mode: never}",
        "usage: {mode: sometimes}\nabuse: {deny: {rooms: ['!*']}}",
    );
    scene
        .process
        .edit(API_TOKEN, "a-token-that-nobody-has-0123");
    scene.hangs_up("the one from before stays").await;
    let log = scene.process.log();
    assert!(
        log.contains("usage.mode") && !log.contains("nobody-has"),
        "{log}"
    );
    assert_eq!(scene.status().await, 200);
    let (status, _) = scene
        .process
        .call(Method::GET, "/v1/links", &json!({}))
        .await
        .expect("an answer");
    assert_eq!(status, 200);
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_needs_a_start_is_named_and_stays() {
    let scene = Scene::new("media: {max_size: 10MiB}").await;
    scene.process.edit("network: Libera.Chat", "network: OFTC");
    scene.reloads("max_size: 10MiB", "max_size: 11MiB").await;
    let log = scene.process.log();
    assert!(log.contains("\"keys\":\"media.max_size\""), "{log}");
    let page = scene.link["page_url"].as_str().expect("a page");
    let page = scene.process.client.get(page).send().await;
    let page = page.expect("an answer").text().await.expect("text");
    assert!(
        page.contains("OFTC") && !page.contains("Libera.Chat"),
        "{page}"
    );
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_says_more_or_less() {
    let scene = Scene::new("log: warn").await;
    assert_eq!(scene.status().await, 200);
    let follows = || scene.process.log().matches("/m/{token}").count();
    assert_eq!(follows(), 0);
    scene.process.edit("log: warn", "log: info");
    scene.process.signal("HUP");
    eventually("the log to say more", async || {
        assert_eq!(scene.status().await, 200);
        (follows() > 0).then_some(())
    })
    .await;
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_request_fails_while_the_configuration_is_read() {
    let scene = Scene::new("limits: {per_client: {requests: 100000/s}}").await;
    let follow = async || {
        let mut follows = 0;
        while !scene.process.log().contains("\"keys\":\"public_url\"") {
            assert_eq!(scene.status().await, 200);
            follows += 1;
        }
        follows
    };
    let reload = async || {
        for n in 0..10 {
            let (old, new) = (format!("{}/s", 100_000 + n), format!("{}/s", 100_001 + n));
            scene.reloads(&old, &new).await;
        }
        scene
            .reloads(
                "public_url: http://127.0.0.1",
                "public_url: http://localhost",
            )
            .await;
    };
    let (first, second, ()) = tokio::join!(follow(), follow(), reload());
    assert!(first > 0 && second > 0);
    scene.end().await;
}
