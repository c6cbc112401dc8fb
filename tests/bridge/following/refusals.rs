//! Ended links say why they ended.

use matrix_test_server::Options;
use medialink::key_store;
use reqwest::Method;
use serde_json::{Value, json};
use support::{HS_TOKEN, answer, eventually, url};

use super::play::{HTML, Play};

#[tokio::test]
async fn ended_links_say_why_they_ended() {
    // Without a cache, the homeserver is asked each time.
    let play = Play::new(Options::default(), "media: {cache: null}").await;
    play.is_told(
        &format!("{}/m/nonsense", play.service.public),
        404,
        "M_NOT_FOUND",
        "This link leads nowhere",
    )
    .await;
    play.is_told(
        &format!("{}/elsewhere", play.service.public),
        404,
        "M_NOT_FOUND",
        "This link leads nowhere",
    )
    .await;

    withdrawn_links_say_so(&play).await;

    a_used_link_says_so(&play).await;

    let link = play.issue("mxc", json!("mxc://example.org/nothing")).await;
    play.is_told(&url(&link), 404, "M_NOT_FOUND", "no longer has it")
        .await;

    an_expired_link_says_so(&play).await;

    let link = play.issue("event_id", json!("$b")).await;
    key_store::change_file(&play.key_file(), |keys| key_store::revoke(keys, 1, None))
        .expect("revoked");
    eventually("the revoked key to be noticed", async || {
        (play.service.follow(&link).await.status() == 410).then_some(())
    })
    .await;
    play.is_told(&url(&link), 410, "M_GONE", "no longer valid")
        .await;
    eventually("its links to be over", async || {
        (play.service.link(&link).await["state"] == "revoked").then_some(())
    })
    .await;
    let link = play.issue("event_id", json!("$c")).await;
    assert_eq!(
        play.service.follow(&link).await.status(),
        200,
        "the new key signs"
    );

    let _gone = play.world.stop_homeserver().await;
    play.is_told(&url(&link), 502, "M_UNKNOWN", "did not hand it out")
        .await;
    play.service.leave_unfinished("the homeserver is gone");
    play.service.stop().await;
}

/// A link that works once.
async fn a_used_link_says_so(play: &Play) {
    let link = play.issue("max_follows", json!(1)).await;
    let page = play
        .service
        .client
        .get(link["page_url"].as_str().expect("URL"))
        .header("Accept", HTML)
        .send()
        .await
        .expect("a page");
    assert!(page.text().await.expect("a page").contains("works once"));
    let once = play.get(&link, "Range", "bytes=0-1").await;
    assert_eq!(
        (once.status().as_u16(), &once.headers()["cache-control"]),
        (200, &"no-store".parse().expect("value"))
    );
    play.is_told(&url(&link), 410, "M_GONE", "used").await;
}

/// A link whose time is over, which readers may keep no longer.
async fn an_expired_link_says_so(play: &Play) {
    let link = play.issue("lifetime_ms", json!(5000)).await;
    let still = play.service.follow(&link).await;
    let max_age: u64 = still.headers()["cache-control"]
        .to_str()
        .expect("text")
        .trim_start_matches("public, max-age=")
        .parse()
        .expect("a number");
    assert!(max_age <= 5, "not beyond the link's life: {max_age}");
    play.service.clock.advance(5000);
    play.is_told(&url(&link), 410, "M_GONE", "expired").await;
}

/// Links that were revoked or redacted.
async fn withdrawn_links_say_so(play: &Play) {
    let id = |link: &Value| format!("/v1/links/{}", link["link_id"].as_str().expect("ID"));
    let link = play.issue("event_id", json!("$a")).await;
    play.service
        .call(Method::DELETE, &id(&link), &json!({}))
        .await;
    play.is_told(&url(&link), 410, "M_GONE", "withdrawn").await;

    let link = play.issue("event_id", json!("$redacted")).await;
    let transaction = json!({"events": [{"type": "m.room.redaction", "event_id": "$r", "room_id": play.world.room_id,
        "sender": "@alice:example.org", "redacts": "$redacted", "content": {"redacts": "$redacted"}}]});
    let put = play.service.client.put(format!(
        "{}/_matrix/app/v1/transactions/1",
        play.service.internal
    ));
    assert_eq!(
        answer(put.bearer_auth(HS_TOKEN).json(&transaction)).await.0,
        200
    );
    play.is_told(&url(&link), 410, "M_GONE", "removed").await;
    let (status, told) = play
        .service
        .call(
            Method::POST,
            "/v1/links",
            &json!({"mxc": play.mxc, "room_id": play.world.room_id, "event_id": "$redacted"}),
        )
        .await;
    assert_eq!((status.as_u16(), &told["errcode"]), (410, &json!("M_GONE")));
}
