//! Which URLs lead to media: whole tokens, signed by us or by a bridge, below any path.

use matrix_test_server::Options;
use reqwest::Method;
use serde_json::json;
use support::{Service, World, answer, url};

use super::play::{DAY, Play};

#[tokio::test]
async fn no_changed_byte_of_a_token_reaches_the_homeserver() {
    let play = Play::new(Options::default(), "").await;
    for form in ["short", "self_contained"] {
        let link = play.issue("form", json!(form)).await;
        let good = url(&link);
        assert_eq!(play.service.follow(&link).await.status(), 200);
        let asked = play.world.requests("media.download").await;
        let start = good.rfind('/').expect("a token") + 1;
        for at in start..good.len() {
            let other = if &good[at..=at] == "A" { "B" } else { "A" };
            let bad = format!("{}{other}{}", &good[..at], &good[at + 1..]);
            let status = play
                .service
                .client
                .get(bad)
                .send()
                .await
                .expect("an answer")
                .status();
            assert_eq!(status, 404, "at {at}");
        }
        for bad in [
            format!("{good}="),
            format!("{good}A"),
            good[..good.len() - 1].to_owned(),
            format!("{good}%00"),
        ] {
            assert_eq!(
                play.service
                    .client
                    .get(bad)
                    .send()
                    .await
                    .expect("an answer")
                    .status(),
                404
            );
        }
        assert_eq!(
            play.world.requests("media.download").await,
            asked,
            "the homeserver was asked nothing"
        );
    }
    play.service.stop().await;
}

#[tokio::test]
async fn links_signed_elsewhere_pass_the_rules_of_an_issue() {
    let play = Play::new(Options::default(), "links: {max_lifetime: 20d}").await;
    let status = async |url: &str| {
        play.service
            .client
            .get(url)
            .send()
            .await
            .expect("an answer")
            .status()
            .as_u16()
    };
    let good = play.signed_elsewhere("$good", 10, 0);
    assert_eq!(status(&good).await, 200);
    let listed = answer(play.service.api(Method::GET, "/v1/links?event_id=%24good"))
        .await
        .1["links"][0]
        .clone();
    assert_eq!(
        (&listed["state"], url(&listed)),
        (&json!("live"), good.clone())
    );
    play.service.wait_for_usage(&listed, "counted").await;
    assert_eq!(
        status(&play.signed_elsewhere("$old", 21 * 86_400, 0)).await,
        410,
        "bounded by max_lifetime"
    );
    assert_eq!(status(&play.signed_elsewhere("$over", 100, 50)).await, 410);
    assert_eq!(
        status(&play.signed_elsewhere("$future", -120, 0)).await,
        404
    );
    let unseen = play.signed_elsewhere("$unseen", 5, 0);
    let by_event = play
        .service
        .call(
            Method::POST,
            "/v1/revocations",
            &json!({"event_id": "$unseen"}),
        )
        .await
        .1;
    assert_eq!(by_event, json!({"revoked": 0, "reaches": "all"}));
    assert_eq!(status(&unseen).await, 410, "revoked before it was seen");
    assert_eq!(
        status(&play.signed_elsewhere("$unseen", -2, 0)).await,
        200,
        "issued later"
    );
    play.service.clock.advance(21 * DAY);
    assert_eq!(status(&good).await, 410);
    play.service.stop().await;
}

#[tokio::test]
async fn a_public_url_may_have_a_path_that_a_proxy_strips_or_not() {
    let world = World::new().await;
    let clock = medialink::clock::Clock::default();
    let service =
        Service::start_at(world.folder.path(), &world.url, "/media/links", "", &clock).await;
    let (mxc, token) = world.upload("bytes", "text/plain").await;
    let link = service
        .issue(json!({"mxc": mxc, "content_token": token, "room_id": world.room_id}))
        .await;
    assert!(url(&link).contains("/media/links/m/"));
    assert_eq!(service.follow(&link).await.status(), 200);
    let stripped = url(&link).replace("/media/links", "");
    assert_eq!(
        service
            .client
            .get(stripped)
            .send()
            .await
            .expect("an answer")
            .status(),
        200
    );
    assert_eq!(
        service
            .client
            .post(url(&link))
            .send()
            .await
            .expect("an answer")
            .status(),
        405
    );
    service.stop().await;
}
