//! A link that may be followed so often.

use reqwest::Method;
use serde_json::json;
use support::{answer, eventually, url};

use super::bridges::two_bridges;

#[tokio::test]
async fn a_limited_link_is_followed_exactly_as_often_as_it_may() {
    let (world, service) = two_bridges().await;
    let (mxc, token) = world.upload("bytes", "text/plain").await;
    let body =
        json!({"mxc": mxc, "content_token": token, "room_id": world.room_id, "max_follows": 5});
    let link = service.issue(body).await;
    let follows = (0..50).map(|_| service.client.get(url(&link)).send());
    let mut answers = [0, 0];
    for response in futures_util::future::join_all(follows).await {
        match response.expect("an answer").status().as_u16() {
            200 => answers[0] += 1,
            410 => answers[1] += 1,
            other => panic!("{other}"),
        }
    }
    assert_eq!(answers, [5, 45]);
    let link = service.link(&link).await;
    assert_eq!(
        (&link["state"], &link["follows"]),
        (&json!("spent"), &json!(5))
    );
    service.wait_for_usage(&link, "released").await;
    service.stop().await;
}

#[tokio::test]
async fn a_failed_download_uses_no_follow() {
    let (world, service) = two_bridges().await;
    let link =
        json!({"mxc": "mxc://example.org/nothing", "room_id": world.room_id, "max_follows": 1});
    let link = service.issue(link).await;
    for _ in 0..3 {
        assert_eq!(service.follow(&link).await.status(), 404);
    }
    let now = service.link(&link).await;
    assert_eq!(
        (&now["state"], &now["follows"]),
        (&json!("live"), &json!(0))
    );
    let (mxc, token) = world.upload("bytes", "text/plain").await;
    let link =
        json!({"mxc": mxc, "content_token": token, "room_id": world.room_id, "max_follows": 2});
    let link = service.issue(link).await;
    let head = service.client.head(url(&link)).send().await;
    assert_eq!(head.expect("an answer").status(), 200);
    for status in [200, 200, 410] {
        assert_eq!(service.follow(&link).await.status(), status);
    }
    let served = eventually("the bytes", async || {
        let link = service.link(&link).await;
        (link["bytes_served"] == 10).then_some(link)
    })
    .await;
    assert_eq!(served["follows"], 2);
    for state in ["spent", "live", "redacted", "revoked", "expired"] {
        let listed = service.api(Method::GET, &format!("/v1/links?state={state}&mxc={mxc}"));
        let count = answer(listed).await.1["links"].as_array().map(Vec::len);
        assert_eq!(count, Some(usize::from(state == "spent")), "{state}");
    }
    service.stop().await;
}
