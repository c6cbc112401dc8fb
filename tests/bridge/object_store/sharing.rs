//! What one has downloaded is there for all.

use futures_util::future::join_all;
use support::{SeaweedFs, only_on_postgres};

use super::scene::{Scene, body, media, read_at};

#[tokio::test]
async fn media_is_downloaded_once_by_all_replicas() {
    if !only_on_postgres("a SQLite file has one service") {
        return;
    }
    let Some(store) = SeaweedFs::start().await else {
        return;
    };
    let bytes = media(3 << 20);
    let scene = Scene::of(&store, bytes.clone()).await;
    let mut replicas = Vec::new();
    for number in 0..3 {
        replicas.push(scene.service(&format!("data/cache{number}")).await);
    }
    let link = replicas[0].issue(body()).await;
    let followers = (0..30).map(|n| read_at(&replicas[n % 3], &link));
    for read in join_all(followers).await {
        assert!(read == bytes);
    }
    assert_eq!(scene.downloads(), 1);
    store.wait_for_objects(1).await;
    // Another one that has never had it, later.
    let late = scene.service("data/late").await;
    assert!(read_at(&late, &link).await == bytes);
    assert_eq!(scene.downloads(), 1);
    late.stop().await;
    for replica in replicas {
        replica.stop().await;
    }
}

#[tokio::test]
async fn media_outlives_the_disk_in_the_object_store() {
    let Some(store) = SeaweedFs::start().await else {
        return;
    };
    // Nothing, less than a block, a few blocks, and several parts.
    for length in [0, 10, 200_000, 20_000_000] {
        let bytes = media(length);
        let scene = Scene::of(&store, bytes.clone()).await;
        let service = scene.service("data/one").await;
        let link = service.issue(body()).await;
        assert!(read_at(&service, &link).await == bytes);
        store.wait_for_objects(1).await;
        service.stop().await;
        let service = scene.service("data/two").await;
        for _ in 0..2 {
            assert!(read_at(&service, &link).await == bytes, "{length}");
        }
        assert_eq!(scene.downloads(), 1, "{length}");
        service.revoke(&link).await;
        store.wait_for_objects(0).await;
        service.stop().await;
    }
}
