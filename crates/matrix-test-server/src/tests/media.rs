//! Content tokens, counts and the clean-up.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;

use super::support::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_content_token_is_needed_and_must_be_right() {
    let homeserver = start(|_| ()).await;
    let alice = register(&homeserver, "alice").await;
    let medium = alice.upload(b"bytes", "image/png").await;
    let path = medium.download();
    assert_eq!(
        failure(&alice.get(&path).await),
        (403, "M_MISSING_CONTENT_TOKEN")
    );
    let wrong = alice
        .request(Method::GET, &path)
        .header("x-matrix-content-token", "no");
    assert_eq!(
        failure(&answer(wrong.send().await.unwrap()).await),
        (403, "M_UNAUTHORIZED")
    );
    let nobody = Someone::new(&homeserver, "wrong");
    let refused = answer(nobody.fetch(&medium).send().await.unwrap()).await;
    assert_eq!(failure(&refused), (401, "M_UNKNOWN_TOKEN"));
    let bare = nobody
        .http
        .get(format!("{}{path}", nobody.base))
        .send()
        .await
        .unwrap();
    assert_eq!(failure(&answer(bare).await), (401, "M_MISSING_TOKEN"));

    let got = alice.fetch(&medium).send().await.unwrap();
    assert_eq!(got.status(), 200);
    assert_eq!(header(&got, "etag"), "1");
    assert_eq!(header(&got, "content-length"), "5");
    assert_eq!(header(&got, "content-type"), "image/png");
    assert_eq!(
        header(&got, "content-disposition"),
        "inline; filename*=utf-8''a%20b.png"
    );
    assert_eq!(got.bytes().await.unwrap(), "bytes");
    let legacy = alice
        .get(&format!("/_matrix/media/v3/download/{}", medium.path))
        .await;
    assert_eq!(failure(&legacy), (404, "M_NOT_FOUND"));

    let bare = alice
        .post("/_demo/generate?size=3&content_token=false", json!({}))
        .await
        .1;
    let bare = Uploaded::read(&bare);
    assert_eq!(alice.fetch(&bare).send().await.unwrap().status(), 200);
    let offered = alice.fetch(&bare).header("x-matrix-content-token", "t");
    assert_eq!(
        failure(&answer(offered.send().await.unwrap()).await),
        (403, "M_UNAUTHORIZED")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plain_server_has_no_content_tokens() {
    let homeserver = start(|options| options.content_tokens = false).await;
    let alice = register(&homeserver, "alice").await;
    let versions = alice.get("/_matrix/client/versions").await.1;
    assert_eq!(versions["unstable_features"], json!({}));
    assert!(
        versions["versions"]
            .as_array()
            .unwrap()
            .contains(&json!("v1.11"))
    );
    let medium = alice.upload(b"bytes", "text/html").await;
    assert!(medium.token.is_none());
    let got = alice
        .fetch(&medium)
        .header("x-matrix-content-token", "ignored");
    let got = got.send().await.unwrap();
    assert_eq!(got.status(), 200);
    assert!(header(&got, "content-disposition").starts_with("attachment"));
}

#[tokio::test(flavor = "multi_thread")]
async fn references_are_counted_released_and_cleaned_up() {
    let homeserver = start(|_| ()).await;
    let alice = register(&homeserver, "alice").await;
    let room = alice.create_room(json!({})).await;
    let medium = alice.upload(b"bytes", "image/png").await;
    let source = alice.send(&room, "1", medium.message()).await;
    assert_eq!(alice.count(&medium).await["references"], 1);
    let meta = alice.send(&room, "2", medium.meta("a")).await;
    assert_eq!(alice.count(&medium).await["references"], 2);
    let mut wrong = medium.message();
    wrong["content_token"] = "wrong".into();
    alice.send(&room, "3", wrong).await;
    assert_eq!(alice.count(&medium).await["references"], 2);

    assert_eq!(alice.redact(&room, &source, "4").await.0, 200);
    assert_eq!(alice.redact(&room, &source, "5").await.0, 200);
    assert_eq!(alice.count(&medium).await["references"], 1);
    assert_eq!(alice.clean_up().await, json!([]));
    assert_eq!(alice.fetch(&medium).send().await.unwrap().status(), 200);

    assert_eq!(alice.redact(&room, &meta, "6").await.0, 200);
    assert_eq!(alice.clean_up().await, json!([medium.mxc]));
    let gone = answer(alice.fetch(&medium).send().await.unwrap()).await;
    assert_eq!(failure(&gone), (404, "M_NOT_FOUND"));
    let seen = alice.count(&medium).await;
    assert_eq!(seen["deleted"], true);
    assert_eq!(seen["max_references"], 2);
    assert_eq!(seen["min_references_since_counted"], 0);
    let counts: Vec<_> = seen["history"]
        .as_array()
        .unwrap()
        .iter()
        .map(|at| &at[1])
        .collect();
    assert_eq!(counts, [1, 2, 1, 0]);
    let listed = alice.get("/_demo/media").await.1;
    assert_eq!(listed.as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn young_media_has_its_grace() {
    let homeserver = start(|options| options.grace = Duration::from_secs(3600)).await;
    let alice = register(&homeserver, "alice").await;
    alice.upload(b"bytes", "image/png").await;
    assert_eq!(alice.clean_up().await, json!([]));
}
