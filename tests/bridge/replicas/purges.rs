//! Media of a dead link leaves the disks of all replicas, also of one that was away.

use std::path::PathBuf;

use support::{Service, eventually, files, only_on_postgres};

use super::scene::{REASON, Replicas, follow_at};

impl Replicas {
    /// The files of the cache of the replica with this number.
    fn cached(&self, number: usize) -> Vec<PathBuf> {
        let name = format!("data/cache{number}");
        files(&self.world.folder.path().join(name)).0
    }

    async fn wait_for_files(&self, number: usize, count: usize) {
        eventually("its files", async || {
            (self.cached(number).len() == count).then_some(())
        })
        .await;
    }

    /// Starts the replica with this number again.
    async fn start_again(&mut self, number: usize) {
        let clock = self.all[0].clock.clone();
        let more = format!("usage: {{mode: never}}\nmedia: {{cache: {{dir: data/cache{number}}}}}");
        let (folder, homeserver) = (self.world.folder.path(), &self.world.url);
        let service = Service::start_at(folder, homeserver, "", &more, &clock).await;
        self.all.push(service);
    }
}

#[tokio::test]
async fn media_of_a_dead_link_leaves_all_disks_and_that_of_a_replica_that_was_away_at_its_start() {
    if !only_on_postgres(REASON) {
        return;
    }
    let mut replicas = Replicas::start(3, "usage: {mode: never}").await;
    let mut links = Vec::new();
    for medium in ["dies", "stays"] {
        let body = replicas.medium(medium).await;
        links.push(replicas.all[0].issue(body).await);
    }
    for (number, service) in replicas.all.iter().enumerate() {
        for link in &links {
            assert_eq!(follow_at(service, link).await, 200);
        }
        replicas.wait_for_files(number, 2).await;
    }
    let away = replicas.all.pop().expect("the third one");
    away.stop().await;
    replicas.all[1].revoke(&links[0]).await;
    for number in 0..2 {
        replicas.wait_for_files(number, 1).await;
    }
    // What was purged once more has been read as well, and the log is as long as one cache needs it.
    for _ in 0..3 {
        replicas.all[0].clock.advance(61_000);
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
    assert_eq!(replicas.cached(2).len(), 2);
    replicas.start_again(2).await;
    replicas.wait_for_files(2, 1).await;
    for (number, service) in replicas.all.iter().enumerate() {
        assert_eq!(follow_at(service, &links[1]).await, 200);
        let left = std::fs::read(&replicas.cached(number)[0]).expect("a file");
        assert!(left.starts_with(b"stays"));
    }
    replicas.stop().await;
}

#[tokio::test]
async fn a_replica_that_was_away_for_more_than_a_week_begins_with_an_empty_cache() {
    if !only_on_postgres(REASON) {
        return;
    }
    let mut replicas = Replicas::start(2, "usage: {mode: never, touch: never}").await;
    let body = replicas.medium("stays").await;
    let link = replicas.all[0].issue(body).await;
    for (number, service) in replicas.all.iter().enumerate() {
        assert_eq!(follow_at(service, &link).await, 200);
        replicas.wait_for_files(number, 1).await;
    }
    let away = replicas.all.pop().expect("the second one");
    away.stop().await;
    let clock = replicas.all[0].clock.clone();
    // It is there after six days; after more than seven it is not waited for any more.
    clock.advance(6 * 86_400_000);
    for _ in 0..3 {
        clock.advance(61_000);
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
    assert_eq!(replicas.all[0].count_caches().await, 2);
    clock.advance(86_400_000);
    eventually("the end of its cursor", async || {
        clock.advance(61_000);
        (replicas.all[0].count_caches().await == 1).then_some(())
    })
    .await;
    assert_eq!(replicas.cached(1).len(), 1);
    replicas.start_again(1).await;
    assert_eq!(replicas.cached(1).len(), 0);
    assert_eq!(replicas.cached(0).len(), 1, "that of the other one stays");
    assert_eq!(replicas.all[0].count_caches().await, 2);
    replicas.stop().await;
}
