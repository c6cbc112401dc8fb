//! Late and large uploads.

use reqwest::Method;
use serde_json::json;

use super::support::*;

#[tokio::test(flavor = "multi_thread")]
async fn media_can_be_uploaded_after_its_uri_is_known() {
    let homeserver = start(|_| ()).await;
    let alice = register(&homeserver, "alice").await;
    let bob = register(&homeserver, "bob").await;
    let medium = Uploaded::read(&alice.post("/_matrix/media/v1/create", json!({})).await.1);
    let fetch = |wait: &str| alice.fetch(&medium).query(&[("timeout_ms", wait)]);
    let early = answer(fetch("20").send().await.unwrap()).await;
    assert_eq!(failure(&early), (504, "M_NOT_YET_UPLOADED"));
    assert_eq!(alice.clean_up().await, json!([]));

    let waiting = tokio::spawn(fetch("20000").send());
    let path = format!("/_matrix/media/v3/upload/{}", medium.path);
    let put = |who: &Someone| who.request(Method::PUT, &path).body("late").send();
    assert_eq!(
        failure(&answer(put(&bob).await.unwrap()).await),
        (403, "M_FORBIDDEN")
    );
    assert_eq!(answer(put(&alice).await.unwrap()).await, (200, json!({})));
    let got = waiting.await.unwrap().unwrap();
    assert_eq!(got.bytes().await.unwrap(), "late");
    let again = answer(put(&alice).await.unwrap()).await;
    assert_eq!(failure(&again), (409, "M_CANNOT_OVERWRITE_MEDIA"));
}

#[tokio::test(flavor = "multi_thread")]
async fn uploads_are_limited() {
    let homeserver = start(|options| options.max_upload_bytes = 4).await;
    let alice = register(&homeserver, "alice").await;
    let limit = alice.get("/_matrix/client/v1/media/config").await;
    assert_eq!(limit, (200, json!({"m.upload.size": 4})));
    let upload = |body: reqwest::Body| {
        alice
            .request(Method::POST, "/_matrix/media/v3/upload")
            .body(body)
            .send()
    };
    let large = answer(upload("12345".into()).await.unwrap()).await;
    assert_eq!(failure(&large), (413, "M_TOO_LARGE"));
    let chunks = futures_util::stream::iter([Ok::<_, std::io::Error>("12")]);
    let chunked = answer(upload(reqwest::Body::wrap_stream(chunks)).await.unwrap()).await;
    assert_eq!(failure(&chunked), (400, "M_UNKNOWN"));
    assert_eq!(answer(upload("1234".into()).await.unwrap()).await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn uploaders_delete_their_media_where_they_may() {
    let unstable = "/_matrix/client/unstable/uk.timedout.msc4322/media/redact";
    let plain = start(|_| ()).await;
    let alice = register(&plain, "alice").await;
    let told = alice.post(
        "/_matrix/client/unstable/uk.timedout.msc4322/media/redact/localhost/x",
        json!({}),
    );
    assert_eq!(failure(&told.await), (404, "M_UNRECOGNIZED"));

    let homeserver = start(|options| options.media_redaction = true).await;
    let alice = register(&homeserver, "alice").await;
    let bob = register(&homeserver, "bob").await;
    let (_, versions) = alice.get("/_matrix/client/versions").await;
    assert_eq!(versions["unstable_features"]["uk.timedout.msc4322"], true);
    let upload = alice.request(Method::POST, "/_matrix/media/v3/upload");
    let uploaded = answer(upload.body("text").send().await.unwrap()).await;
    let medium = Uploaded::read(&uploaded.1);
    let path = format!("{unstable}/{}", medium.path);
    let told = bob.post(&path, json!({})).await;
    assert_eq!(failure(&told), (403, "M_FORBIDDEN"));
    for _ in 0..2 {
        assert_eq!(alice.post(&path, json!({})).await, (200, json!({})));
        let got = answer(alice.fetch(&medium).send().await.unwrap()).await;
        assert_eq!(failure(&got), (404, "M_NOT_FOUND"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_strict_server_takes_restricted_media_only() {
    let homeserver = start(|options| {
        options.linked_media = true;
        options.refuses_unrestricted = true;
    })
    .await;
    let alice = register(&homeserver, "alice").await;
    let upload = |path: &str| alice.request(Method::POST, path).body("x").send();
    let refused = answer(upload("/_matrix/media/v3/upload").await.unwrap()).await;
    assert_eq!(failure(&refused), (403, "M_FORBIDDEN"));
    let restricted = upload("/_matrix/client/v1/media/upload").await.unwrap();
    assert_eq!(answer(restricted).await.0, 200);
}
