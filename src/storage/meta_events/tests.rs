use crate::storage::Run;
use futures_util::{FutureExt, future::BoxFuture};

use super::*;
use crate::storage::{
    Database, StorageError,
    comparison::{Stray, StrayEnd, settle_stray},
    engine::{Connection, query, query_scalar, run_script},
    media_references, room_successors,
    test_database::open,
};

const LEASE: i64 = 1000;

async fn write<T, F>(database: &Database, write: F) -> T
where
    T: Send + 'static,
    F: Run<T, StorageError>,
{
    database.writer().write(write).await.expect("writes")
}

async fn run(database: &Database, sql: &'static str) {
    write(database, move |connection| {
        async move {
            run_script(connection, sql).await?;
            Ok(())
        }
        .boxed()
    })
    .await;
}

/// Queues a meta event that counts one new usage.
async fn queue(database: &Database, bridge: &str, room_id: &str, at: i64) -> i64 {
    let (bridge, room_id) = (bridge.to_owned(), room_id.to_owned());
    write(database, move |connection| {
        async move {
            query("INSERT INTO matrix_ids (matrix_id) VALUES ($1) ON CONFLICT DO NOTHING")
                .bind(&room_id)
                .execute(&mut *connection)
                .await?;
            let usage: i64 = query_scalar(
                "INSERT INTO media_references (bridge, room, mxc, state, pending_at) \
                 SELECT $1, id, 'mxc://a/' || abs(random()), 'pending', 1 FROM matrix_ids \
                 WHERE matrix_id = $2 RETURNING id",
            )
            .bind(&bridge)
            .bind(&room_id)
            .fetch_one(&mut *connection)
            .await?;
            let event = NewMetaEvent {
                bridge,
                room_id,
                event_type: "t".to_owned(),
                content: "{}".to_owned(),
                batch: crate::random::id(),
                device_id: String::new(),
                members: vec![usage],
                has_copy: true,
            };
            insert(connection, &event, at).await
        }
        .boxed()
    })
    .await
}

fn wanted() -> Wanted {
    Wanted {
        bridge: "irc".to_owned(),
        claimant: "claimant".to_owned(),
        after_others: vec![],
        with_resting: true,
    }
}

async fn claim_next(database: &Database, wanted: Wanted, now: i64) -> Option<ClaimedEvent> {
    write(database, move |connection| {
        async move { claim(connection, &wanted, LEASE, now).await }.boxed()
    })
    .await
}

/// Everything that the tables say of usage.
async fn everything(database: &Database) -> Vec<String> {
    let mut told = Vec::new();
    for query in [
        "SELECT concat_ws(' ', id, state, event_id, txn_id, redact_txn_id, attempts, unknown_since, next_attempt_at, \
         claim, claimed_until, claimed_at, review_at, last_error, copies_refused, redacted_at) \
         FROM meta_events ORDER BY id",
        "SELECT concat_ws(' ', id, state, pending_at, counted_by, queued_in, copy_mxc) FROM media_references ORDER BY id",
        "SELECT concat_ws(' ', meta_event_id, copy_mxc, copied_at) FROM meta_event_members ORDER BY 1",
    ] {
        let rows = query_scalar::<String>(query).fetch_all(database.reader());
        told.extend(rows.await.expect("reads"));
    }
    told
}

/// Each way to note the outcome of an attempt; whether the claim was held.
type Settle =
    for<'c> fn(&'c mut Connection, &'c Claim) -> BoxFuture<'c, Result<bool, StorageError>>;

const SETTLES: [Settle; 8] = [
    |c, claim| settle_sent(c, claim, "$sent", 5, 6).boxed(),
    |c, claim| settle_redacted(c, claim, 6).boxed(),
    |c, claim| send_again(c, claim, 6).boxed(),
    |c, claim| replace_copies(c, claim, 6, "refused").boxed(),
    |c, claim| postpone(c, claim, 6, Some(7), "failed").boxed(),
    |c, claim| hold(c, claim, LEASE, 6).boxed(),
    |c, claim| {
        async move {
            let copy = NewCopy {
                usage: 1,
                mxc: "mxc://a/b".to_owned(),
                copied_at: 6,
            };
            Ok(note_copies(c, claim, &[copy], true).await?.is_some())
        }
        .boxed()
    },
    |c, claim| {
        async move {
            let given_up = give_up(c, claim, GiveUp::Failed, "refused", 6).await?;
            Ok(given_up.is_some())
        }
        .boxed()
    },
];

async fn settle(database: &Database, settle: Settle, claim: Claim) -> bool {
    write(database, move |connection| {
        async move { settle(connection, &claim).await }.boxed()
    })
    .await
}

#[tokio::test]
async fn an_attempt_whose_claim_is_lost_changes_nothing() {
    for (number, by) in SETTLES.into_iter().enumerate() {
        let (_folder, database) = open().await;
        let id = queue(&database, "irc", "!r", 10).await;
        if number == 1 {
            run(&database, "UPDATE meta_events SET state = 'redacting'").await;
        }
        let lost = claim_next(&database, wanted(), 10).await.expect("is due");
        assert!(claim_next(&database, wanted(), 10 + LEASE).await.is_none());
        write(&database, |connection| {
            free_ended_claims(connection, "irc", 10 + LEASE).boxed()
        })
        .await;
        // Freed, and then claimed by another.
        let before = everything(&database).await;
        assert!(!settle(&database, by, lost.claim()).await, "{number}");
        assert_eq!(everything(&database).await, before, "{number}");
        let held = claim_next(&database, wanted(), 10 + LEASE).await;
        let held = held.expect("is due again");
        assert_eq!((held.id, held.unknown_since), (id, Some(10)));
        let before = everything(&database).await;
        assert!(!settle(&database, by, lost.claim()).await, "{number}");
        assert_eq!(everything(&database).await, before, "{number}");
        assert!(settle(&database, by, held.claim()).await, "{number}");
        assert_ne!(everything(&database).await, before, "{number}");
    }
}

#[tokio::test]
async fn one_event_of_each_room_is_claimed_and_rooms_served_last_wait() {
    let (_folder, database) = open().await;
    for at in 0..3 {
        queue(&database, "irc", "!a", at).await;
    }
    queue(&database, "irc", "!b", 5).await;
    queue(&database, "irc", "!c", 6).await;
    let first = claim_next(&database, wanted(), 10).await.expect("is due");
    assert_eq!(first.room_id, "!a");
    let second = claim_next(&database, wanted(), 10).await.expect("is due");
    assert_eq!(second.room_id, "!b");
    assert!(settle(&database, SETTLES[0], first.claim()).await);
    let after_a = Wanted {
        after_others: vec!["!a".to_owned()],
        ..wanted()
    };
    let third = claim_next(&database, after_a.clone(), 10).await;
    assert_eq!(third.expect("is due").room_id, "!c");
    // When there is no other, it is its turn again.
    let fourth = claim_next(&database, after_a, 10).await;
    assert_eq!(fourth.expect("is due").room_id, "!a");
    let reader = database.reader();
    assert!(!any_claimable(reader, &wanted(), 10).await.expect("reads"));
}

#[tokio::test]
async fn a_room_that_rests_is_left_out_until_it_has_rested() {
    let (_folder, database) = open().await;
    queue(&database, "irc", "!r", 1).await;
    let failures = write(&database, |connection| {
        async move {
            note_failure(connection, "irc", "!r").await?;
            let failures = note_failure(connection, "irc", "!r").await?;
            rest(connection, "irc", "!r", 50).await?;
            Ok(failures)
        }
        .boxed()
    })
    .await;
    assert_eq!(failures, 2);
    let without = Wanted {
        with_resting: false,
        ..wanted()
    };
    let reader = database.reader();
    let times = next_times(reader, "irc", 10).await.expect("reads");
    assert_eq!(times.rest_ends_at, Some(50));
    assert!(claim_next(&database, wanted(), 49).await.is_none());
    assert!(claim_next(&database, without.clone(), 50).await.is_none());
    let claimed = claim_next(&database, wanted(), 50).await.expect("is due");
    assert!(claimed.has_rested);
    assert!(settle(&database, SETTLES[4], claimed.claim()).await);
    write(&database, |connection| {
        make_due(connection, "irc", "!r", 60).boxed()
    })
    .await;
    let claimed = claim_next(&database, without, 60).await.expect("is due");
    assert!(!claimed.has_rested);
}

#[tokio::test]
async fn what_is_made_due_while_it_is_attempted_is_attempted_again() {
    let (_folder, database) = open().await;
    queue(&database, "irc", "!r", 1).await;
    let claimed = claim_next(&database, wanted(), 5).await.expect("is due");
    write(&database, |connection| {
        make_due(connection, "irc", "!r", 5).boxed()
    })
    .await;
    let postponed = async |claim: Claim| {
        write(&database, move |connection| {
            async move { postpone(connection, &claim, 1000, None, "no").await }.boxed()
        })
        .await
    };
    assert!(postponed(claimed.claim()).await);
    let again = claim_next(&database, wanted(), 6).await.expect("is due");
    assert!(postponed(again.claim()).await);
    assert!(claim_next(&database, wanted(), 999).await.is_none());
    assert!(claim_next(&database, wanted(), 1000).await.is_some());
}

#[tokio::test]
async fn what_is_due_of_another_bridge_stands_before_nothing() {
    let (_folder, database) = open().await;
    for n in 0..70 {
        queue(&database, "gone", &format!("!{n}"), 1).await;
    }
    let id = queue(&database, "irc", "!r", 5).await;
    let claimed = claim_next(&database, wanted(), 10).await.expect("is due");
    assert_eq!(claimed.id, id);
    run(
        &database,
        "UPDATE meta_events SET state = 'sent', review_at = CASE bridge WHEN 'irc' THEN 2 ELSE 1 END, \
         claimed_until = NULL, next_attempt_at = NULL; \
         UPDATE media_references SET queued_in = NULL, pending_at = CASE bridge WHEN 'irc' THEN 2 ELSE 1 END; \
         INSERT INTO room_successors (bridge, room_id, successor, check_at) \
         SELECT bridge, matrix_id, '!new', CASE bridge WHEN 'irc' THEN 2 ELSE 1 END \
         FROM media_references r JOIN matrix_ids i ON i.id = r.room;",
    )
    .await;
    let mut connection = database.reader().acquire().await.expect("connects");
    let reviewed = to_review(&mut connection, "irc", 10, 64).await;
    let reviewed: Vec<i64> = reviewed.expect("reads").iter().map(|e| e.id).collect();
    assert_eq!(reviewed, [id]);
    let gathered = media_references::rooms_to_gather(&mut connection, "irc", 10, 10).await;
    assert_eq!(gathered.expect("reads"), ["!r"]);
    let checked = room_successors::due(database.reader(), "irc", 10, 8).await;
    let checked = checked.expect("reads");
    assert_eq!(checked.len(), 1);
    let times = next_times(database.reader(), "irc", 1)
        .await
        .expect("reads");
    let expected = NextTimes {
        review_at: Some(2),
        pending_since: Some(2),
        check_at: Some(2),
        next_check_at: Some(2),
        ..NextTimes::default()
    };
    assert_eq!(times, expected);
}

#[tokio::test]
async fn what_is_settled_while_its_room_is_compared_is_no_stray() {
    let (_folder, database) = open().await;
    for round in 0..50 {
        queue(&database, "irc", "!r:a", 1).await;
        let claimed = claim_next(&database, wanted(), 2).await.expect("one");
        let event_id = format!("$sent{round}");
        let stray = Stray {
            bridge: "irc".to_owned(),
            room_id: "!r:a".to_owned(),
            event_type: "t".to_owned(),
            event_id: event_id.clone(),
            batch: claimed.batch.clone(),
            sent_at: 1,
        };
        let settled = write(&database, move |connection| {
            async move { settle_sent(connection, &claimed.claim(), &event_id, 5, 3).await }.boxed()
        });
        let mut settled = std::pin::pin!(settled.fuse());
        let mut is_settled = false;
        while !is_settled {
            let stray = stray.clone();
            let compared = write(&database, move |connection| {
                async move { settle_stray(connection, &stray, 5, 3).await }.boxed()
            });
            let mut compared = std::pin::pin!(compared);
            let end = loop {
                tokio::select! {
                    end = &mut compared => break end,
                    held = &mut settled, if !is_settled => is_settled = held,
                }
            };
            assert_eq!(end, StrayEnd::Known, "{round}");
        }
    }
}

#[tokio::test]
async fn what_is_made_due_while_it_is_attempted_does_not_fail() {
    let (_folder, database) = open().await;
    queue(&database, "irc", "!r", 1).await;
    let give_up_failed = async |claim: Claim| {
        write(&database, move |connection| {
            async move {
                let given_up = give_up(connection, &claim, GiveUp::Failed, "refused", 9).await?;
                Ok(given_up.is_some())
            }
            .boxed()
        })
        .await
    };
    let claimed = claim_next(&database, wanted(), 5).await.expect("is due");
    write(&database, |connection| {
        make_due(connection, "irc", "!r", 5).boxed()
    })
    .await;
    assert!(!give_up_failed(claimed.claim()).await);
    let claim = claimed.claim();
    let postponed = write(&database, move |connection| {
        async move { postpone(connection, &claim, 1000, None, "refused").await }.boxed()
    });
    assert!(postponed.await);
    let again = claim_next(&database, wanted(), 6).await.expect("is due");
    assert!(give_up_failed(again.claim()).await);
}
