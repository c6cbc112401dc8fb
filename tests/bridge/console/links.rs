//! Links are found by whatever an operator has, and ended.

use reqwest::{Method, StatusCode};
use serde_json::json;
use support::url;

use super::scene::{ALICE, Scene};

#[tokio::test(flavor = "multi_thread")]
async fn one_field_finds_links_by_whatever_is_pasted() {
    let scene = Scene::new().await;
    let browser = scene.logged_in().await;
    let link = scene
        .link(json!({"event_id": "$event", "filename": "cat.txt"}))
        .await;
    let id = link["link_id"].as_str().expect("an ID");
    let own = format!("/console/links/{id}");
    let (whole, page_url) = (url(&link), link["page_url"].as_str().expect("a URL"));
    let token = whole.split('/').nth(4).expect("a token").to_owned();
    for pasted in [
        &*whole,
        page_url,
        &format!("<{whole}>."),
        &format!(" {token}\n"),
        id,
    ] {
        let found = browser.post("/console/search", &[("q", pasted)]).await;
        assert_eq!(
            (found.status, found.location()),
            (StatusCode::SEE_OTHER, &*own),
            "{pasted}"
        );
    }
    let (room, mxc) = (
        scene.world.room_id.as_str(),
        link["mxc"].as_str().expect("a URI"),
    );
    for (pasted, name) in [
        (room, "room_id"),
        ("$event", "event_id"),
        (mxc, "mxc"),
        (ALICE, "sender"),
    ] {
        let found = browser.post("/console/search", &[("q", pasted)]).await;
        assert!(
            found
                .location()
                .starts_with(&format!("/console/links?{name}=")),
            "{}",
            found.location()
        );
        browser
            .get(found.location())
            .await
            .has(&format!("href=\"{own}\""));
    }
    let forged = whole.replace(&token[..12], "EQFrAAAAAAAA");
    for nothing in [&*forged, "https://elsewhere.example/m/abc", "some words"] {
        let found = browser.post("/console/search", &[("q", nothing)]).await;
        assert_eq!(found.status, StatusCode::NOT_FOUND, "{nothing}");
        found.has("This is no link of this service").lacks(nothing);
    }
    assert_eq!(
        browser.get("/console/links/AAECAwQF").await.status,
        StatusCode::NOT_FOUND
    );
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_is_shown_and_revoked_and_its_follower_is_told() {
    let scene = Scene::new().await;
    let browser = scene.logged_in().await;
    let link = scene.link(json!({"filename": "cat.txt"})).await;
    let other = scene.link(json!({})).await;
    assert_eq!(scene.status(&link).await, 200);
    let path = format!(
        "/console/links/{}",
        link["link_id"].as_str().expect("an ID")
    );
    let token = url(&link).split('/').nth(4).expect("a token").to_owned();
    browser
        .get(&path)
        .await
        .has("cat.txt")
        .has(ALICE)
        .has("Revoke this link")
        .lacks(&token);
    let done = browser.post(&format!("{path}/revoke"), &[]).await;
    assert_eq!(
        (done.status, done.location()),
        (StatusCode::SEE_OTHER, &*path)
    );
    browser
        .get(&path)
        .await
        .has("revoked")
        .lacks("Revoke this link");
    assert_eq!(scene.status(&link).await, 410);
    assert_eq!(scene.status(&other).await, 200);
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn all_that_match_are_counted_before_they_are_revoked() {
    let scene = Scene::new().await;
    let browser = scene.logged_in().await;
    let (first, second) = (scene.link(json!({})).await, scene.link(json!({})).await);
    let other = scene.link(json!({"sender": "@bob:example.org"})).await;
    let asked = browser
        .get("/console/links/revoke?sender=%40alice%3Aexample.org")
        .await;
    asked.has("<bdi>2</bdi>").has("Revoke them all");
    assert_eq!(asked.hidden("count"), "2");
    let late = scene.link(json!({})).await;
    let fields = [("sender", ALICE), ("count", "2")];
    // One more than was told: nothing is done, and the number is told anew.
    let again = browser.post("/console/links/revoke", &fields).await;
    assert_eq!(
        (again.status, again.hidden("count")),
        (StatusCode::OK, "3".to_owned())
    );
    again.has("Nothing is revoked yet");
    assert_eq!(scene.status(&first).await, 200);
    let done = browser
        .post(
            "/console/links/revoke",
            &[("sender", ALICE), ("count", "3")],
        )
        .await;
    assert_eq!(
        (done.status, done.location()),
        (StatusCode::SEE_OTHER, "/console/audit")
    );
    for link in [&first, &second, &late] {
        assert_eq!(scene.status(link).await, 410);
    }
    assert_eq!(scene.status(&other).await, 200);
    browser
        .get("/console/audit")
        .await
        .has("sender @alice:example.org")
        .has("console:token");
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_criterion_revokes_nothing() {
    let scene = Scene::new().await;
    let browser = scene.logged_in().await;
    let link = scene.link(json!({})).await;
    for fields in [
        &[("count", "9")][..],
        &[("count", "9"), ("bridge", "irc")],
        &[("count", "9"), ("room_id", " ")],
    ] {
        let page = browser.post("/console/links/revoke", fields).await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST, "{fields:?}");
    }
    let room = scene.world.room_id.as_str();
    let page = browser
        .post("/console/links/revoke", &[("room_id", room)])
        .await;
    assert_eq!(page.status, StatusCode::BAD_REQUEST, "without a count");
    assert_eq!(scene.status(&link).await, 200);
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_go_on_page_by_page() {
    let scene = Scene::new().await;
    let browser = scene.logged_in().await;
    let mxc = "mxc://example.org/many";
    let entry = |n: i32| json!({"mxc": mxc, "room_id": scene.world.room_id, "event_id": format!("$event{n}")});
    let links: Vec<_> = (0..60).map(entry).collect();
    let body = json!({"links": links});
    let (status, _) = scene
        .service
        .call(Method::POST, "/v1/links/batch", &body)
        .await;
    assert_eq!(status, 200);
    let first = browser
        .get("/console/links?mxc=mxc%3A%2F%2Fexample.org%2Fmany&state=live")
        .await;
    assert_eq!(first.html.matches("<tr>").count(), 51);
    let next = first
        .html
        .split("<a class=\"button\" href=\"")
        .nth(2)
        .expect("a next page");
    let next = next
        .split('"')
        .next()
        .expect("a path")
        .replace("&#38;", "&");
    let second = browser.get(&next).await;
    assert_eq!(second.html.matches("<tr>").count(), 11, "{next}");
    second.lacks("Older links");
    browser
        .get("/console/links?state=revoked")
        .await
        .has("No link matches.");
    scene.end().await;
}
