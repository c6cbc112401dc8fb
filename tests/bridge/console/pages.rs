//! What the pages show, and what they never do.

use matrix_test_server::Options;
use serde_json::json;
use support::{API_TOKEN, AS_TOKEN, HS_TOKEN, World, eventually, url};

use super::scene::{ALICE, Scene, TOKEN};

#[tokio::test(flavor = "multi_thread")]
async fn the_first_page_shows_what_goes_on() {
    let scene = Scene::new().await;
    let browser = scene.logged_in().await;
    let link = scene.link(json!({})).await;
    for _ in 0..3 {
        assert_eq!(scene.status(&link).await, 200);
    }
    let page = eventually("the follows to be counted", async || {
        let page = browser.get("/console").await;
        // The first of them was downloaded.
        let is_counted = page.html.contains("at most 3, ") && page.html.contains("66 %");
        is_counted.then_some(page)
    })
    .await;
    page.has("Live links")
        .has("Follows in each minute of the last hour: at most 3")
        .has("role=\"img\"");
    page.has("Homeserver</bdi></th><td><span class=\"status fine\">ok")
        .has("Cache on the disk");
    let rooms = browser.get("/console/rooms").await;
    rooms
        .has(&scene.world.room_id)
        .has("<bdi>@alice:example.org</bdi></a></th>")
        .has("Libera.Chat");
    // Three follows of five bytes each.
    rooms.has("15 B");
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_homeserver_that_is_away_is_seen() {
    let scene = Scene::new().await;
    let browser = scene.logged_in().await;
    scene.service.expect_errors("the homeserver goes");
    let gone = scene.world.stop_homeserver().await;
    let page = browser.get("/console").await;
    page.has("Homeserver</bdi></th><td><span class=\"status failed\">failed");
    page.has("Database</bdi></th><td><span class=\"status fine\">ok");
    drop(gone);
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn texts_of_others_stay_texts() {
    let scene = Scene::new().await;
    let browser = scene.logged_in().await;
    let evil = "<script>alert(1)</script>\"'><img src=x>\u{202e}gpj.exe";
    let link = scene
        .link(json!({"filename": evil, "event_id": "$<b>event\"'"}))
        .await;
    let id = link["link_id"].as_str().expect("an ID");
    let query = "?room_id=%21%3Cscript%3E%22&sender=%40%3Cb%3E&bridge=%27%22%3E";
    for path in [
        format!("/console/links/{id}"),
        "/console/links".to_owned(),
        format!("/console/links{query}"),
        format!("/console/links/revoke{query}"),
        format!("/console/rooms{query}"),
        format!("/console/{evil}").replace(' ', "%20"),
    ] {
        let page = browser.get(&path).await;
        page.lacks("<script")
            .lacks("<img")
            .lacks("<b>")
            .lacks("\u{202e}")
            .lacks("\"'>");
    }
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_page_holds_a_secret() {
    let scene = Scene::new().await;
    let browser = scene.logged_in().await;
    let (mxc, content_token) = scene.world.upload("secret", "text/plain").await;
    let link = scene
        .link(json!({"mxc": mxc, "content_token": content_token, "form": "self_contained"}))
        .await;
    let token = url(&link).split('/').nth(4).expect("a token").to_owned();
    let session = browser
        .cookie
        .split('=')
        .nth(1)
        .expect("a session")
        .to_owned();
    browser.post("/console/search", &[("q", &url(&link))]).await;
    let keys = std::fs::read_to_string(scene.world.folder.path().join("data/link-keys.yaml"))
        .expect("keys");
    let key = keys.split("secret:").nth(1).expect("a secret");
    let key = key
        .split_whitespace()
        .next()
        .expect("a secret")
        .trim_matches(['"', '\''])
        .to_owned();
    let id = link["link_id"].as_str().expect("an ID");
    for path in [
        "/console".to_owned(),
        "/console/login".to_owned(),
        "/console/links".to_owned(),
        format!("/console/links/{id}"),
        "/console/usage".to_owned(),
        "/console/rooms".to_owned(),
        "/console/denials".to_owned(),
        "/console/keys".to_owned(),
        "/console/audit".to_owned(),
    ] {
        let page = browser.get(&path).await;
        assert_eq!(page.status, 200, "{path}");
        for secret in [
            &*token,
            &content_token,
            &session,
            &key,
            TOKEN,
            API_TOKEN,
            AS_TOKEN,
            HS_TOKEN,
        ] {
            page.lacks(secret);
        }
    }
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn failed_usages_are_shown_with_their_reason_and_tried_again() {
    let more =
        format!("console: {{token: {TOKEN}}}\nusage: {{mode: always, batch_window: 20ms}}\n");
    let scene = Scene::with(&more).await;
    let browser = scene.logged_in().await;
    scene.service.expect_errors("a meta event is given up");
    // A room of which the bridge's user is no member.
    let link = scene.link(json!({"room_id": "!unknown:example.org"})).await;
    let id = link["link_id"].as_str().expect("an ID");
    let page = eventually("the usage to fail", async || {
        let page = browser.get("/console/usage").await;
        page.html
            .contains("Try the failed ones again")
            .then_some(page)
    })
    .await;
    page.has("!unknown:example.org").has("M_");
    browser
        .get(&format!("/console/links/{id}"))
        .await
        .has("failed");
    let done = browser.post("/console/usage/retry", &[]).await;
    assert_eq!(done.location(), "/console/audit");
    let (who, deed, _, count) = scene.audited().remove(0);
    assert_eq!(
        (&*who, &*deed, count),
        ("console:token", "usage retry", json!(1))
    );
    eventually("the usage to fail again", async || {
        let page = browser.get("/console/usage").await;
        page.html
            .contains("Try the failed ones again")
            .then_some(())
    })
    .await;
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_room_allows_is_shown() {
    let world = World::with(Options::default()).await;
    world
        .set_policy(&json!({"max_lifetime_ms": 3_600_000, "pages_only": true}))
        .await;
    let scene = Scene::of(
        world,
        &format!("console: {{token: {TOKEN}}}\nusage: {{mode: never}}\n"),
    )
    .await;
    let browser = scene.logged_in().await;
    scene.link(json!({"sender": ALICE})).await;
    let room = scene.world.room_id.replace('!', "%21").replace(':', "%3A");
    let page = browser.get(&format!("/console/rooms?room_id={room}")).await;
    page.has("<dt>Longest lifetime</dt><dd><bdi>1h</bdi>")
        .has("<dt>Only pages</dt><dd><bdi>yes</bdi>");
    let page = browser
        .get("/console/rooms?room_id=%21other%3Aexample.org")
        .await;
    page.has("it has not been asked");
    scene.end().await;
}
