//! Pages of messages.

use reqwest::Method;
use serde_json::json;

use super::support::*;

#[tokio::test(flavor = "multi_thread")]
async fn messages_come_in_pages() {
    let homeserver = start(|_| ()).await;
    let alice = register(&homeserver, "alice").await;
    let room = alice.create_room(json!({})).await;
    let mut sent = Vec::new();
    for n in 0..7 {
        sent.push(alice.send(&room, &format!("m{n}"), json!({"n": n})).await);
        let state = format!("/_matrix/client/v3/rooms/{room}/state/x.noise/{n}");
        assert_eq!(alice.put(&state, json!({})).await.0, 200);
    }
    for (dir, rounds) in [("b", 4), ("f", 4)] {
        let filter = r#"{"types":["m.room.mess*"],"senders":["@alice:localhost"]}"#;
        let (mut seen, mut from, mut pages) = (Vec::new(), String::new(), 0);
        loop {
            let path = format!("/_matrix/client/v3/rooms/{room}/messages");
            let request = alice.request(Method::GET, &path);
            let request = request.query(&[("dir", dir), ("limit", "2"), ("filter", filter)]);
            let request = if from.is_empty() {
                request
            } else {
                request.query(&[("from", &from)])
            };
            let (status, page) = answer(request.send().await.unwrap()).await;
            assert_eq!(status, 200);
            let chunk = page["chunk"].as_array().unwrap();
            seen.extend(
                chunk
                    .iter()
                    .map(|event| event["event_id"].as_str().unwrap().to_owned()),
            );
            pages += 1;
            match page.get("end") {
                Some(end) => end.as_str().unwrap().clone_into(&mut from),
                None => break,
            }
        }
        if dir == "b" {
            seen.reverse();
        }
        assert_eq!((&seen, pages), (&sent, rounds), "{dir}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn odd_pages_are_refused_or_bounded() {
    let homeserver = start(|_| ()).await;
    let alice = register(&homeserver, "alice").await;
    let room = alice.create_room(json!({})).await;
    let path = format!("/_matrix/client/v3/rooms/{room}/messages");
    assert_eq!(failure(&alice.get(&path).await), (400, "M_MISSING_PARAM"));
    for query in [
        "dir=x",
        "dir=b&from=x",
        "dir=b&limit=-1",
        "dir=b&from=t99999999999999999999",
    ] {
        let refused = alice.get(&format!("{path}?{query}")).await;
        assert_eq!(failure(&refused), (400, "M_INVALID_PARAM"), "{query}");
    }
    let refused = alice.get(&format!("{path}?dir=b&filter=[")).await;
    assert_eq!(failure(&refused), (400, "M_BAD_JSON"));
    let whole = alice
        .get(&format!("{path}?dir=b&limit=99999999&from=t999999"))
        .await
        .1;
    assert_eq!(whole.get("end"), None);
}
