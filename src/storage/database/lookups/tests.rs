//! Links that are looked up together, each for whoever wants it.

use futures_util::{FutureExt, future::join_all};

use crate::storage::{
    Database,
    engine::query,
    test_database::{insert_link, open},
};

use super::*;

async fn with_links(link_ids: &[&str]) -> (tempfile::TempDir, Database) {
    let (folder, database) = open().await;
    for link_id in link_ids {
        insert_link(&database, (*link_id).to_owned()).await;
    }
    (folder, database)
}

async fn look(lookups: &Lookups, database: &Database, link_id: &str) -> Option<String> {
    let found = lookups.find(database.reader(), link_id).await;
    found.expect("reads").map(|row| row.link_id.clone())
}

#[tokio::test]
async fn everybody_gets_the_link_that_was_asked_for() {
    let link_ids: Vec<String> = (0..2 * TOGETHER + 50).map(|n| format!("link{n}")).collect();
    let all: Vec<&str> = link_ids.iter().map(String::as_str).collect();
    let (_folder, database) = with_links(&all).await;
    let lookups = Lookups::default();
    let asked = all.iter().chain(&all).chain(&["none"]).copied();
    let found = join_all(
        asked
            .clone()
            .map(|link_id| look(&lookups, &database, link_id)),
    )
    .await;
    for (link_id, found) in asked.zip(found) {
        let wanted = (link_id != "none").then_some(link_id);
        assert_eq!(found.as_deref(), wanted);
    }
    // The turns are over, and nothing waits.
    let turns = [(); AT_ONCE].map(|()| {
        lookups
            .0
            .join(AT_ONCE, |waiting| assert!(waiting.is_empty()))
    });
    assert!(turns.iter().all(Option::is_some));
}

#[tokio::test]
async fn what_waits_is_looked_up_together() {
    let (_folder, database) = with_links(&["a", "b", "c"]).await;
    let lookups = Lookups::default();
    let mut turns = Vec::new();
    let mut waiting = Vec::new();
    for link_id in ["a", "b", "c", "a", "none"] {
        let (answer, answered) = oneshot::channel();
        turns.extend(lookups.enqueue(link_id, answer));
        waiting.push(answered);
    }
    assert_eq!(turns.len(), AT_ONCE);
    let mut first = turns.swap_remove(0);
    let taken = first.next(take).expect("those that wait");
    assert_eq!((taken.len(), taken["a"].len()), (4, 2));
    assert!(
        turns[0].next(take).is_none(),
        "nothing is left for the other one"
    );
    drop((taken, first, turns));
    // Nobody was answered: all of them look for themselves.
    for answered in waiting {
        assert!(answered.await.is_err());
    }
    assert_eq!(look(&lookups, &database, "b").await.as_deref(), Some("b"));
}

#[tokio::test]
async fn a_row_that_cannot_be_read_fails_nobody_else() {
    let (_folder, database) = with_links(&["a", "b", "c"]).await;
    let damaged = database.writer().write::<_, StorageError, _>(|connection| {
        let damage = query("UPDATE links SET event_id = 'no event ID' WHERE link_id = 'b'");
        async move { damage.execute(connection).await.map(|_| ()) }.boxed()
    });
    damaged.await.expect("writes");
    let lookups = Lookups::default();
    let found = join_all(["a", "b", "c"].map(|one| lookups.find(database.reader(), one))).await;
    let is_found = found
        .iter()
        .map(|one| one.as_ref().is_ok_and(Option::is_some));
    assert_eq!(is_found.collect::<Vec<_>>(), [true, false, true]);
    assert!(found[1].is_err());
}

#[tokio::test]
async fn whoever_goes_away_leaves_the_others_waiting_for_their_answer() {
    let (_folder, database) = with_links(&["a", "b"]).await;
    let lookups = Lookups::default();
    {
        let mut gone = Box::pin(lookups.find(database.reader(), "a"));
        assert!(futures_util::poll!(&mut gone).is_pending());
    }
    let found = join_all(["a", "b"].map(|link_id| look(&lookups, &database, link_id))).await;
    assert_eq!(found, [Some("a".to_owned()), Some("b".to_owned())]);
}

#[test]
fn a_thread_that_ends_leaves_nobody_waiting() {
    let runtime = || tokio::runtime::Runtime::new().expect("a runtime");
    let stays = runtime();
    let (_folder, database) = stays.block_on(with_links(&["a"]));
    let lookups = Lookups::default();
    let ended = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime");
    let mut waiting = Vec::new();
    ended.block_on(async {
        for _ in 0..AT_ONCE {
            let (answer, answered) = oneshot::channel();
            let turn = lookups.enqueue("a", answer).expect("a turn");
            tokio::spawn(run(turn, database.reader().clone()));
            waiting.push(answered);
        }
    });
    drop(ended);
    for answered in waiting {
        assert!(stays.block_on(answered).is_err());
    }
    assert_eq!(
        stays.block_on(look(&lookups, &database, "a")).as_deref(),
        Some("a")
    );
}
