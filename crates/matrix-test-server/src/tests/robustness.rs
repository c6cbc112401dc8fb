//! Odd and hostile requests, and the life of the server.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use reqwest::Method;
use serde_json::json;

use super::support::*;

#[tokio::test(flavor = "multi_thread")]
async fn odd_requests_get_matrix_errors() {
    let homeserver = start(|_| ()).await;
    let alice = register(&homeserver, "alice").await;
    let room = alice.create_room(json!({})).await;
    let unknown = alice.get("/_matrix/client/v3/nothing").await;
    assert_eq!(failure(&unknown), (404, "M_UNRECOGNIZED"));
    let method = alice.post("/_matrix/client/versions", json!({})).await;
    assert_eq!(failure(&method), (405, "M_UNRECOGNIZED"));
    let path = format!("/_matrix/client/v3/rooms/{room}/send/{SEND}/1");
    for (body, code) in [
        ("", "M_NOT_JSON"),
        ("{", "M_NOT_JSON"),
        ("[]", "M_BAD_JSON"),
    ] {
        let sent = alice
            .request(Method::PUT, &path)
            .body(body)
            .send()
            .await
            .unwrap();
        assert_eq!(failure(&answer(sent).await), (400, code), "{body}");
    }
    let nested = "[".repeat(100_000);
    let sent = alice
        .request(Method::PUT, &path)
        .body(nested)
        .send()
        .await
        .unwrap();
    assert_eq!(failure(&answer(sent).await), (400, "M_NOT_JSON"));
    for length in [66_000, 2_000_000] {
        let large = alice.put(&path, json!({"body": "x".repeat(length)})).await;
        assert_eq!(failure(&large), (413, "M_TOO_LARGE"), "{length}");
    }
    let version = json!({"room_version": "1"});
    let version = alice.post("/_matrix/client/v3/createRoom", version).await;
    assert_eq!(failure(&version), (400, "M_UNSUPPORTED_ROOM_VERSION"));
    for body in [
        json!({"invite": [1]}),
        json!({"invite": ["x"]}),
        json!({"initial_state": [{}]}),
    ] {
        let refused = alice.post("/_matrix/client/v3/createRoom", body).await;
        assert_eq!(refused.0, 400);
    }
    let odd =
        json!({"invite": {}, "name": 3, "initial_state": "x", "power_level_content_override": []});
    alice.create_room(odd).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_bytes_do_not_bring_it_down() {
    let homeserver = start(|_| ()).await;
    let address = homeserver.url().strip_prefix("http://").unwrap().to_owned();
    for path in [
        "/_matrix/client/v3/rooms/%/send/%2/%%%/",
        "/%00",
        "//",
        "/_matrix",
        "/..%2f..%2f",
        "*",
        "/_matrix/client/v1/media/download/%ff/%fe",
        "/_demo/media/%00/%00",
        "/?%%%=&&==",
        "/_matrix/client/v1/media/download/localhost/..%2F..%2Fetc%2Fpasswd",
        "/\u{e9}",
        "/_demo/media/localhost/",
        "http://other/_demo/media",
    ] {
        for method in ["GET", "HEAD", "PUT", "POST", "OPTIONS", "X"] {
            let mut stream = tokio::net::TcpStream::connect(&address).await.unwrap();
            let request = format!(
                "{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\
                 Authorization: Bearer as\r\nContent-Length: 0\r\n\r\n"
            );
            stream.write_all(request.as_bytes()).await.unwrap();
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer).await.unwrap();
            assert!(answer.starts_with(b"HTTP/1.1 "), "{method} {path}");
            assert!(!answer.starts_with(b"HTTP/1.1 5"), "{method} {path}");
        }
    }
    let versions = Someone::new(&homeserver, "")
        .get("/_matrix/client/versions")
        .await;
    assert_eq!(versions.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_counted_by_endpoint() {
    let homeserver = start(|_| ()).await;
    let alice = register(&homeserver, "alice").await;
    let medium = alice.upload(b"bytes", "image/png").await;
    alice.fetch(&medium).send().await.unwrap();
    alice.get("/nowhere").await;
    let counted = alice.get("/_demo/requests").await.1;
    let expected = json!({
        "register": 1, "media.upload": 1, "media.download": 1, "unrecognized": 1,
        "demo.requests": 1,
    });
    assert_eq!(counted, expected);
}

#[actix_web::test]
async fn it_runs_beside_an_actix_system_and_leaves_nothing_behind() {
    let homeserver = start(|_| ()).await;
    let directory = homeserver.media_dir().to_owned();
    let alice = register(&homeserver, "alice").await;
    alice.upload(b"bytes", "image/png").await;
    assert_eq!(std::fs::read_dir(&directory).unwrap().count(), 1);
    let pending = Uploaded::read(&alice.post("/_matrix/media/v1/create", json!({})).await.1);
    let waiting = actix_web::rt::spawn(alice.fetch(&pending).send());
    tokio::time::sleep(Duration::from_millis(50)).await;
    tokio::time::timeout(Duration::from_secs(10), homeserver.stop())
        .await
        .unwrap();
    homeserver.stop().await;
    assert!(waiting.await.unwrap().is_err());
    assert!(alice.request(Method::GET, "/").send().await.is_err());
    drop(homeserver);
    assert!(!directory.exists());
}

#[tokio::test]
async fn it_stops_when_dropped_and_several_can_run() {
    let first = start(|_| ()).await;
    let second = start(|_| ()).await;
    let (one, two) = (Someone::new(&first, ""), Someone::new(&second, ""));
    drop(first);
    let mut tries = 0;
    while one.request(Method::GET, "/").send().await.is_ok() && tries < 100 {
        tokio::time::sleep(Duration::from_millis(20)).await;
        tries += 1;
    }
    assert!(tries < 100);
    assert_eq!(two.get("/_matrix/client/versions").await.0, 200);
}
