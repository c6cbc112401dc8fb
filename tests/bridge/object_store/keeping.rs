//! What the object store holds, for how long, and what it never holds.

use serde_json::json;
use support::{
    AS_TOKEN, SeaweedFs, Service, World,
    encrypted::{encrypted, encrypted_file},
    only_on_postgres,
};

use super::scene::{Scene, body, media, read_at};

fn more(store: &SeaweedFs, cache: &str) -> String {
    format!(
        "usage: {{mode: never}}\nmedia: {{cache: {{dir: {cache}, s3: {}}}}}",
        store.settings()
    )
}

#[tokio::test]
async fn it_holds_no_secret_and_tells_of_no_medium() {
    let Some(store) = SeaweedFs::start().await else {
        return;
    };
    let world = World::new().await;
    let service = world.service(&more(&store, "data/cache")).await;
    service.follows_for_store().await;
    let secret_words = b"words that only the room may read, and its links".repeat(40);
    let (file, file_token) = encrypted_file(&world, &secret_words).await;
    let link = json!({"file": file, "content_token": file_token, "room_id": world.room_id});
    let encrypted_link = service.issue(link).await;
    let plain_words = b"words that everybody may read".repeat(40);
    let (mxc, token) = world.upload(&plain_words[..], "text/plain").await;
    let link = json!({"mxc": mxc, "content_token": token, "room_id": world.room_id, "filename": "named.txt"});
    let plain_link = service.issue(link).await;
    assert_eq!(read_at(&service, &encrypted_link).await, secret_words);
    assert_eq!(read_at(&service, &plain_link).await, plain_words);
    store.wait_for_objects(2).await;
    // It is looked for in the right place.
    assert!(store.contains(&plain_words));
    assert!(store.contains(&encrypted(&secret_words)));
    let media_id = mxc.rsplit('/').next().expect("an ID");
    let key = file["key"]["k"].as_str().expect("a key");
    for secret in [
        &secret_words[..48],
        file_token.as_bytes(),
        token.as_bytes(),
        key.as_bytes(),
        &[41; 32],
        AS_TOKEN.as_bytes(),
        media_id.as_bytes(),
        world.room_id.as_bytes(),
        b"named.txt",
    ] {
        let text = String::from_utf8_lossy(secret);
        assert!(!store.contains(secret), "{text}");
    }
    service.stop().await;
}

#[tokio::test]
async fn a_dead_link_and_its_age_take_an_object_away() {
    let Some(store) = SeaweedFs::start().await else {
        return;
    };
    // Neither when the store is joined nor later is anything deleted that is not ours.
    store.put("cache/00/other").await;
    let scene = Scene::of(&store, media(1000)).await;
    let service = scene.service("data/cache").await;
    let old = service.issue(body()).await;
    read_at(&service, &old).await;
    store.wait_for_objects(2).await;
    scene.clock.advance(29 * 86_400_000);
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    assert_eq!(store.objects().await.len(), 2);
    scene.clock.advance(2 * 86_400_000);
    store.wait_for_objects(1).await;
    assert_eq!(store.objects().await, ["/cache/00/other"]);
    service.stop().await;
}

#[tokio::test]
async fn a_purge_waits_until_the_object_store_answers_again() {
    let Some(mut store) = SeaweedFs::start().await else {
        return;
    };
    let scene = Scene::of(&store, media(1000)).await;
    let service = scene.service("data/cache").await;
    let link = service.issue(body()).await;
    read_at(&service, &link).await;
    store.wait_for_objects(1).await;
    store.kill();
    service.revoke(&link).await;
    service.stop().await;
    store.start_again().await;
    assert_eq!(store.objects().await.len(), 1);
    let service = scene.service("data/cache").await;
    store.wait_for_objects(0).await;
    service.stop().await;
}

#[tokio::test]
async fn an_object_is_deleted_once_for_all_replicas() {
    if !only_on_postgres("a SQLite file has one service") {
        return;
    }
    let Some(store) = SeaweedFs::start().await else {
        return;
    };
    let world = World::new().await;
    let clock = medialink::clock::Clock::default();
    let mut replicas = Vec::new();
    for number in 0..3 {
        let more = more(&store, &format!("data/cache{number}"));
        let folder = world.folder.path();
        replicas.push(Service::start_at(folder, &world.url, "", &more, &clock).await);
    }
    replicas[0].follows_for_store().await;
    let mut links = Vec::new();
    for word in ["dies", "stays"] {
        let (mxc, token) = world.upload(word, "text/plain").await;
        let link = json!({"mxc": mxc, "content_token": token, "room_id": world.room_id});
        links.push(replicas[0].issue(link).await);
    }
    for replica in &replicas {
        for link in &links {
            read_at(replica, link).await;
        }
    }
    store.wait_for_objects(2).await;
    replicas[2].revoke(&links[0]).await;
    store.wait_for_objects(1).await;
    assert!(!store.objects().await.is_empty());
    assert_eq!(read_at(&replicas[1], &links[1]).await, b"stays");
    // Three folders, and the store.
    assert_eq!(replicas[0].count_caches().await, 4);
    for replica in replicas {
        replica.stop().await;
    }
}
