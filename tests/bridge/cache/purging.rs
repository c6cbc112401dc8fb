//! A cache whose folder is another state than that which was purged is not trusted.

use std::path::{Path, PathBuf};

use support::{World, eventually, files};

const MORE: &str = "usage: {mode: never}\nmedia: {cache: {dir: c}}";

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("a folder") {
        let path = entry.expect("an entry").path();
        let target = to.join(path.file_name().expect("a name"));
        if path.is_dir() {
            copy(&path, &target);
        } else {
            std::fs::copy(path, target).expect("copies");
        }
    }
}

#[tokio::test]
async fn an_older_copy_of_the_cache_is_emptied() {
    let world = World::new().await;
    let service = world.service(MORE).await;
    let (mxc, token) = world.upload("dies", "text/plain").await;
    let body = serde_json::json!({"mxc": mxc, "content_token": token, "room_id": world.room_id});
    let link = service.issue(body).await;
    assert_eq!(service.follow(&link).await.status(), 200);
    let (cache, backup) = (world.folder.path().join("c"), world.folder.path().join("b"));
    let count = || files(&cache).0.len();
    let is_growing = |path: &PathBuf| {
        path.parent()
            .is_some_and(|shelf| shelf.ends_with("growing"))
    };
    eventually("its file", async || {
        let files = files(&cache).0;
        (files.len() == 1 && !files.iter().any(is_growing)).then_some(())
    })
    .await;
    copy(&cache, &backup);
    service.revoke(&link).await;
    eventually("the end of its file", async || (count() == 0).then_some(())).await;
    // Its second purge comes and goes.
    eventually("both purges", async || {
        service.clock.advance(61_000);
        (service.count_logged().await == 0).then_some(())
    })
    .await;
    service.stop().await;

    // What is purged stays so after a start, and what is there stays there.
    let service = world.service(MORE).await;
    assert_eq!(service.count_caches().await, 1);
    service.stop().await;
    std::fs::remove_dir_all(&cache).expect("removes");
    copy(&backup, &cache);
    assert_eq!(count(), 1);
    let service = world.service(MORE).await;
    assert_eq!(count(), 0);
    service.stop().await;
}
