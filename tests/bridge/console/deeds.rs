//! What is done by the console is done as by commands, and both stand in one log.

use reqwest::{StatusCode, header};
use serde_json::{Value, json};
use support::{
    World, eventually,
    faulty::{Fault, Faulty},
    url,
};

use super::scene::{ALICE, Scene, TOKEN};

#[tokio::test(flavor = "multi_thread")]
async fn the_log_has_what_was_done_by_console_and_by_commands() {
    let scene = Scene::new().await;
    let browser = scene.logged_in().await;
    let (one, two) = (scene.link(json!({})).await, scene.link(json!({})).await);
    let ids = [&one, &two].map(|link| link["link_id"].as_str().expect("an ID"));
    browser
        .post(&format!("/console/links/{}/revoke", ids[0]), &[])
        .await;
    let whole = url(&two);
    scene.runs(&["links", "revoke", &whole]);
    scene.runs(&["links", "revoke", "--sender", ALICE]);
    scene.runs(&[
        "deny",
        "add",
        "room",
        "!bad:example.org",
        "--reason",
        "spam",
    ]);
    scene.runs(&["usage", "retry"]);
    scene.runs(&["keys", "rotate"]);
    scene.runs(&["purge", "--user", "@carol:example.org"]);
    let log = scene.audited();
    let user = log[0]
        .0
        .strip_prefix("command line:")
        .expect("a command")
        .to_owned();
    assert!(!user.is_empty());
    let found: Vec<_> = log
        .iter()
        .map(|(who, deed, on, count)| (&**who, &**deed, &**on, count.clone()))
        .collect();
    let command = format!("command line:{user}");
    let by = |deed, on, count: i64| (&*command, deed, on, json!(count));
    let of_links = ids.map(|id| format!("link {id} of irc"));
    assert_eq!(
        found,
        [
            by("purge", "a user", 0),
            by("keys rotate", "the active key", 1),
            by("usage retry", "failed usages", 0),
            by("deny add", "room !bad:example.org", 1),
            by("links revoke", "sender @alice:example.org", 0),
            by("links revoke", &of_links[1], 1),
            ("console:token", "links revoke", &*of_links[0], json!(1)),
        ]
    );
    let page = browser.get("/console/audit").await;
    page.has("console:token")
        .has(&command)
        .has("!bad:example.org");
    let token = whole.split('/').nth(4).expect("a token");
    page.lacks(token).lacks(TOKEN);
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_purged_is_purged_from_the_log() {
    let scene = Scene::new().await;
    scene.runs(&["links", "revoke", "--sender", "@carol:example.org"]);
    scene.runs(&["links", "revoke", "--sender", ALICE]);
    scene.runs(&["purge", "--user", "@carol:example.org"]);
    let subjects: Vec<_> = scene.audited().into_iter().map(|entry| entry.2).collect();
    assert_eq!(subjects, ["a user", "sender @alice:example.org", "erased"]);
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn denials_are_added_and_taken_back() {
    let scene = Scene::new().await;
    let browser = scene.logged_in().await;
    let link = scene.link(json!({})).await;
    let room = scene.world.room_id.clone();
    let entry = [
        ("kind", "room"),
        ("value", room.as_str()),
        ("reason", "a <b>reason</b>"),
    ];
    let done = browser.post("/console/denials/add", &entry).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER);
    scene.becomes(&link, 403).await;
    browser
        .get("/console/denials")
        .await
        .has("a &#60;b&#62;reason")
        .lacks("<b>reason");
    let done = browser.post("/console/denials/remove", &entry[..2]).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER);
    scene.becomes(&link, 200).await;
    assert_eq!(
        browser
            .post("/console/denials/remove", &entry[..2])
            .await
            .status,
        404
    );
    let long = "a".repeat(501);
    for (fields, told) in [
        (
            [("kind", "rooms"), ("value", "!a:b"), ("reason", "")],
            "kind: found",
        ),
        (
            [("kind", "room"), ("value", "nothing"), ("reason", "")],
            "allowed is the ID of a room",
        ),
        (
            [("kind", "room"), ("value", "!a:b"), ("reason", &long)],
            "reason: found 501 bytes",
        ),
    ] {
        let page = browser.post("/console/denials/add", &fields).await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST);
        page.has(told);
    }
    let deeds: Vec<_> = scene
        .audited()
        .into_iter()
        .map(|entry| (entry.1, entry.3))
        .collect();
    let expected = [("deny remove", 0), ("deny remove", 1), ("deny add", 1)];
    assert_eq!(
        deeds,
        expected.map(|(deed, count)| (deed.to_owned(), json!(count)))
    );
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_takedown_ends_all_links_to_the_media_and_denies_its_bytes() {
    let scene = Scene::new().await;
    let browser = scene.logged_in().await;
    let link = scene.link(json!({})).await;
    let beside = json!({"mxc": link["mxc"], "event_id": "$other"});
    let beside = scene.link(beside).await;
    let id = link["link_id"].as_str().expect("an ID");
    let done = browser
        .post(
            &format!("/console/links/{id}/takedown"),
            &[("reason", "a court")],
        )
        .await;
    assert_eq!(
        (done.status, done.location()),
        (StatusCode::SEE_OTHER, "/console/audit")
    );
    for link in [&link, &beside] {
        assert_eq!(scene.status(link).await, 410);
    }
    browser
        .get("/console/denials")
        .await
        .has("sha256")
        .has("a court");
    // The same bytes under another URI.
    let again = scene.link(json!({})).await;
    scene.becomes(&again, 403).await;
    let (_, deed, on, count) = scene.audited().remove(0);
    let mxc = link["mxc"].as_str().expect("a URI");
    assert_eq!((deed.as_str(), count), ("takedown", json!(2)));
    assert_eq!(on, format!("link {id}, media {mxc}"));
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deed_comes_to_its_end_though_its_page_is_closed() {
    let world = World::new().await;
    let faulty = Faulty::start(&world.url).await;
    let more =
        format!("console: {{token: {TOKEN}}}\nusage: {{mode: never}}\nmedia: {{cache: null}}\n");
    let scene = Scene::beside(&faulty.url, world, &more).await;
    let browser = scene.logged_in().await;
    let link = scene.link(json!({})).await;
    let mxc = link["mxc"].as_str().expect("a URI");
    let (_, media_id) = mxc.rsplit_once('/').expect("an ID");
    let path = format!(
        "/console/links/{}/takedown",
        link["link_id"].as_str().expect("an ID")
    );
    // Its bytes are waited for, which comes first; they can be had once nobody has the page any more.
    faulty.next(media_id, [Fault::HoldAfter]);
    let is_waiting = || faulty.held() > 0;
    browser
        .post_and_break_off(&path, &[("reason", "abuse")], is_waiting)
        .await;
    scene.becomes(&link, 410).await;
    let concluded = async || {
        let (who, deed, _, count) = scene.audited().remove(0);
        assert_eq!((&*who, &*deed), ("console:token", "takedown"));
        (count == 1).then_some(())
    };
    eventually("the number in the log", concluded).await;
    let denied = scene.runs(&["deny", "list"]);
    assert!(denied.contains(mxc), "{denied}");
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_active_key_is_replaced_and_links_live_on() {
    let scene = Scene::new().await;
    let browser = scene.logged_in().await;
    let link = scene.link(json!({})).await;
    browser
        .get("/console/keys")
        .await
        .has("active")
        .lacks("verify");
    let done = browser.post("/console/keys/rotate", &[]).await;
    assert_eq!(
        (done.status, done.location()),
        (StatusCode::SEE_OTHER, "/console/audit")
    );
    browser
        .get("/console/keys")
        .await
        .has("active")
        .has("verify");
    eventually("the new key to sign", async || {
        (scene.service.key_ring().active().id() != 1).then_some(())
    })
    .await;
    assert_eq!(scene.status(&link).await, 200);
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reports_are_seen_and_marked() {
    let scene = Scene::new().await;
    let browser = scene.logged_in().await;
    let link = scene.link(json!({})).await;
    let form = url(&link).replace("/m/", "/r/");
    let form = scene
        .service
        .client
        .post(form)
        .body("reason=spam&note=%3Cb%3Ebad");
    let form = form.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    assert_eq!(form.send().await.expect("an answer").status(), 200);
    let page = browser.get("/console/reports").await;
    page.has("spam")
        .has("&#60;b&#62;bad")
        .lacks("<b>bad")
        .has("action=\"/console/reports/1/mark\"");
    let done = browser.post("/console/reports/1/mark", &[]).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER);
    browser
        .get("/console/reports")
        .await
        .lacks("/mark\"")
        .has("spam");
    assert_eq!(
        browser.post("/console/reports/1/mark", &[]).await.status,
        404
    );
    let listed: Value = serde_json::from_str(&scene.runs(&["reports", "list"])).expect("JSON");
    assert!(listed["handled_ts"].is_i64(), "{listed}");
    let (who, deed, on, _) = scene.audited().remove(0);
    assert_eq!(
        (&*who, &*deed, &*on),
        ("console:token", "reports mark", "report 1")
    );
    scene.end().await;
}
