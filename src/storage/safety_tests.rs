use futures_util::FutureExt;
use medialink_link::KeyState;
use support::is_postgres;

use super::{
    engine::{query, query_scalar, run_script},
    link_keys::{AdmitError, KeyObjection},
    test_database::{open, place},
    *,
};
use crate::key_store::KeyFact;

async fn run(database: &Database, sql: &'static str) {
    let written = database
        .writer()
        .write::<_, StorageError, _>(move |connection| {
            async move {
                run_script(connection, sql).await?;
                Ok(())
            }
            .boxed()
        });
    written.await.expect("writes");
}

async fn texts(database: &Database, sql: &'static str) -> Vec<String> {
    let read = query_scalar(sql).fetch_all(database.reader());
    read.await.expect("reads")
}

#[tokio::test]
async fn a_write_that_panics_ends_the_writer_and_takes_nothing_along_half() {
    let (folder, database) = open().await;
    let note = |name: &'static str, panics: bool| {
        let writer = database.writer().clone();
        async move {
            let write = writer.write::<_, StorageError, _>(move |connection| {
                async move {
                    query("INSERT INTO secrets (name, value) VALUES ($1, $2)")
                        .bind(name)
                        .bind(&b"secret"[..])
                        .execute(connection)
                        .await?;
                    assert!(!panics, "on purpose");
                    Ok(())
                }
                .boxed()
            });
            write.await
        }
    };
    note("before", false).await.expect("writes");
    let outcomes = tokio::join!(note("a", false), note("b", true), note("c", false));
    // On a server, its neighbours are transactions of their own.
    let stand = is_postgres();
    for (outcome, stands) in [
        (outcomes.0, stand),
        (outcomes.1, false),
        (outcomes.2, stand),
    ] {
        match outcome {
            Ok(()) => assert!(stands),
            Err(StorageError::Closed) => assert!(!stands),
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!(database.writer().ended().await, WriterEnd::Panicked);
    if !stand {
        assert!(matches!(note("d", false).await, Err(StorageError::Closed)));
        let told = database.prove_writable(1).await.expect_err("no writer");
        assert!(told.contains("closed"), "{told}");
    }
    drop(database);
    let database = Database::open(&place(folder.path()), Opener::Service)
        .await
        .expect("opens");
    let kept = texts(&database, "SELECT name FROM secrets ORDER BY 1").await;
    let expected: &[&str] = if stand {
        &["a", "before", "c"]
    } else {
        &["before"]
    };
    assert_eq!(kept, expected);
}

#[tokio::test]
async fn commands_make_no_database_and_bring_none_up_to_date() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = place(folder.path());
    let command = async || Database::open(&place, Opener::Command).await;
    let told = async || command().await.expect_err("refused").to_string();
    let missing = told().await;
    assert!(missing.contains("medialink serve"), "{missing}");
    assert!(!folder.path().join("data").exists());
    let database = Database::open(&place, Opener::Service)
        .await
        .expect("opens");
    assert!(command().await.is_ok());
    run(
        &database,
        "DELETE FROM _sqlx_migrations WHERE version = (SELECT MAX(version) FROM _sqlx_migrations)",
    )
    .await;
    let older = told().await;
    assert!(older.contains("of an older version"), "{older}");
    assert!(older.contains("medialink serve"), "{older}");
    run(
        &database,
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
         VALUES (9999, 'later', TRUE, '\\x00', 0)",
    )
    .await;
    let newer = told().await;
    assert!(newer.contains("of a newer version (found 9999"), "{newer}");
    drop(database);
    let service = Database::open(&place, Opener::Service).await;
    let newer = service.expect_err("refused").to_string();
    assert!(newer.contains("of a newer version (found 9999"), "{newer}");
}

fn key(id: u8, secret: u8, state: KeyState) -> KeyFact {
    KeyFact {
        id,
        created: time::OffsetDateTime::UNIX_EPOCH,
        state,
        fingerprint: [secret; 16],
    }
}

#[tokio::test]
async fn an_id_stands_for_one_key_for_ever() {
    let (_folder, database) = open().await;
    let admit = async |keys: Vec<KeyFact>| {
        let written = database.writer().write(move |connection| {
            async move { link_keys::admit(connection, &keys, 1).await }.boxed()
        });
        match written.await {
            Ok(()) => None,
            Err(AdmitError::Objection(objection)) => Some(objection),
            Err(AdmitError::Storage(error)) => panic!("{error}"),
        }
    };
    let (active, verify) = (KeyState::Active, KeyState::Verify);
    assert_eq!(admit(vec![key(1, 1, active)]).await, None);
    let other = admit(vec![key(2, 2, verify), key(1, 9, active)]).await;
    assert_eq!(other, Some(KeyObjection::OtherSecret(1)));
    let used = async || {
        link_keys::ever_used(database.reader())
            .await
            .expect("reads")
    };
    assert_eq!(used().await, [1], "nothing of such a file is noted");
    let keys = vec![key(1, 1, KeyState::Revoked), key(2, 2, active)];
    assert_eq!(admit(keys).await, None);
    let revoked = admit(vec![key(1, 1, verify), key(2, 2, active)]).await;
    assert_eq!(revoked, Some(KeyObjection::Revoked(1, "verify")));
    let written = database
        .writer()
        .write::<_, StorageError, _>(|connection| link_keys::retire(connection, 1).boxed());
    written.await.expect("writes");
    let retired = admit(vec![key(1, 1, KeyState::Revoked), key(2, 2, active)]).await;
    assert_eq!(retired, Some(KeyObjection::Retired(1)));
    assert_eq!(admit(vec![key(2, 2, active)]).await, None);
    assert_eq!(used().await, [1, 2]);
}

#[tokio::test]
async fn work_that_waits_for_a_time_too_far_ahead_is_done_now() {
    let (_folder, database) = open().await;
    run(
        &database,
        "INSERT INTO touches (mxc, next_touch_at) VALUES ('far', 999999999999), ('near', 2000); \
         INSERT INTO matrix_ids (id, matrix_id) VALUES (1, '!r'); \
         INSERT INTO media_references (bridge, room, mxc, state, pending_at) \
         VALUES ('irc', 1, 'far', 'pending', 999999999999), ('irc', 1, 'near', 'pending', 900);",
    )
    .await;
    let waits = far_future::ConfiguredWaits {
        release_after: 0,
        touch: Some(1000),
    };
    let written = database
        .writer()
        .write::<_, StorageError, _>(move |connection| {
            far_future::pull_back(connection, waits, 1000).boxed()
        });
    written.await.expect("writes");
    let touches = "SELECT mxc || ' ' || next_touch_at FROM touches ORDER BY 1";
    assert_eq!(texts(&database, touches).await, ["far 1000", "near 2000"]);
    let usages = "SELECT mxc || ' ' || pending_at FROM media_references ORDER BY 1";
    assert_eq!(texts(&database, usages).await, ["far 1000", "near 900"]);
}

#[tokio::test]
async fn secrets_that_have_to_stay_are_in_nobodys_way() {
    let (_folder, database) = open().await;
    run(
        &database,
        "INSERT INTO matrix_ids (id, matrix_id) VALUES (1, '!r'); \
         INSERT INTO media_references (id, bridge, room, mxc, content_token, state, counted_by) VALUES \
         (1, 'irc', 1, 'm', 'counted', 'counted', 1), (2, 'irc', 1, 'm', 'live', 'disabled', NULL), \
         (3, 'irc', 1, 'm', 'cached', 'released', NULL), (4, 'irc', 1, 'm', 'over', 'released', NULL), \
         (5, 'irc', 1, 'm', 'over-too', 'failed', NULL); \
         INSERT INTO cache_purges (media_reference_id, purge_at) VALUES (3, 1); \
         INSERT INTO links (link_id, form, key_id, bridge, media_reference_id, room, file, issued_at, state) \
         SELECT 'link-' || content_token, 'short', 1, 'irc', id, 1, '\\x00', 1, 'revoked' FROM media_references; \
         UPDATE links SET state = 'live' WHERE media_reference_id = 2; \
         INSERT INTO seen_media (bridge, mxc, room_id, event_id, shown_by, content_token, seen_at, gone_at) \
         VALUES ('irc', 'm', '!r', '$a', '$a', 'shown', 1, NULL), ('irc', 'm', '!r', '$b', '$b', 'hidden', 1, 2);",
    )
    .await;
    let wipe = async || {
        // One row at a time, as if there were very many.
        for _ in 0..10 {
            let wiped = database
                .writer()
                .write::<_, StorageError, _>(|c| wipe::wipe(c, 1).boxed());
            if wiped.await.expect("writes") == 0 {
                return;
            }
        }
        panic!("it does not end");
    };
    let left = "SELECT substr(link_id, 6) FROM links WHERE file IS NOT NULL \
         UNION ALL SELECT content_token FROM seen_media WHERE content_token <> '' ORDER BY 1";
    let usages = "SELECT content_token FROM media_references ORDER BY id";
    wipe().await;
    let kept = ["cached", "counted", "live", "shown"];
    assert_eq!(texts(&database, left).await, kept);
    let kept = ["counted", "live", "cached", " 4", " 5"];
    assert_eq!(texts(&database, usages).await, kept);
    run(&database, "DELETE FROM cache_purges").await;
    wipe().await;
    let kept = ["counted", "live", "shown"];
    assert_eq!(texts(&database, left).await, kept, "it has been purged");
    assert!(database.empty_log().await.expect("emptied"));
}
