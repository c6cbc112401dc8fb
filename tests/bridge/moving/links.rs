//! What a service has promised on the one database, it keeps on the other.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use reqwest::Method;
use serde_json::{Value, json};
use sha2::Sha256;
use sqlx::{Connection, PgConnection};
use support::{
    HS_TOKEN, POLICY_EVENT_TYPE, answer, encrypted::encrypted_file, eventually, only_on_postgres,
    url,
};

use super::scene::{Scene, told};

const MORE: &str = "usage: {batch_window: 20ms, touch: never}\n\
    legacy_links: [{format: heisenbridge, bridge: irc, key: a key}]";
/// So many that a move can be killed on its way.
const MANY: i64 = 30_000;

/// What was promised before the move.
struct Promised {
    /// URLs, and the status that each has.
    statuses: Vec<(String, u16)>,
    /// A link that may be followed once more.
    twice: String,
    /// Links of the same media, which is counted.
    counted: Vec<Value>,
    /// Their content token.
    token: String,
    /// A room that allows no links.
    closed: String,
    /// A link that was followed twice.
    followed: Value,
}

/// The URL of a link as heisenbridge makes it.
fn legacy(scene: &Scene, mxc: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(b"a key").expect("a key");
    mac.update(format!("{mxc}/").as_bytes());
    let checksum = URL_SAFE_NO_PAD.encode(&mac.finalize().into_bytes()[..8]);
    let media = mxc.strip_prefix("mxc://").expect("an mxc URI");
    format!(
        "{}/_heisenbridge/media/{media}/{checksum}",
        scene.process.public
    )
}

async fn issue(scene: &Scene, event: &str, more: Value) -> Value {
    let (mxc, token) = scene
        .world
        .upload(format!("of {event}"), "text/plain")
        .await;
    let mut body = json!({"mxc": mxc, "content_token": token, "room_id": scene.world.room_id, "event_id": event});
    for (key, value) in more.as_object().expect("an object") {
        body[key] = value.clone();
    }
    scene.process.issue(body).await
}

/// The status of a request for a link in a room that allows none.
async fn asks_for_closed(scene: &Scene, room: &str) -> u16 {
    let (mxc, token) = scene.world.upload("closed", "text/plain").await;
    let body = json!({"mxc": mxc, "content_token": token, "room_id": room, "event_id": "$closed"});
    let told = scene.process.call(Method::POST, "/v1/links", &body).await;
    told.expect("an answer").0.as_u16()
}

async fn closed_room(scene: &Scene) -> String {
    let room = scene.world.new_room().await;
    let path = format!("/_matrix/client/v3/rooms/{room}/state/{POLICY_EVENT_TYPE}/");
    let policy = json!({"enabled": false});
    let (status, told) = scene.world.as_alice(Method::PUT, &path, &policy).await;
    assert_eq!(status, 200, "{told}");
    assert_eq!(asks_for_closed(scene, &room).await, 403);
    room
}

async fn links_of_every_kind(scene: &Scene) -> Vec<String> {
    let short = issue(scene, "$short", json!({"filename": "a cat.png"})).await;
    let whole = issue(scene, "$self", json!({"form": "self_contained"})).await;
    let (file, token) = encrypted_file(&scene.world, b"secret words").await;
    let body = json!({"file": file, "content_token": token, "room_id": scene.world.room_id, "event_id": "$encrypted"});
    let encrypted = scene.process.issue(body).await;
    let paste = json!({"text": "fn main() {}\n", "room_id": scene.world.room_id});
    let paste = scene.process.call(Method::POST, "/v1/pastes", &paste).await;
    let (status, paste) = paste.expect("an answer");
    assert_eq!(status, 201, "{paste}");
    for link in [&short, &whole, &encrypted, &paste] {
        scene.counted(link).await;
    }
    let revoked = issue(scene, "$revoked", json!({})).await;
    scene.revoke(&revoked).await;
    let links = [&short, &whole, &encrypted, &paste, &revoked];
    let mut urls: Vec<String> = links.iter().map(|link| url(link)).collect();
    let page = paste["page_url"].as_str().expect("a page");
    urls.push(page.to_owned());
    let mxc = seen(scene).await;
    urls.push(legacy(scene, &mxc));
    urls.push(legacy(scene, &mxc).replace("/media/", "/media/other"));
    urls.push(url(&short).replace("/m/", "/m/x"));
    urls
}

/// Media that an event has shown to the service.
async fn seen(scene: &Scene) -> String {
    let (mxc, token) = scene.world.upload("a picture", "image/png").await;
    let event = json!({
        "type": "m.room.message", "event_id": "$seen", "room_id": scene.world.room_id,
        "sender": "@alice:example.org", "origin_server_ts": 1,
        "content": {"msgtype": "m.image", "body": "cat.png", "url": mxc, "content_token": token},
    });
    let url = format!(
        "{}/_matrix/app/v1/transactions/seen",
        scene.process.internal
    );
    let request = scene.process.client.put(url).bearer_auth(HS_TOKEN);
    let (status, told) = answer(request.json(&json!({"events": [event]}))).await;
    assert_eq!(status, 200, "{told}");
    mxc
}

async fn promised(scene: &Scene) -> Promised {
    let mut statuses = Vec::new();
    for url in links_of_every_kind(scene).await {
        let status = scene.status(&url).await;
        statuses.push((url, status));
    }
    let twice = issue(scene, "$twice", json!({"max_follows": 2})).await;
    let twice = url(&twice);
    assert_eq!(scene.status(&twice).await, 200);
    let (mxc, token) = scene.world.upload("counted", "text/plain").await;
    let of = |event: &str| json!({"mxc": mxc, "content_token": token, "room_id": scene.world.room_id, "event_id": event});
    let counted = vec![
        scene.process.issue(of("$first")).await,
        scene.process.issue(of("$second")).await,
    ];
    scene.counted(&counted[1]).await;
    let followed = issue(scene, "$followed", json!({})).await;
    for _ in 0..2 {
        assert_eq!(scene.status(&url(&followed)).await, 200);
    }
    eventually("follows to be counted", async || {
        (scene.link(&followed).await["follows"] == 2).then_some(())
    })
    .await;
    scene.counted(&followed).await;
    Promised {
        statuses,
        twice,
        counted,
        token,
        closed: closed_room(scene).await,
        followed,
    }
}

/// How many rows of `links` have arrived, as the move has noted it; `None`: there is no move.
async fn arrived(server: &mut PgConnection) -> Option<i64> {
    let noted = "SELECT rows_moved FROM migration_progress WHERE table_name = 'links'";
    sqlx::query_scalar(noted).fetch_one(server).await.ok()
}

/// Begins to move, and kills it when more than this many links have arrived; how many there are then.
async fn killed_behind(scene: &Scene, server: &mut PgConnection, links: i64) -> i64 {
    let mut moving = scene.spawn_migrate(&scene.sqlite(), &scene.postgres());
    eventually("some links to arrive", async || {
        arrived(&mut *server).await.filter(|rows| *rows > links)
    })
    .await;
    moving.kill().expect("killed");
    moving.wait().expect("ended");
    let rows = arrived(server).await.expect("the move has not ended");
    assert!(rows < MANY, "it was killed on its way: {rows}");
    rows
}

async fn keeps(scene: &Scene, promised: &Promised) {
    for (url, status) in &promised.statuses {
        assert_eq!(scene.status(url).await, *status, "{url}");
    }
    let asked = scene.world.requests("rooms.state.get").await;
    assert_eq!(asks_for_closed(scene, &promised.closed).await, 403);
    assert_eq!(scene.world.requests("rooms.state.get").await, asked);
    assert_eq!(scene.status(&url(&promised.followed)).await, 200);
    eventually("one more follow", async || {
        (scene.link(&promised.followed).await["follows"] == 3).then_some(())
    })
    .await;
}

#[tokio::test]
async fn links_of_every_kind_live_on_after_a_move_that_was_killed_twice() {
    if !only_on_postgres("it moves between the two databases") {
        return;
    }
    let mut scene = Scene::new(MORE).await;
    scene.process.start().await;
    let promised = promised(&scene).await;
    let statuses: Vec<u16> = promised
        .statuses
        .iter()
        .map(|(_, status)| *status)
        .collect();
    assert_eq!(statuses, [200, 200, 200, 200, 410, 200, 200, 404, 404]);
    let events = events(&scene).await;
    assert!(!events.is_empty());
    assert!(scene.process.terminate().await.success());
    scene.add_links(MANY).await;

    scene.configure(&scene.postgres());
    let mut server = PgConnection::connect(&scene.postgres())
        .await
        .expect("connects");
    let first = killed_behind(&scene, &mut server, 1_000).await;
    let second = killed_behind(&scene, &mut server, first).await;
    assert!(second > first);
    scene.process.spawn();
    assert_eq!(scene.process.ended().await.code(), Some(1));
    assert!(
        scene
            .process
            .log()
            .contains("the target of a move that has not ended")
    );
    // The target is that of the configuration.
    let output = scene
        .process
        .run(&["migrate", "--from", &scene.sqlite(), "--json"]);
    assert!(output.status.success(), "{}", told(&output));
    let summary: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(summary["resumed"], true);

    scene.process.start().await;
    keeps(&scene, &promised).await;
    usage_goes_on(&scene, &promised, &events).await;
    assert_eq!(scene.status(&promised.twice).await, 200);
    assert_eq!(scene.status(&promised.twice).await, 410);
    assert!(scene.process.terminate().await.success());
}

/// Usage goes on where it was: nothing is counted twice, and what is not needed any more goes.
async fn usage_goes_on(scene: &Scene, promised: &Promised, events: &[Value]) {
    let first = &promised.counted[0];
    let body = json!({"mxc": first["mxc"], "content_token": promised.token, "room_id": scene.world.room_id, "event_id": "$third"});
    let third = scene.process.issue(body).await;
    scene.counted(&third).await;
    scene.process.drained().await;
    assert_eq!(self::events(scene).await, events);
    let mxc = third["mxc"].as_str().expect("mxc");
    assert_eq!(scene.world.references(mxc).await, 1);
    for link in promised.counted.iter().chain([&third]) {
        scene.revoke(link).await;
    }
    eventually("its count to go", async || {
        (scene.world.references(mxc).await == 0).then_some(())
    })
    .await;
}

/// The IDs of the room's meta events.
async fn events(scene: &Scene) -> Vec<Value> {
    let events = scene.world.meta_events(&scene.world.room_id).await;
    events
        .into_iter()
        .map(|event| event["event_id"].clone())
        .collect()
}
