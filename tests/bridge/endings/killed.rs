use std::time::Duration;

use medialink::storage::{Database, Opener, endings::is_any_open};
use serde_json::json;
use support::{Process, World, database_config, eventually};

use super::scene::{Bridge, some};

const LINKS: usize = 20_000;

/// Whether the database in this folder holds a decision that is not carried out.
async fn is_half_way(process: &Process) -> bool {
    let config = database_config(&process.folder);
    let database = Database::open(&config, Opener::Command).await;
    let database = database.expect("opens");
    is_any_open(database.reader()).await.expect("reads")
}

#[tokio::test]
async fn a_revocation_that_is_killed_half_way_holds_for_every_link() {
    let world = World::new().await;
    let folder = tempfile::tempdir().expect("a folder");
    let more = "usage: {batch_window: 20ms}";
    let mut process = Process::new(folder.path(), &world.url, more);
    process.start().await;
    let (mxc, token) = world.upload("bytes", "text/plain").await;
    let medium = json!({"mxc": mxc, "content_token": token, "room_id": world.room_id});
    let (client, internal, public) = (
        process.client.clone(),
        process.internal.clone(),
        process.public.clone(),
    );
    let bridge = Bridge {
        client: &client,
        internal: &internal,
    };
    let links = bridge.issue(LINKS, &medium, &json!({})).await;
    let last = links.last().expect("a link");
    assert_eq!(bridge.follow(&public, last).await, Some(200));
    let criteria = json!({"room_id": world.room_id});
    let killed = async {
        // It is decided once the last link, whose row is far from being done, has ended.
        eventually("the decision", async || {
            (bridge.follow(&public, last).await == Some(410)).then_some(())
        })
        .await;
        process.kill();
    };
    let (answer, ()) = tokio::join!(bridge.revoke(&criteria), killed);
    assert_eq!(answer, None, "it was answered before it was killed");
    assert!(is_half_way(&process).await, "it was killed too late");
    process.start().await;
    for link in some(&links) {
        assert_eq!(bridge.follow(&public, link).await, Some(410));
    }
    // All of them have ended by the first one.
    assert_eq!(bridge.revoke(&criteria).await, Some(0));
    eventually("the rows", async || {
        (!is_half_way(&process).await).then_some(())
    })
    .await;
    process.drained().await;
    tokio::time::timeout(Duration::from_secs(30), process.terminate())
        .await
        .expect("it stops");
}
