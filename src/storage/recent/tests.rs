//! Cached links are forgotten with their own changes, and only with those.

use std::time::Duration;

use futures_util::{FutureExt, future::BoxFuture};
use medialink_link::LinkState;

use crate::storage::{
    Database, Opener, StorageError,
    engine::{Connection, query},
    test_database::{insert_link, open, place},
};

use super::*;

/// A database with the links `a`, `b` and `c`, each of a usage of its own.
struct Play {
    folder: tempfile::TempDir,
    database: Database,
}

type Written<'c> = BoxFuture<'c, Result<(), StorageError>>;

async fn execute(connection: &mut Connection, sql: &'static str) -> Result<(), StorageError> {
    query(sql).execute(connection).await?;
    Ok(())
}

impl Play {
    async fn new() -> Self {
        let (folder, database) = open().await;
        let play = Self { folder, database };
        for link_id in ["a", "b", "c"] {
            insert_link(&play.database, link_id.to_owned()).await;
        }
        play
    }

    async fn write(&self, sql: &'static str) {
        let written = self
            .database
            .writer()
            .write(move |connection| -> Written<'_> { execute(connection, sql).boxed() });
        written.await.expect("writes");
    }

    async fn look(&self, link_id: &str) -> Arc<LinkRow> {
        let found = self.database.link(link_id).await.expect("reads");
        found.expect("a link")
    }

    /// How many lookups it costs to look at all links.
    async fn lookups(&self) -> u64 {
        let before = self.database.link_lookups();
        for link_id in ["a", "b", "c"] {
            self.look(link_id).await;
        }
        self.database.link_lookups() - before
    }
}

#[tokio::test]
async fn a_thousand_looks_beside_commits_about_others_cost_one_lookup() {
    let play = Play::new().await;
    play.write("UPDATE links SET state = 'revoked' WHERE link_id = 'a'")
        .await;
    let before = play.database.link_lookups();
    for n in 0..1000 {
        if n % 20 == 0 {
            insert_link(&play.database, format!("other{n}")).await;
            play.write("UPDATE links SET state = 'revoked' WHERE link_id = 'b'")
                .await;
            play.write("UPDATE media_references SET copy_mxc = 'mxc://example.org/x' WHERE id = 3")
                .await;
        }
        assert_eq!(play.look("a").await.state, LinkState::Revoked);
    }
    // A server tells of our own change of it once more.
    let most = 1 + u64::from(support::is_postgres());
    let lookups = play.database.link_lookups() - before;
    assert!((1..=most).contains(&lookups), "{lookups}");
}

#[tokio::test]
async fn a_link_is_forgotten_when_its_row_changes() {
    let play = Play::new().await;
    play.lookups().await;
    assert_eq!(play.lookups().await, 0);
    play.write("UPDATE links SET state = 'revoked' WHERE link_id = 'b'")
        .await;
    assert_eq!(play.lookups().await, 1);
    assert_eq!(play.look("b").await.state, LinkState::Revoked);
}

#[tokio::test]
async fn links_are_forgotten_when_their_usage_changes() {
    let play = Play::new().await;
    play.write("UPDATE links SET media_reference_id = 1 WHERE link_id = 'c'")
        .await;
    // What is read while a server tells of the change is not remembered.
    while play.lookups().await > 0 {}
    play.write("UPDATE media_references SET copy_mxc = 'mxc://example.org/copy' WHERE id = 1")
        .await;
    assert_eq!(play.lookups().await, 2);
    for link_id in ["a", "c"] {
        let copy = play
            .look(link_id)
            .await
            .copy
            .as_ref()
            .map(ToString::to_string);
        assert_eq!(copy.as_deref(), Some("mxc://example.org/copy"), "{link_id}");
    }
    assert_eq!(play.look("b").await.copy, None);
}

#[tokio::test]
async fn counters_leave_links_cached() {
    let play = Play::new().await;
    play.lookups().await;
    let counted = play
        .database
        .writer()
        .write_counts(|connection| -> Written<'_> {
            execute(connection, "UPDATE links SET follows = follows + 1").boxed()
        });
    counted.await.expect("writes");
    assert_eq!(play.lookups().await, 0);
    // A write after it is noticed again.
    play.write("UPDATE links SET state = 'spent' WHERE link_id = 'a'")
        .await;
    assert_eq!(play.lookups().await, 1);
}

#[tokio::test]
async fn a_commit_of_another_process_is_noticed() {
    let play = Play::new().await;
    play.lookups().await;
    let other = Database::open(&place(play.folder.path()), Opener::Command)
        .await
        .expect("opens");
    let written = other.writer().write(|connection| -> Written<'_> {
        execute(
            connection,
            "UPDATE links SET state = 'revoked' WHERE link_id = 'a'",
        )
        .boxed()
    });
    written.await.expect("writes");
    let noticed = async {
        while play.look("a").await.state != LinkState::Revoked {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let noticed = tokio::time::timeout(Duration::from_secs(30), noticed);
    noticed.await.expect("noticed");
}

#[tokio::test]
async fn a_row_that_was_read_before_a_commit_is_not_cached_after_it() {
    let play = Play::new().await;
    let row = play.look("a").await;
    for changes in [
        changes_of(&[row.id], &[]),
        changes_of(&[], &[row.media_reference_id]),
        // Nobody knows whether the row was read before this or after it.
        changes_of(&[row.id + 1], &[]),
    ] {
        let recent = RecentLinks::default();
        let generation = recent.get("a").expect_err("nothing is cached");
        recent.forget(&changes);
        recent.put(generation, &row);
        let generation = recent.get("a").expect_err("it may be old");
        recent.put(generation, &row);
        assert!(
            recent
                .get("a")
                .is_ok_and(|cached| Arc::ptr_eq(&cached, &row))
        );
        recent.forget(&changes_of(&[], &[]));
        assert!(recent.get("a").is_ok());
        recent.forget_all();
        assert!(recent.get("a").is_err());
    }
}

fn changes_of(links: &[i64], usages: &[i64]) -> Changes {
    Changes {
        links: links.iter().copied().collect(),
        usages: usages.iter().copied().collect(),
        ..Changes::default()
    }
}

#[tokio::test]
async fn what_is_evicted_is_not_listed_any_more() {
    let play = Play::new().await;
    let row = play.look("a").await;
    let recent = RecentLinks::default();
    for id in 0..i64::try_from(MAX_LINKS.get()).expect("small") + 5 {
        let other = LinkRow {
            id,
            link_id: id.to_string(),
            media_reference_id: id % 3,
            ..LinkRow::clone(&row)
        };
        let generation = recent.rows().generation;
        recent.put(generation, &Arc::new(other));
    }
    let rows = recent.rows();
    let listed: usize = rows.of_usage.values().map(HashSet::len).sum();
    assert_eq!(rows.by_link_id.len(), MAX_LINKS.get());
    assert_eq!(
        (rows.link_ids.len(), listed),
        (MAX_LINKS.get(), MAX_LINKS.get())
    );
}
