//! Media that is tied to events (MSC3911).

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use super::support::*;
use crate::{EmbeddedHomeserver, LinkedMediaPaths};

const UNSTABLE: &str = "/_matrix/client/unstable/org.matrix.msc3911/media";
const STABLE: &str = "/_matrix/client/v1/media";

async fn linked() -> EmbeddedHomeserver {
    start(|options| {
        options.content_tokens = false;
        options.linked_media = true;
    })
    .await
}

async fn upload(who: &Someone, prefix: &str) -> (u16, Value) {
    let request = who.request(Method::POST, &format!("{prefix}/upload?filename=a.txt"));
    let request = request.header("content-type", "text/plain").body("bytes");
    answer(request.send().await.unwrap()).await
}

async fn restricted(who: &Someone) -> Uploaded {
    let (status, answer) = upload(who, STABLE).await;
    assert_eq!(status, 200, "{answer}");
    Uploaded::read(&answer)
}

async fn copy(who: &Someone, source: &Uploaded) -> (u16, Value) {
    let path = format!("{UNSTABLE}/copy/{}", source.path);
    who.post(&path, json!({})).await
}

async fn copied(who: &Someone, source: &Uploaded) -> Uploaded {
    let (status, answer) = copy(who, source).await;
    assert_eq!(status, 200, "{answer}");
    Uploaded::read(&answer)
}

async fn send(who: &Someone, room: &str, txn: &str, attach: &[&Uploaded]) -> (u16, Value) {
    let path = format!("/_matrix/client/v3/rooms/{room}/send/{SEND}/{txn}");
    let attach: Vec<_> = attach
        .iter()
        .map(|medium| ("attach_media", medium.mxc.as_str()))
        .collect();
    let request = who.request(Method::PUT, &path).query(&attach);
    let sent = request.json(&json!({"body": "x"})).send().await.unwrap();
    answer(sent).await
}

async fn attached(who: &Someone, room: &str, txn: &str, medium: &Uploaded) -> String {
    let (status, sent) = send(who, room, txn, &[medium]).await;
    assert_eq!(status, 200, "{sent}");
    sent["event_id"].as_str().unwrap().to_owned()
}

async fn outcome(who: &Someone, medium: &Uploaded) -> (u16, String) {
    let response = who.fetch(medium).send().await.unwrap();
    let answer = answer(response).await;
    let (status, errcode) = failure(&answer);
    (status, errcode.to_owned())
}

fn read() -> (u16, String) {
    (200, String::new())
}

fn refused() -> (u16, String) {
    (403, "M_UNAUTHORIZED".to_owned())
}

fn gone() -> (u16, String) {
    (404, "M_NOT_FOUND".to_owned())
}

async fn join(who: &Someone, room: &str) {
    let path = format!("/_matrix/client/v3/rooms/{room}/join");
    assert_eq!(who.post(&path, json!({})).await.0, 200);
}

async fn leave(who: &Someone, room: &str) {
    let path = format!("/_matrix/client/v3/rooms/{room}/leave");
    assert_eq!(who.post(&path, json!({})).await.0, 200);
}

async fn public_room(who: &Someone) -> String {
    who.create_room(json!({"preset": "public_chat"})).await
}

#[tokio::test(flavor = "multi_thread")]
async fn linked_media_is_announced_and_is_under_the_paths_that_are_wanted() {
    use LinkedMediaPaths::{Both, Stable, Unstable};
    for (on, paths, unstable, stable) in [
        (true, Both, true, true),
        (true, Unstable, true, false),
        (true, Stable, false, true),
        (false, Both, false, false),
    ] {
        let homeserver = start(|options| {
            options.linked_media = on;
            options.linked_media_paths = paths;
        })
        .await;
        let alice = register(&homeserver, "alice").await;
        let versions = alice.get("/_matrix/client/versions").await.1;
        let announced = &versions["unstable_features"]["org.matrix.msc3911"];
        assert_eq!(announced, &if on { json!(true) } else { Value::Null });
        assert_eq!(versions["unstable_features"]["org.matrix.msc3910"], true);
        let medium = alice.upload(b"bytes", "text/plain").await;
        for (prefix, there) in [(UNSTABLE, unstable), (STABLE, stable)] {
            let uploaded = upload(&alice, prefix).await;
            let copy = alice.request(Method::POST, &format!("{prefix}/copy/{}", medium.path));
            let copy = copy.header("x-matrix-content-token", medium.token.clone().unwrap());
            let copied = answer(copy.send().await.unwrap()).await;
            for answer in [uploaded, copied] {
                let expected = if there {
                    (200, "")
                } else {
                    (404, "M_UNRECOGNIZED")
                };
                assert_eq!(failure(&answer), expected, "{paths:?} {prefix}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn several_media_are_attached_to_one_event_unless_the_server_takes_one() {
    for (attaches_one, expected) in [(false, (200, "")), (true, (400, "M_INVALID_PARAM"))] {
        let homeserver = start(|options| {
            options.linked_media = true;
            options.attaches_one = attaches_one;
        })
        .await;
        let alice = register(&homeserver, "alice").await;
        let room = alice.create_room(json!({})).await;
        let media = [restricted(&alice).await, restricted(&alice).await];
        let sent = send(&alice, &room, "both", &[&media[0], &media[1]]).await;
        assert_eq!(failure(&sent), expected);
        let attached_to = alice.count(&media[1]).await["attached_to"].clone();
        assert_eq!(attached_to, sent.1["event_id"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn unattached_media_is_for_its_uploader_alone() {
    let homeserver = linked().await;
    let alice = register(&homeserver, "alice").await;
    let bob = register(&homeserver, "bob").await;
    let medium = restricted(&alice).await;
    assert_eq!(outcome(&alice, &medium).await, read());
    assert_eq!(outcome(&bob, &medium).await, refused());
    let thumbnail = format!("{STABLE}/thumbnail/{}?width=9&height=9", medium.path);
    assert_eq!(failure(&bob.get(&thumbnail).await), (403, "M_UNAUTHORIZED"));
    assert_eq!(failure(&copy(&bob, &medium).await), (403, "M_UNAUTHORIZED"));
    let seen = alice.count(&medium).await;
    assert_eq!(seen["restricted"], true);
    assert_eq!(seen["attached_to"], Value::Null);
    assert_eq!(seen["copy_of"], Value::Null);

    let old = alice.upload(b"bytes", "text/plain").await;
    assert_eq!(outcome(&bob, &old).await, read());
    assert_eq!(alice.count(&old).await["restricted"], false);
}

#[tokio::test(flavor = "multi_thread")]
async fn attached_media_is_for_those_who_may_see_the_event() {
    let homeserver = linked().await;
    let alice = register(&homeserver, "alice").await;
    let bob = register(&homeserver, "bob").await;
    let carol = register(&homeserver, "carol").await;
    let room = public_room(&alice).await;
    join(&bob, &room).await;
    let before = restricted(&alice).await;
    let event = attached(&alice, &room, "1", &before).await;
    assert_eq!(alice.count(&before).await["attached_to"], json!(event));
    assert_eq!(outcome(&bob, &before).await, read());
    assert_eq!(outcome(&carol, &before).await, refused());
    leave(&bob, &room).await;
    let after = restricted(&alice).await;
    attached(&alice, &room, "2", &after).await;
    assert_eq!(outcome(&bob, &before).await, read());
    assert_eq!(outcome(&bob, &after).await, refused());
    join(&bob, &room).await;
    assert_eq!(outcome(&bob, &after).await, read());
    // A clean-up leaves alone what an event keeps.
    let cleaned = alice.clean_up().await;
    assert_eq!(cleaned, json!([]));
    assert_eq!(outcome(&alice, &before).await, read());
}

#[tokio::test(flavor = "multi_thread")]
async fn only_ones_own_unattached_media_can_be_attached_and_once() {
    let homeserver = linked().await;
    let alice = register(&homeserver, "alice").await;
    let bob = register(&homeserver, "bob").await;
    let room = alice.create_room(json!({})).await;
    let mine = restricted(&alice).await;
    let his = restricted(&bob).await;
    let open = alice.upload(b"bytes", "text/plain").await;
    let uri = |mxc: &str| Uploaded {
        mxc: mxc.to_owned(),
        path: String::new(),
        token: None,
    };
    let elsewhere = mine.mxc.replace("localhost", "elsewhere");
    let odd = [
        uri("mxc://localhost/none"),
        uri(&elsewhere),
        uri("mxc://localhost/"),
        uri("mxc:///"),
        uri(""),
        uri("\u{1f389}"),
    ];
    let mut all: Vec<&Uploaded> = odd.iter().collect();
    all.extend([&his, &open]);
    for (n, wrong) in all.into_iter().enumerate() {
        // All or none: the right one beside it is not attached either.
        for attach in [vec![wrong], vec![&mine, wrong], vec![wrong, &mine]] {
            let refused = send(&alice, &room, &format!("w{n}"), &attach).await;
            assert_eq!(failure(&refused), (400, "M_INVALID_PARAM"), "{}", wrong.mxc);
        }
    }
    let twice = send(&alice, &room, "twice", &[&mine, &mine]).await;
    assert_eq!(failure(&twice), (400, "M_INVALID_PARAM"));
    let outside = send(&bob, &room, "1", &[&his]).await;
    assert_eq!(failure(&outside), (403, "M_FORBIDDEN"));
    assert_eq!(alice.count(&his).await["attached_to"], Value::Null);
    let filter = r#"{"types":["m.room.message"]}"#;
    let path = format!("/_matrix/client/v3/rooms/{room}/messages?dir=b");
    let messages = alice.request(Method::GET, &path);
    let messages = messages.query(&[("filter", filter)]).send().await.unwrap();
    assert_eq!(answer(messages).await.1["chunk"], json!([]));

    let other = restricted(&alice).await;
    let (status, first) = send(&alice, &room, "t", &[&mine, &other]).await;
    assert_eq!(status, 200);
    let again = send(&alice, &room, "t", &[&mine, &other]).await;
    assert_eq!(again, (200, first.clone()));
    for medium in [&mine, &other] {
        assert_eq!(alice.count(medium).await["attached_to"], first["event_id"]);
    }
    let reused = send(&alice, &room, "u", &[&mine]).await;
    assert_eq!(failure(&reused), (400, "M_INVALID_PARAM"));
}

#[tokio::test(flavor = "multi_thread")]
async fn state_events_take_media_too() {
    let homeserver = linked().await;
    let alice = register(&homeserver, "alice").await;
    let room = alice.create_room(json!({})).await;
    let in_room = format!("/_matrix/client/v3/rooms/{room}/state");
    let put = |kind: &str, content: Value, medium: &Uploaded| {
        let request = alice.request(Method::PUT, &format!("{in_room}/{kind}"));
        let request = request.query(&[("attach_media", &medium.mxc)]);
        request.json(&content).send()
    };
    let medium = restricted(&alice).await;
    let avatar = json!({"url": medium.mxc});
    let set = |medium| put("m.room.avatar/", avatar.clone(), medium);
    let first = answer(set(&medium).await.unwrap()).await;
    assert_eq!(first.0, 200);
    assert_eq!(answer(set(&medium).await.unwrap()).await, first);
    let other = restricted(&alice).await;
    let second = answer(set(&other).await.unwrap()).await;
    assert_ne!(second, first);
    assert_eq!(
        alice.count(&other).await["attached_to"],
        second.1["event_id"]
    );
    let used = answer(set(&medium).await.unwrap()).await;
    assert_eq!(failure(&used), (400, "M_INVALID_PARAM"));

    let face = restricted(&alice).await;
    let member = json!({"membership": "join", "avatar_url": face.mxc});
    let kind = "m.room.member/@alice:localhost";
    let set = put(kind, member.clone(), &face).await.unwrap();
    let (status, set) = answer(set).await;
    assert_eq!(status, 200, "{set}");
    assert_eq!(alice.count(&face).await["attached_to"], set["event_id"]);
    let used = answer(put(kind, member, &face).await.unwrap()).await;
    assert_eq!(failure(&used), (400, "M_INVALID_PARAM"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redaction_takes_the_attached_media_with_it() {
    let homeserver = linked().await;
    let alice = register(&homeserver, "alice").await;
    let bob = register(&homeserver, "bob").await;
    let room = public_room(&alice).await;
    join(&bob, &room).await;
    let source = alice.upload(b"bytes", "text/plain").await;
    let directory = homeserver.media_dir().to_owned();
    let files = || std::fs::read_dir(&directory).unwrap().count();
    let (one, two) = (copied(&bob, &source).await, copied(&bob, &source).await);
    assert_eq!(files(), 1);
    let event = attached(&bob, &room, "1", &one).await;
    assert_eq!(alice.count(&source).await["copies"], 1);
    attached(&bob, &room, "2", &two).await;
    assert_eq!(alice.count(&source).await["copies"], 2);
    assert_eq!(alice.redact(&room, &event, "3").await.0, 200);
    assert_eq!(alice.redact(&room, &event, "4").await.0, 200);
    for who in [&alice, &bob] {
        assert_eq!(outcome(who, &one).await, gone());
        assert_eq!(outcome(who, &two).await, read());
    }
    assert_eq!(failure(&copy(&bob, &one).await), (404, "M_NOT_FOUND"));
    let seen = alice.count(&one).await;
    assert_eq!(
        (&seen["deleted"], &seen["copy_of"]),
        (&json!(true), &json!(source.mxc))
    );
    assert_eq!(alice.count(&source).await["copies"], 1);

    // The bytes live as long as one of their media.
    assert_eq!(alice.clean_up().await, json!([source.mxc]));
    let got = bob.fetch(&two).send().await.unwrap();
    assert_eq!(header(&got, "content-type"), "text/plain");
    assert_eq!(got.bytes().await.unwrap(), "bytes");
    assert_eq!(files(), 1);
    let last = alice.count(&two).await["attached_to"].clone();
    bob.redact(&room, last.as_str().unwrap(), "5").await;
    assert_eq!(files(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_is_asked_for_as_a_download_is() {
    let homeserver = start(|options| options.linked_media = true).await;
    let alice = register(&homeserver, "alice").await;
    let bob = register(&homeserver, "bob").await;
    let source = alice.upload(b"bytes", "text/plain").await;
    assert_eq!(
        failure(&copy(&bob, &source).await),
        (403, "M_MISSING_CONTENT_TOKEN")
    );
    let with = |token: &str| {
        let path = format!("{STABLE}/copy/{}", source.path);
        let request = bob.request(Method::POST, &path);
        request.header("x-matrix-content-token", token).send()
    };
    let wrong = answer(with("wrong").await.unwrap()).await;
    assert_eq!(failure(&wrong), (403, "M_UNAUTHORIZED"));
    let right = with(source.token.as_deref().unwrap()).await.unwrap();
    let (status, made) = answer(right).await;
    assert_eq!((status, made.get("content_token")), (200, None));
    let made = Uploaded::read(&made);
    assert_eq!(outcome(&bob, &made).await, read());
    assert_eq!(outcome(&alice, &made).await, refused());
    assert_eq!(outcome(&bob, &copied(&bob, &made).await).await, read());

    let none = format!("{STABLE}/copy/localhost/none");
    assert_eq!(
        failure(&bob.post(&none, json!({})).await),
        (404, "M_NOT_FOUND")
    );
    let own = format!("{STABLE}/copy/{}", made.path);
    for (body, errcode) in [("[]", "M_BAD_JSON"), ("{", "M_NOT_JSON")] {
        let request = bob.request(Method::POST, &own).body(body);
        let refused = answer(request.send().await.unwrap()).await;
        assert_eq!(failure(&refused), (400, errcode));
    }
    let pending = Uploaded::read(&bob.post("/_matrix/media/v1/create", json!({})).await.1);
    let early = bob.request(Method::POST, &format!("{STABLE}/copy/{}", pending.path));
    let early = early.header("x-matrix-content-token", pending.token.clone().unwrap());
    let early = answer(early.send().await.unwrap()).await;
    assert_eq!(failure(&early), (504, "M_NOT_YET_UPLOADED"));
    let nobody = Someone::new(&homeserver, "");
    assert_eq!(nobody.post(&own, json!({})).await.0, 401);
    assert_eq!(bob.get(&own).await.0, 405);
}

#[tokio::test(flavor = "multi_thread")]
async fn media_that_nobody_attaches_goes_by_itself() {
    let homeserver = start(|options| {
        options.content_tokens = false;
        options.linked_media = true;
        options.unattached_for = Duration::ZERO;
    })
    .await;
    let alice = register(&homeserver, "alice").await;
    let room = alice.create_room(json!({})).await;
    let source = alice.upload(b"bytes", "text/plain").await;
    let late = copied(&alice, &source).await;
    let refused = send(&alice, &room, "1", &[&late]).await;
    assert_eq!(failure(&refused), (400, "M_INVALID_PARAM"));
    assert_eq!(outcome(&alice, &late).await, gone());
    let left = copied(&alice, &source).await;
    let mut both = [source.mxc.as_str(), left.mxc.as_str()];
    both.sort_unstable();
    assert_eq!(alice.clean_up().await, json!(both));
    let unseen = restricted(&alice).await;
    assert_eq!(alice.count(&unseen).await["deleted"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_linked_media_the_parameter_is_unknown() {
    let homeserver = start(|_| ()).await;
    let alice = register(&homeserver, "alice").await;
    let room = alice.create_room(json!({})).await;
    let medium = alice.upload(b"bytes", "text/plain").await;
    let event = attached(&alice, &room, "1", &medium).await;
    assert_eq!(alice.event(&room, &event).await.0, 200);
    assert_eq!(alice.count(&medium).await["attached_to"], Value::Null);
}
