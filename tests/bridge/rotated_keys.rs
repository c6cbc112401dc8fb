//! Link keys that are made by the clock, and for bridges that sign by themselves.

use std::path::Path;

use medialink::{clock::Clock, key_store};
use medialink_link::{
    KeyRing, KeyState, LinkClaims,
    matrix::{ContentToken, MxcUri, RoomId},
    sign_self_contained,
};
use serde_json::json;
use support::{Process, Service, World, eventually, is_postgres};

const DAY: i64 = 86_400_000;

fn keys(folder: &Path) -> Vec<(u8, KeyState)> {
    let entries = key_store::entries(&folder.join("data/link-keys.yaml")).expect("a key file");
    entries.iter().map(|key| (key.id, key.state)).collect()
}

#[tokio::test]
async fn a_key_that_is_old_enough_is_rotated_once_by_all_together() {
    let world = World::new().await;
    let (folder, clock) = (world.folder.path(), Clock::default());
    let more =
        "usage: {mode: never, touch: never}\nlinks: {rotate_every: 30d, max_lifetime: never}";
    let mut replicas = Vec::new();
    for _ in 0..if is_postgres() { 3 } else { 1 } {
        replicas.push(Service::start_at(folder, &world.url, "", more, &clock).await);
    }
    let (mxc, token) = world.upload("hello", "text/plain").await;
    let body =
        json!({"mxc": mxc, "content_token": token, "room_id": world.room_id, "lifetime_ms": 0});
    let link = replicas[0].issue(body).await;
    for round in 1..4 {
        clock.advance(29 * DAY);
        let signing = replicas[0].key_ring().active().id();
        assert_eq!(signing, round);
        clock.advance(2 * DAY);
        for replica in &replicas {
            eventually("the next key", async || {
                (replica.key_ring().active().id() == round + 1).then_some(())
            })
            .await;
        }
        let verifying = (1..=round).map(|id| (id, KeyState::Verify));
        let expected = Vec::from_iter(verifying.chain([(round + 1, KeyState::Active)]));
        assert_eq!(keys(folder), expected);
        assert_eq!(replicas[0].follow(&link).await.status(), 200);
    }
    for replica in replicas {
        replica.stop().await;
    }
}

#[tokio::test]
async fn a_bridge_gets_a_key_of_its_own_by_a_command() {
    let world = World::new().await;
    let mut process = Process::new(world.folder.path(), &world.url, "usage: {mode: never}");
    process.start().await;
    let file = world.folder.path().join("irc-key.yaml");
    let file_name = file.to_str().expect("text");
    let other = process.run(&["keys", "add", "xmpp", file_name]);
    assert!(!other.status.success());
    let said = String::from_utf8_lossy(&other.stderr).into_owned();
    assert!(
        said.contains(r#""xmpp" is no configured bridge; there are irc"#),
        "{said}"
    );
    assert!(
        process
            .run(&["keys", "add", "irc", file_name])
            .status
            .success()
    );
    // What is there is not overwritten, and no key is made for it.
    assert!(
        !process
            .run(&["keys", "add", "irc", file_name])
            .status
            .success()
    );
    assert_eq!(
        keys(world.folder.path()),
        [(1, KeyState::Active), (2, KeyState::Verify)]
    );

    let ring =
        KeyRing::from_entries(key_store::entries(&file).expect("a key file")).expect("a ring");
    let (mxc, token) = world.upload("hello", "text/plain").await;
    let mxc = MxcUri::parse(&mxc).expect("valid");
    let mut claims = LinkClaims::new(RoomId::parse(&world.room_id).expect("valid"), mxc);
    claims.content_token = Some(ContentToken::parse(&token).expect("valid"));
    let now_s = u32::try_from(Clock::default().now_ms() / 1000).expect("this century");
    let signed = sign_self_contained(ring.active(), &claims, now_s, 3600, [7; 12]);
    let url = format!("{}/m/{}", process.public, signed.expect("it fits").expose());
    eventually("the key to be known", async || {
        let answer = process.client.get(&url).send().await.expect("an answer");
        (answer.status() == 200).then_some(())
    })
    .await;
    assert!(process.terminate().await.success());
}
