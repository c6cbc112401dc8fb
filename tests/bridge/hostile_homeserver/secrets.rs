//! Where credentials may go: redirects, and the old endpoint.

use super::{
    play::Play,
    upstream::{Upstream, response},
};

#[tokio::test]
async fn redirects_carry_no_credentials_and_lead_nowhere_private() {
    let own = Upstream::start(false, |head| {
        if head.starts_with("GET /stored") {
            response(200, "Content-Type: text/plain\r\n", "stored")
        } else {
            response(307, "Location: /stored?x=1\r\n", "")
        }
    })
    .await;
    let play = Play::of(own).await;
    assert_eq!(
        play.service
            .follow(&play.link)
            .await
            .text()
            .await
            .expect("a body"),
        "stored"
    );
    let heads = play.upstream.heads.lock().expect("heads").clone();
    let (first, second) = (
        heads[heads.len() - 2].to_lowercase(),
        heads[heads.len() - 1].to_lowercase(),
    );
    assert!(
        first.contains("authorization: bearer")
            && first.contains("x-matrix-content-token: secret-content-token")
            && first.contains("user_id=")
    );
    for secret in [
        "authorization",
        "x-matrix-content-token",
        "user_id",
        "secret",
    ] {
        assert!(!second.contains(secret), "{second}");
    }

    play.service.stop().await;
    redirects_inward_are_not_followed().await;
}

/// Redirects to private addresses, and more of them than three.
async fn redirects_inward_are_not_followed() {
    let elsewhere = Upstream::start(false, |_| {
        response(200, "Content-Type: text/plain\r\n", "private")
    })
    .await;
    let target = elsewhere.url.clone();
    let to = |target: String| {
        Upstream::start(false, move |_| {
            response(308, &format!("Location: {target}/x\r\n"), "")
        })
    };
    let play = Play::of(to(target.clone()).await).await;
    assert_eq!(play.status().await.0, 502);
    let named = target.replace("127.0.0.1", "localhost");
    play.service.stop().await;
    let play = Play::of(to(named).await).await;
    assert_eq!(
        play.status().await.0,
        502,
        "a name is judged by its address"
    );
    assert!(elsewhere.heads.lock().expect("heads").is_empty());
    play.service.stop().await;
    let play = Play::of(
        Upstream::start(false, |_| {
            response(307, "Location: /again/download\r\n", "")
        })
        .await,
    )
    .await;
    assert_eq!(play.status().await.0, 502);
    assert_eq!(
        play.upstream.downloads().len(),
        4,
        "the first request and three redirects"
    );
    play.service.stop().await;
}

#[tokio::test]
async fn the_old_endpoint_is_asked_without_tokens_where_the_new_one_is_unknown() {
    for unknown in [
        response(404, "", "<html>"),
        response(404, "", "{\"errcode\": \"M_UNRECOGNIZED\"}"),
        response(405, "", "{\"errcode\": \"M_UNRECOGNIZED\"}"),
    ] {
        let upstream = Upstream::start(false, move |head| {
            if head.contains("/media/v3/download/") {
                response(200, "Content-Type: text/plain\r\n", "old")
            } else {
                unknown.clone()
            }
        })
        .await;
        let play = Play::of(upstream).await;
        assert_eq!(
            play.service
                .follow(&play.link)
                .await
                .text()
                .await
                .expect("a body"),
            "old"
        );
        let legacy = play
            .upstream
            .downloads()
            .pop()
            .expect("a request")
            .to_lowercase();
        assert!(
            !legacy.contains("authorization")
                && !legacy.contains("secret")
                && !legacy.contains("user_id"),
            "{legacy}"
        );
        play.service.stop().await;
    }
    missing_media_is_not_asked_for_at_the_old_endpoint().await;
}

async fn missing_media_is_not_asked_for_at_the_old_endpoint() {
    let play = Play::of(
        Upstream::start(false, |_| {
            response(404, "", "{\"errcode\": \"M_NOT_FOUND\"}")
        })
        .await,
    )
    .await;
    assert_eq!(play.status().await.0, 404);
    assert_eq!(play.upstream.downloads().len(), 1);
    play.service.stop().await;
    let play = Play::of(
        Upstream::start(false, |_| {
            response(504, "", "{\"errcode\": \"M_NOT_YET_UPLOADED\"}")
        })
        .await,
    )
    .await;
    let early = play.service.follow(&play.link).await;
    assert_eq!(
        (
            early.status().as_u16(),
            early.headers().contains_key("retry-after")
        ),
        (503, true)
    );
    play.service.stop().await;
}
