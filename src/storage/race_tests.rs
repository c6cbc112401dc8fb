//! What a write decides beside another one that is not committed yet.

use std::{sync::Arc, time::Duration};

use futures_util::{FutureExt, join};
use medialink_link::{KeyState, matrix::MxcUri};
use tokio::sync::Notify;

use super::{
    Database, Run, StorageError,
    engine::query_scalar,
    link_keys::{self, AdmitError},
    room_successors::{self, Succession},
    seen_media::{self, SeenMedium},
    test_database::open,
};
use crate::key_store::KeyFact;

/// How long a second write has time to do what it does, if nothing makes it wait.
const WHILE: Duration = Duration::from_millis(500);

/// Runs a write, and another one once the first has made its changes, but not committed them.
async fn beside<E, F, G>(database: &Database, first: F, second: G) -> (Result<(), E>, Result<(), E>)
where
    E: From<StorageError> + Send + 'static,
    F: Run<(), E> + Sync,
    G: Run<(), E>,
{
    let (changed, done) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (has_changed, is_done) = (Arc::clone(&changed), Arc::clone(&done));
    let first = database.writer().write(move |connection| {
        async move {
            first(connection).await?;
            has_changed.notify_one();
            drop(tokio::time::timeout(WHILE, is_done.notified()).await);
            Ok(())
        }
        .boxed()
    });
    let second = async {
        changed.notified().await;
        let written = database.writer().write(second).await;
        done.notify_one();
        written
    };
    join!(first, second)
}

async fn count(database: &Database, statement: &'static str) -> i64 {
    let count = query_scalar(statement).fetch_one(database.reader());
    count.await.expect("reads")
}

#[tokio::test]
async fn rooms_that_replace_each_other_do_not_both_move() {
    let (_folder, database) = open().await;
    let succession = |room_id: &str, successor: &str| Succession {
        bridge: "irc".to_owned(),
        room_id: room_id.to_owned(),
        successor: successor.to_owned(),
    };
    let (there, back) = (succession("!a", "!b"), succession("!b", "!a"));
    let both = [there.clone(), back.clone()];
    let noted = database.writer().write::<_, StorageError, _>(move |c| {
        async move {
            for succession in both {
                room_successors::note(c, &succession, 1).await?;
            }
            Ok(())
        }
        .boxed()
    });
    noted.await.expect("writes");
    let (first, second) = beside::<StorageError, _, _>(
        &database,
        move |c| async move { room_successors::moved(c, &there, 2).await }.boxed(),
        move |c| async move { room_successors::moved(c, &back, 2).await }.boxed(),
    )
    .await;
    first.and(second).expect("writes");
    let moved = "SELECT COUNT(*) FROM room_successors WHERE moved_at IS NOT NULL";
    assert_eq!(count(&database, moved).await, 1);
}

#[tokio::test]
async fn of_two_first_starts_with_other_keys_one_is_refused() {
    let (_folder, database) = open().await;
    let key = |fingerprint| KeyFact {
        id: 1,
        created: time::OffsetDateTime::UNIX_EPOCH,
        state: KeyState::Active,
        fingerprint: [fingerprint; 16],
    };
    let (ours, theirs) = (key(1), key(2));
    let (first, second) = beside::<AdmitError, _, _>(
        &database,
        move |c| async move { link_keys::admit(c, &[ours], 1).await }.boxed(),
        move |c| async move { link_keys::admit(c, &[theirs], 1).await }.boxed(),
    )
    .await;
    first.expect("admitted");
    assert!(matches!(second, Err(AdmitError::Objection(_))));
}

/// Notes that an event shows a medium.
fn show(at: i64) -> impl Run<(), StorageError> + Sync {
    move |connection| {
        async move {
            let mxc = MxcUri::parse("mxc://a/b").map_err(|_| StorageError::Corrupt("URI"))?;
            let seen = SeenMedium {
                bridge: "irc",
                room_id: "!r",
                event_id: "$e",
                shown_by: "$e",
                mxc: &mxc,
                content_token: None,
            };
            seen_media::note(connection, &seen, at).await
        }
        .boxed()
    }
}

#[tokio::test]
async fn what_is_shown_again_is_not_forgotten() {
    let (_folder, database) = open().await;
    let shown = database.writer().write::<_, StorageError, _>(show(1));
    shown.await.expect("writes");
    let (first, second) = beside::<StorageError, _, _>(&database, show(100), |c| {
        async move {
            let forgotten = seen_media::forget(c, "irc", Some(50), 50, 10).await;
            forgotten.map(drop)
        }
        .boxed()
    })
    .await;
    first.and(second).expect("writes");
    let left = "SELECT COUNT(*) FROM seen_media";
    assert_eq!(count(&database, left).await, 1);
}
