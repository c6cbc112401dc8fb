use serde_json::json;
use support::{eventually, only_on_postgres};

use super::scene::{Bridge, some};
use crate::replicas::scene::{REASON, Replicas, follow_at};

const LINKS: usize = 3000;

#[tokio::test]
async fn what_one_service_has_decided_holds_at_all_() {
    if !only_on_postgres(REASON) {
        return;
    }
    let replicas = Replicas::start(3, "usage: {batch_window: 20ms}").await;
    let medium = replicas.medium("bytes").await;
    let first = replicas.nth(0);
    let bridge = Bridge {
        client: &first.client,
        internal: &first.internal,
    };
    let links = bridge.issue(LINKS, &medium, &json!({})).await;
    let last = links.last().expect("a link");
    for service in &replicas.all {
        assert_eq!(follow_at(service, last).await, 200);
    }
    let criteria = json!({"room_id": replicas.world.room_id});
    let others = async {
        for service in &replicas.all[1..] {
            eventually("the decision of another one", async || {
                (follow_at(service, last).await == 410).then_some(())
            })
            .await;
        }
    };
    let (revoked, ()) = tokio::join!(bridge.revoke(&criteria), others);
    assert_eq!(revoked, Some(u64::try_from(LINKS).expect("few")));
    for link in some(&links) {
        for service in &replicas.all {
            assert_eq!(follow_at(service, link).await, 410);
        }
    }
    replicas.stop().await;
}
