//! What a room allows is set in the console: the bridge's user sends it into the room, and it holds at once.

use matrix_test_server::Options;
use reqwest::StatusCode;
use serde_json::{Value, json};
use support::{POLICY_EVENT_TYPE, World};

use super::scene::{Browser, Page, Scene, TOKEN};

const PATH: &str = "/console/rooms/policy";

async fn scene() -> Scene {
    let more = format!("console: {{token: {TOKEN}}}\nusage: {{mode: never}}\n");
    Scene::of(World::with(Options::default()).await, &more).await
}

impl Scene {
    /// Where the policy of a room is set.
    fn page_of(&self, room_id: &str) -> String {
        let room_id: String = url::form_urlencoded::byte_serialize(room_id.as_bytes()).collect();
        format!("{PATH}?room_id={room_id}")
    }

    /// A state event of the room.
    async fn state(&self, kind: &str) -> Value {
        self.world.state(&self.world.room_id, kind).await
    }

    async fn empower(&self, power: i64) {
        self.world.empower(&self.world.room_id, power).await;
    }

    /// What is in force, as the page of the room says.
    async fn shown(&self, browser: &Browser) -> Page {
        let path = self.page_of(&self.world.room_id);
        browser.get(&path.replace("/policy", "")).await
    }
}

/// Sends the form of a page that was loaded before, with this typed into it.
async fn sent(browser: &Browser, page: &Page, typed: &[(&str, &str)]) -> Page {
    let hidden = ["room_id", "bridge", "event_id"].map(|name| (name, page.hidden(name)));
    let hidden = hidden.iter().map(|(name, value)| (*name, value.as_str()));
    let fields: Vec<_> = hidden.chain(typed.iter().copied()).collect();
    browser.post(PATH, &fields).await
}

fn is_done(page: &Page) {
    assert_eq!(page.status, StatusCode::SEE_OTHER, "{}", page.html);
    assert_eq!(page.location(), "/console/audit");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_that_is_set_holds_at_once_and_keeps_what_it_does_not_know() {
    let scene = scene().await;
    let browser = scene.logged_in().await;
    scene.empower(50).await;
    let before = json!({"max_size": 1_000_000, "pages_only": true, "org.example.note": ["<b>"]});
    let event_id = scene.world.set_policy(&before).await;
    let link = scene.link(json!({})).await;
    scene
        .shown(&browser)
        .await
        .has("/console/rooms/policy?room_id=");
    let page = browser.get(&scene.page_of(&scene.world.room_id)).await;
    assert_eq!(page.hidden("event_id"), event_id);
    page.has("name=\"max_size\" value=\"1000000\"")
        .has("name=\"max_lifetime_ms\" value=\"\"")
        .lacks("<b>");
    let typed = [
        ("enabled", "yes"),
        ("pages_only", "no"),
        ("max_lifetime_ms", "3600000"),
        ("max_size", ""),
    ];
    is_done(&sent(&browser, &page, &typed).await);
    let after = json!({"enabled": true, "pages_only": false, "max_lifetime_ms": 3_600_000, "org.example.note": ["<b>"]});
    assert_eq!(scene.state(POLICY_EVENT_TYPE).await, after);
    scene
        .shown(&browser)
        .await
        .has("<dt>Longest lifetime</dt><dd><bdi>1h</bdi>")
        .has("<dt>Only pages</dt><dd><bdi>no</bdi>");
    assert_eq!(scene.status(&link).await, 200);
    let (who, deed, on, count) = scene.audited().remove(0);
    assert_eq!(
        (&*who, &*deed, count),
        ("console:token", "policy set", json!(1))
    );
    let room = &scene.world.room_id;
    assert!(
        on.starts_with(&format!("room {room}: {{")) && on.contains("3600000"),
        "{on}"
    );
    // Switched off, it ends the links of the room.
    let page = browser.get(&scene.page_of(room)).await;
    is_done(&sent(&browser, &page, &[("enabled", "no"), ("pages_only", "no")]).await);
    assert_eq!(scene.status(&link).await, 410);
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_without_the_power_is_told_what_is_needed() {
    let scene = scene().await;
    let browser = scene.logged_in().await;
    scene.empower(10).await;
    let link = scene.link(json!({})).await;
    let page = browser.get(&scene.page_of(&scene.world.room_id)).await;
    let refused = sent(&browser, &page, &[("enabled", "no"), ("pages_only", "no")]).await;
    assert_eq!(refused.status, StatusCode::BAD_GATEWAY);
    refused
        .has("The policy stays as it is")
        .has("403 M_FORBIDDEN")
        .has("has power 10 in this room")
        .has("org.matrix.msc3910.link_policy needs 50");
    assert_eq!(scene.status(&link).await, 200);
    assert_eq!(
        scene.state(POLICY_EVENT_TYPE).await["errcode"],
        "M_NOT_FOUND"
    );
    // It was tried, and has failed.
    let (_, deed, _, count) = scene.audited().remove(0);
    assert_eq!((&*deed, count), ("policy set", Value::Null));
    // A room in which the user is not.
    let other = browser.get(&scene.page_of("!other:example.org")).await;
    assert_eq!(other.status, StatusCode::BAD_GATEWAY);
    other
        .has("could not be asked for its policy")
        .has("M_FORBIDDEN");
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_reader_of_policies_would_ignore_is_not_sent() {
    let scene = scene().await;
    let browser = scene.logged_in().await;
    scene.empower(50).await;
    let page = browser.get(&scene.page_of(&scene.world.room_id)).await;
    for (name, value) in [
        ("max_size", "-1"),
        ("max_size", "10 MB"),
        ("max_lifetime_ms", "1.5"),
        ("max_lifetime_ms", "null"),
        ("enabled", "maybe"),
        ("pages_only", ""),
    ] {
        let mut typed = vec![(name, value)];
        let others = [("enabled", "yes"), ("pages_only", "no")];
        typed.extend(others.into_iter().filter(|(other, _)| *other != name));
        let refused = sent(&browser, &page, &typed).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{name} {value}");
        refused.has(&format!("{name}: found something else"));
    }
    for path in [PATH, "/console/rooms/policy?room_id=nothing"] {
        let page = browser.get(path).await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST);
        page.has("allowed is the ID of a room");
    }
    let of_none = format!("{}&bridge=xmpp", scene.page_of(&scene.world.room_id));
    browser.get(&of_none).await.has("no configured bridge");
    assert_eq!(
        scene.state(POLICY_EVENT_TYPE).await["errcode"],
        "M_NOT_FOUND"
    );
    assert!(scene.audited().is_empty());
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_that_was_set_meanwhile_is_not_replaced() {
    let scene = scene().await;
    let browser = scene.logged_in().await;
    scene.empower(50).await;
    let page = browser.get(&scene.page_of(&scene.world.room_id)).await;
    let meanwhile = json!({"max_size": 5});
    scene.world.set_policy(&meanwhile).await;
    let refused = sent(&browser, &page, &[("enabled", "no"), ("pages_only", "no")]).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    refused.has("set anew since the page was loaded");
    assert_eq!(scene.state(POLICY_EVENT_TYPE).await, meanwhile);
    scene.end().await;
}
