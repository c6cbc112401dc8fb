//! Keys are revoked and retired in the console as by commands, once it has told what ends with them.

use reqwest::StatusCode;
use serde_json::{Value, json};
use support::{World, eventually};

use super::scene::{Browser, Page, Scene, TOKEN};

const REVOKE: &str = "/console/keys/1/revoke";
const RETIRE: &str = "/console/keys/1/retire";

impl Scene {
    /// Waits until the service signs by another key than the first one.
    async fn signs_by_another(&self) {
        eventually("the new key to sign", async || {
            (self.service.key_ring().active().id() != 1).then_some(())
        })
        .await;
    }

    /// The URL of a link that stands in its token whole.
    async fn self_contained(&self) -> String {
        let link = self.link(json!({"form": "self_contained"})).await;
        support::url(&link).to_owned()
    }

    /// The keys: their IDs and states.
    fn keys(&self) -> Vec<(u64, String)> {
        let text = self.runs(&["keys", "list", "--json"]);
        let keys = text.lines().map(|line| {
            let key: Value = serde_json::from_str(line).expect("JSON");
            let state = key["state"].as_str().expect("a state").to_owned();
            (key["id"].as_u64().expect("a number"), state)
        });
        keys.collect()
    }

    fn has_keys(&self, expected: &[(u64, &str)]) {
        let found = self.keys();
        let found: Vec<_> = found.iter().map(|(id, state)| (*id, &**state)).collect();
        assert_eq!(found, expected);
    }
}

/// Sends the form of a page that was loaded before.
async fn confirmed(browser: &Browser, path: &str, page: &Page) -> Page {
    let count = page.hidden("count");
    let mut fields = vec![("count", count.as_str())];
    if page.html.contains("name=\"force\"") {
        fields.push(("force", "yes"));
    }
    browser.post(path, &fields).await
}

fn is_done(page: &Page) {
    assert_eq!(page.status, StatusCode::SEE_OTHER, "{}", page.html);
    assert_eq!(page.location(), "/console/audit");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_key_takes_its_links_with_it_once_the_page_has_told_how_many() {
    let scene = Scene::new().await;
    let browser = scene.logged_in().await;
    let (first, second) = (scene.link(json!({})).await, scene.link(json!({})).await);
    let whole = scene.self_contained().await;
    browser
        .get("/console/keys")
        .await
        .has("href=\"/console/keys/1/revoke\"")
        .lacks(RETIRE);
    let page = browser.get(REVOKE).await;
    page.has("<dd><bdi>3</bdi>")
        .has("a new one signs from then on");
    assert_eq!(page.hidden("count"), "3");
    // Asking ends nothing.
    scene.has_keys(&[(1, "active")]);
    assert_eq!(scene.status(&first).await, 200);
    is_done(&confirmed(&browser, REVOKE, &page).await);
    for link in [&first, &second] {
        assert_eq!(scene.status(link).await, 410);
    }
    let answer = scene.service.client.get(&whole).send().await;
    assert_eq!(answer.expect("an answer").status(), 410);
    scene.has_keys(&[(1, "revoked"), (2, "active")]);
    scene.signs_by_another().await;
    let link = scene.link(json!({})).await;
    assert_eq!(scene.status(&link).await, 200);
    let log = scene.audited();
    let expected = ("console:token", "keys revoke", "key 1", json!(3));
    let (who, deed, on, count) = &log[0];
    assert_eq!((&**who, &**deed, &**on, count.clone()), expected);
    // A revoked key can only be retired, and nothing holds it.
    browser.get("/console/keys").await.lacks(REVOKE).has(RETIRE);
    let page = browser.get(RETIRE).await;
    page.has("No live link needs it").lacks("name=\"force\"");
    is_done(&confirmed(&browser, RETIRE, &page).await);
    scene.has_keys(&[(2, "active")]);
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_key_is_revoked_if_more_links_have_come_than_the_page_told() {
    let scene = Scene::new().await;
    let browser = scene.logged_in().await;
    let first = scene.link(json!({})).await;
    let page = browser.get(REVOKE).await;
    let second = scene.link(json!({})).await;
    let again = confirmed(&browser, REVOKE, &page).await;
    assert_eq!(again.status, StatusCode::OK);
    again.has("Nothing is revoked yet: the key had signed 1 live links");
    assert_eq!(again.hidden("count"), "2");
    for link in [&first, &second] {
        assert_eq!(scene.status(link).await, 200);
    }
    scene.has_keys(&[(1, "active")]);
    assert!(scene.audited().is_empty());
    is_done(&confirmed(&browser, REVOKE, &again).await);
    assert_eq!(scene.status(&second).await, 410);
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_may_be_needed_is_retired_by_force_alone() {
    let scene = Scene::new().await;
    let browser = scene.logged_in().await;
    let link = scene.link(json!({})).await;
    scene.runs(&["keys", "rotate"]);
    scene.signs_by_another().await;
    // Without force, and with less than there is.
    for fields in [&[("count", "9")][..], &[("count", "0"), ("force", "yes")]] {
        let page = browser.post(RETIRE, fields).await;
        assert_eq!(page.status, StatusCode::OK);
        page.has("Nothing is retired yet")
            .has("1 live links were signed by key 1")
            .has("links signed elsewhere by it may live");
    }
    scene.has_keys(&[(1, "verify"), (2, "active")]);
    assert_eq!(scene.status(&link).await, 200);
    let page = browser.get(RETIRE).await;
    page.has("Retire it by force")
        .lacks("Nothing is retired yet");
    is_done(&confirmed(&browser, RETIRE, &page).await);
    scene.has_keys(&[(2, "active")]);
    scene.becomes(&link, 404).await;
    let (_, deed, on, count) = scene.audited().remove(0);
    let expected = ("keys retire", "key 1, forced", json!(1));
    assert_eq!((&*deed, &*on, count), expected);
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_commands_refuse_the_console_refuses() {
    let scene = Scene::new().await;
    let browser = scene.logged_in().await;
    let count = [("count", "0"), ("force", "yes")];
    let refused = [
        (RETIRE, 409, "key 1 is active"),
        (
            "/console/keys/7/revoke",
            409,
            "there is no key 7; there are 1",
        ),
        (
            "/console/keys/7/retire",
            409,
            "there is no key 7; there are 1",
        ),
        ("/console/keys/256/retire", 404, "a number from 0 to 255"),
        (
            "/console/keys/%3Cb%3E/revoke",
            404,
            "a number from 0 to 255",
        ),
    ];
    for (path, status, told) in refused {
        let pages = [browser.get(path).await, browser.post(path, &count).await];
        for page in pages {
            assert_eq!(page.status, status, "{path}");
            page.has(told);
        }
    }
    let page = browser.post(REVOKE, &[]).await;
    assert_eq!(page.status, StatusCode::BAD_REQUEST);
    page.has("count: missing");
    scene.has_keys(&[(1, "active")]);
    // A key file that cannot be written, since its lock cannot be had.
    let lock = scene.world.folder.path().join("data/link-keys.yaml.lock");
    if lock.exists() {
        std::fs::remove_file(&lock).expect("removed");
    }
    std::fs::create_dir(&lock).expect("a folder");
    let page = browser.post(REVOKE, &count).await;
    assert_eq!(page.status, StatusCode::CONFLICT);
    page.has("The keys stay as they are").has("link-keys.yaml");
    std::fs::remove_dir(&lock).expect("removed");
    scene.has_keys(&[(1, "active")]);
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_key_file_is_not_changed_and_a_lost_key_can_be_retired() {
    let scene = Scene::new().await;
    let browser = scene.logged_in().await;
    scene.service.expect_errors("the key file is a foreign one");
    let link = scene.link(json!({})).await;
    let own = scene.world.folder.path().join("data/link-keys.yaml");
    let foreign = Scene::of(
        World::new().await,
        &format!("console: {{token: {TOKEN}}}\n"),
    )
    .await;
    let text = std::fs::read(foreign.world.folder.path().join("data/link-keys.yaml"));
    let text = text.expect("a key file");
    foreign.end().await;
    std::fs::write(&own, &text).expect("written");
    let page = browser.post(REVOKE, &[("count", "9")]).await;
    assert_eq!(page.status, StatusCode::CONFLICT);
    page.has("key 1 is another one than before");
    assert!(std::fs::read(&own).expect("reads") == text);
    // Another key in its place: the first one is missing, and is shown as such.
    let anew = String::from_utf8(text)
        .expect("UTF-8")
        .replace("id: 1", "id: 9");
    std::fs::write(&own, anew).expect("written");
    scene.becomes(&link, 404).await;
    browser
        .get("/console/keys")
        .await
        .has("missing")
        .has(RETIRE)
        .lacks(REVOKE);
    let page = browser.get(REVOKE).await;
    assert_eq!(page.status, StatusCode::CONFLICT);
    page.has("it can be retired");
    let page = browser.get(RETIRE).await;
    page.has("1 live links were signed by key 1");
    is_done(&confirmed(&browser, RETIRE, &page).await);
    browser.get("/console/keys").await.lacks("missing");
    scene.end().await;
}
