use super::*;
use crate::storage::{
    engine::{query_scalar, run_script},
    test_database::{open, place},
};
use futures_util::FutureExt;
use support::only_on_sqlite;

#[tokio::test]
async fn a_failed_write_is_undone_and_its_neighbours_stand() {
    let (_folder, database) = open().await;
    let note = |txn: &'static str, fail: bool| {
        let writer = database.writer().clone();
        async move {
            writer
                .write(move |c| {
                    async move {
                        history::note_transaction(c, "irc", txn, b"digest", 1).await?;
                        if fail {
                            Err(StorageError::Corrupt("test"))
                        } else {
                            Ok(())
                        }
                    }
                    .boxed()
                })
                .await
        }
    };
    let (a, b, c) = tokio::join!(note("a", false), note("b", true), note("c", false));
    assert!(a.is_ok() && b.is_err() && c.is_ok());
    let kept: Vec<String> = query_scalar("SELECT txn_id FROM appservice_transactions ORDER BY 1")
        .fetch_all(database.reader())
        .await
        .expect("reads");
    assert_eq!(kept, ["a", "c"]);
}

#[tokio::test]
async fn one_service_at_a_time_and_a_file_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    if !only_on_sqlite("it is about the file") {
        return;
    }
    let (folder, database) = open().await;
    let place = place(folder.path());
    let error = Database::open(&place, Opener::Service)
        .await
        .expect_err("locked")
        .to_string();
    assert!(error.contains("another service"), "{error}");
    assert!(Database::open(&place, Opener::Command).await.is_ok());
    let mode = std::fs::metadata(folder.path().join("data/medialink.db"))
        .expect("there")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    drop(database);
}

#[tokio::test]
async fn the_lock_of_a_service_that_has_just_ended_is_waited_for() {
    if !only_on_sqlite("it is about the lock beside the file") {
        return;
    }
    let (folder, database) = open().await;
    let place = place(folder.path());
    // As a process holds it that was being started when the service ended.
    let lock = folder.path().join("data/medialink.db.lock");
    let lock = std::fs::File::open(lock).expect("a lock");
    drop(database);
    lock.lock().expect("held");
    let (opened, ()) = tokio::join!(Database::open(&place, Opener::Service), async {
        drop(lock);
    });
    assert!(opened.is_ok(), "{opened:?}");
}

#[tokio::test]
async fn a_transaction_is_new_once() {
    let (_folder, database) = open().await;
    for expected in [true, false] {
        let noted = database
            .writer()
            .write::<_, StorageError, _>(|c| {
                history::note_transaction(c, "irc", "1", b"digest", 1).boxed()
            })
            .await
            .expect("writes");
        assert_eq!(noted, expected);
    }
}

#[tokio::test]
async fn a_room_that_is_revoked_again_and_again_is_remembered_once() {
    let (_folder, database) = open().await;
    let revoked = database
        .writer()
        .write::<_, StorageError, _>(|c| {
            async move {
                let of_event = links::Criteria {
                    room_id: Some("!r".to_owned()),
                    event_id: Some("$e".to_owned()),
                    ..links::Criteria::default()
                };
                history::note_revocation(c, "irc", &of_event, 1).await?;
                for now in [10, 20, 30] {
                    history::note_revocation_of_room(c, "irc", "!r", now).await?;
                }
                history::is_revoked(c, "irc", "!r", "$other", "mxc://a/b", 30).await
            }
            .boxed()
        })
        .await
        .expect("writes");
    assert!(revoked);
    let kept: i64 = query_scalar("SELECT COUNT(*) FROM revocations")
        .fetch_one(database.reader())
        .await
        .expect("reads");
    assert_eq!(kept, 2);
}

#[tokio::test]
async fn a_touch_finds_no_link_whose_time_is_over_even_before_that_is_recorded() {
    let (_folder, database) = open().await;
    let written = database.writer().write(|connection| {
        async move {
            run_script(&mut *connection, "INSERT INTO matrix_ids (id, matrix_id) VALUES (1, '!r:example.org'); \
                 INSERT INTO media_references (id, bridge, room, mxc, state) \
                 VALUES (1, 'irc', 1, 'mxc://example.org/a', 'disabled'); \
                 INSERT INTO links (link_id, form, key_id, bridge, media_reference_id, room, \
                 issued_at, expires_at, state) VALUES ('a', 'short', 1, 'irc', 1, 1, 1, 1000, 'live');").await?;
            touches::schedule(connection, "mxc://example.org/a", 10).await
        }
        .boxed()
    });
    written.await.expect("writes");
    let bridge_at = async |now| {
        let asked = touches::TouchQuery {
            now,
            bridges: &["irc"],
            busy: &[],
            busy_servers: &[],
        };
        let due = touches::next_due(database.reader(), asked).await;
        due.expect("reads").expect("a touch is due").bridge
    };
    assert_eq!(bridge_at(999).await.as_deref(), Some("irc"));
    assert_eq!(bridge_at(1000).await, None);
}
