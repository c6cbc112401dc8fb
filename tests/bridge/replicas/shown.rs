//! Links that bridges make by themselves, beside what shows their media.

use serde_json::{Value, json};
use sqlx::{Connection as _, Executor, PgConnection};
use support::{database_url, eventually, only_on_postgres};

use super::scene::{REASON, Replicas, push, redaction};

const UNSIGNED: &str = "legacy_links: [{format: unsigned, bridge: irc}]\nusage: {mode: never}";

/// Two replicas, and a medium.
struct Held {
    replicas: Replicas,
    mxc: String,
    token: String,
}

impl Held {
    async fn new() -> Self {
        let replicas = Replicas::start(2, UNSIGNED).await;
        let (mxc, token) = replicas.world.upload("a medium", "text/plain").await;
        Self {
            replicas,
            mxc,
            token,
        }
    }

    /// An event of a room shows the medium.
    async fn show(&self, room: &str, event: &str) {
        let content = json!({"msgtype": "m.image", "url": self.mxc, "content_token": self.token});
        let shown = json!([{"type": "m.room.message", "event_id": event, "room_id": room,
            "sender": "@alice:example.org", "content": content}]);
        assert_eq!(push(&self.replicas.all[0], event, &shown).await, 200);
    }

    /// The status that the link is answered with at a replica.
    async fn follow(&self, replica: usize) -> u16 {
        let media = self.mxc.trim_start_matches("mxc://");
        let path = format!("/_matrix/media/v3/download/{media}");
        let answer = self.replicas.all[replica].get(&path).await;
        answer.status().as_u16()
    }

    async fn connect(&self) -> PgConnection {
        let url = database_url(self.replicas.world.folder.path());
        PgConnection::connect(&url).await.expect("connects")
    }

    /// Nobody writes links, until this connection commits.
    async fn hold(&self) -> PgConnection {
        let mut others = self.connect().await;
        let hold = "BEGIN; LOCK TABLE links IN EXCLUSIVE MODE";
        others.execute(hold).await.expect("locks");
        others
    }

    /// So many of ours wait for each other, or for the others.
    async fn wait_for(&self, waiting: i64) {
        let count = "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() \
                     AND wait_event_type = 'Lock'";
        let mut beside = self.connect().await;
        eventually("writes that wait", async || {
            let count = sqlx::query_scalar::<_, i64>(count);
            let count = count.fetch_one(&mut beside).await.expect("a number");
            (count >= waiting).then_some(())
        })
        .await;
    }

    async fn redact(&self, replica: usize, room: &str, event: &str) -> u16 {
        let events: Value = json!([redaction(room, event)]);
        let txn = format!("{event}-redacted");
        push(&self.replicas.all[replica], &txn, &events).await
    }

    async fn end_everywhere(self) {
        for replica in 0..2 {
            eventually("the end of the link", async || {
                (self.follow(replica).await == 410).then_some(())
            })
            .await;
        }
        self.replicas.stop().await;
    }
}

#[tokio::test]
async fn two_redactions_at_once_leave_nothing_that_shows_a_medium() {
    if !only_on_postgres(REASON) {
        return;
    }
    let held = Held::new().await;
    let (room, other) = (
        held.replicas.world.room_id.clone(),
        held.replicas.world.new_room().await,
    );
    held.show(&room, "$a").await;
    held.show(&other, "$b").await;
    assert_eq!(held.follow(0).await, 200);
    let mut others = held.hold().await;
    let commit = async {
        held.wait_for(2).await;
        others.execute("COMMIT").await.expect("commits");
    };
    let (first, second, ()) = tokio::join!(
        held.redact(0, &room, "$a"),
        held.redact(1, &other, "$b"),
        commit
    );
    assert_eq!((first, second), (200, 200));
    held.end_everywhere().await;
}

#[tokio::test]
async fn a_link_is_not_recorded_beside_the_redaction_of_what_shows_its_medium() {
    if !only_on_postgres(REASON) {
        return;
    }
    let held = Held::new().await;
    let room = held.replicas.world.room_id.clone();
    held.show(&room, "$a").await;
    let mut others = held.hold().await;
    let redact = async {
        held.wait_for(1).await;
        let redact = held.redact(1, &room, "$a");
        let commit = async {
            held.wait_for(2).await;
            others.execute("COMMIT").await.expect("commits");
        };
        tokio::join!(redact, commit).0
    };
    let (_, redacted) = tokio::join!(held.follow(0), redact);
    assert_eq!(redacted, 200);
    held.end_everywhere().await;
}

#[tokio::test]
async fn a_link_is_not_recorded_beside_the_revocation_of_its_medium() {
    if !only_on_postgres(REASON) {
        return;
    }
    let held = Held::new().await;
    let room = held.replicas.world.room_id.clone();
    held.show(&room, "$a").await;
    let mut others = held.hold().await;
    let revoke = async {
        held.wait_for(1).await;
        let revoke = held.replicas.all[1].revoke_matching(json!({"mxc": held.mxc}));
        let commit = async {
            held.wait_for(2).await;
            others.execute("COMMIT").await.expect("commits");
        };
        tokio::join!(revoke, commit).0
    };
    let (_, revoked) = tokio::join!(held.follow(0), revoke);
    assert_eq!(revoked, 1);
    held.end_everywhere().await;
}
