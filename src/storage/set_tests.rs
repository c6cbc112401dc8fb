//! Writes by sets.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
    time::Duration,
};

use futures_util::FutureExt;
use medialink_event::{Appearance, Warning};
use medialink_link::{
    KeyId, LinkClaims, LinkForm, LinkState,
    matrix::{ContentToken, EventId, FileKeys, MxcUri, RoomId},
};
use tokio::sync::Notify;

use super::{
    Connection, StorageError,
    engine::{Kind, QueryBuilder, Rows},
    links::{self, LinkRow, NewLink, NewPaste, Renewal, Repeated},
    media_references::{self, NotedUsage},
    test_database::open,
};

fn new_link(link_id: &str, event: &str) -> NewLink {
    NewLink {
        link_id: link_id.to_owned(),
        form: LinkForm::SelfContained,
        key_id: Some(KeyId::try_from(7).expect("a key ID")),
        sealed: Some((*b"\x00nonce\xff.....", 4_000_000_000)),
        bridge: "irc".to_owned(),
        media_reference_id: 0,
        claims: LinkClaims {
            room_id: RoomId::parse("!\u{1f408}\"'\\:example.org").expect("a room"),
            event_id: Some(EventId::parse(event).expect("an event")),
            mxc: MxcUri::parse("mxc://example.org/a").expect("a medium"),
            content_token: Some(ContentToken::parse("token").expect("a token")),
            file: Some(FileKeys {
                key: [0; 32],
                iv: [255; 16],
                sha256: *b"0123456789abcdef0123456789abcdef",
            }),
            mimetype: Some("text/\u{0}\u{1}\u{7f}\u{2028}".to_owned()),
            filename: Some("12".to_owned()),
        },
        sender: Some("@a:example.org".to_owned()),
        size: Some(i64::MAX),
        appearance: Appearance {
            width: Some(u32::MAX),
            duration_ms: Some(u64::MAX),
            warning: Some(Warning {
                is_spoiler: true,
                reason: Some(String::new()),
            }),
            ..Appearance::default()
        },
        shown_by: Some(EventId::parse("$edit").expect("an event")),
        issued_at: -1,
        expires_at: None,
        max_follows: Some(0),
        max_size: None,
        pages_only: true,
        state: LinkState::Live,
        paste: Some(NewPaste {
            digest: [1; 32],
            language: Some("\u{0}".to_owned()),
        }),
    }
}

async fn store(
    connection: &mut Connection,
    mut links: Vec<NewLink>,
) -> Result<(Vec<NewLink>, NotedUsage, HashMap<String, i64>), StorageError> {
    let used: Vec<_> = links.iter().map(|link| (&link.claims, true)).collect();
    let usages = media_references::note_usages(connection, "irc", &used, 5).await?;
    for (link, usage) in links.iter_mut().zip(&usages) {
        link.media_reference_id = usage.id;
    }
    let ids = links::insert_all(connection, &links).await?;
    Ok((links, usages[0].clone(), ids))
}

#[tokio::test]
async fn a_new_link_is_told_as_it_is_stored() {
    let (_folder, database) = open().await;
    let pairs = database
        .writer()
        .write(|connection| {
            async move {
                let links = vec![new_link("a", "$a"), new_link("b", "$b")];
                let (links, usage, ids) = store(connection, links).await?;
                let mut pairs: Vec<(LinkRow, LinkRow)> = Vec::new();
                for link in links {
                    let stored = links::stored(connection, &link.link_id).await?;
                    let id = ids[&link.link_id];
                    pairs.push((link.stored(id, &usage)?, stored));
                }
                Ok::<_, StorageError>(pairs)
            }
            .boxed()
        })
        .await
        .expect("writes");
    assert_eq!(pairs.len(), 2);
    assert!(pairs[0].0.id < pairs[1].0.id, "in order");
    for (told, stored) in pairs {
        assert_eq!(told.claims, stored.claims);
        assert_eq!(format!("{told:?}"), format!("{stored:?}"));
    }
}

#[tokio::test]
async fn of_links_with_the_same_id_the_first_is_stored() {
    let (_folder, database) = open().await;
    let (count, event_id, again) = database
        .writer()
        .write(|connection| {
            async move {
                let links = vec![new_link("a", "$a"), new_link("a", "$b")];
                let (_, _, ids) = store(connection, links).await?;
                let stored = links::stored(connection, "a").await?;
                let (_, _, again) = store(connection, vec![new_link("a", "$c")]).await?;
                Ok::<_, StorageError>((ids.len(), stored.claims.event_id.clone(), again.len()))
            }
            .boxed()
        })
        .await
        .expect("writes");
    assert_eq!((count, again), (1, 0));
    assert_eq!(event_id.as_ref().map(EventId::as_str), Some("$a"));
}

#[tokio::test]
async fn a_link_that_is_asked_for_again_does_not_end_meanwhile() {
    for is_paste in [false, true] {
        asked_for_again(is_paste).await;
    }
}

/// Whether it is found as a paste, or as any other link.
async fn asked_for_again(is_paste: bool) {
    let (_folder, database) = open().await;
    let link = || NewLink {
        max_follows: None,
        expires_at: Some(100),
        ..new_link("a", "$a")
    };
    let stored = database.writer().write(move |connection| {
        async move { store(connection, vec![link()]).await.map(drop) }.boxed()
    });
    stored.await.expect("writes");
    let (found, ended) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (is_found, has_ended) = (Arc::clone(&found), Arc::clone(&ended));
    let asked = database.writer().write(move |connection| {
        let (is_found, has_ended) = (Arc::clone(&is_found), Arc::clone(&has_ended));
        async move {
            let asked = BTreeSet::from([Repeated::of(&link().claims, LinkForm::SelfContained)]);
            let rows = if is_paste {
                let found = links::find_paste(connection, &[1; 32], 0, 50).await?;
                found.into_iter().collect()
            } else {
                links::find_repeated(connection, "irc", asked, 50).await?
            };
            is_found.notify_one();
            // Whoever would end it has time for that, and has to wait.
            let within = Duration::from_millis(500);
            drop(tokio::time::timeout(within, has_ended.notified()).await);
            let later = Renewal {
                claims: &rows[0].claims,
                appearance: &rows[0].appearance,
                shown_by: None,
                media_reference_id: rows[0].media_reference_id,
                expires_at: Some(1000),
                renewed_at: None,
            };
            links::update(connection, rows[0].id, &later).await
        }
        .boxed()
    });
    let expired = async {
        found.notified().await;
        let expired = database.writer().write(|connection| {
            async move { links::expire(connection, 200, 10).await.map(drop) }.boxed()
        });
        let expired: Result<(), StorageError> = expired.await;
        ended.notify_one();
        expired
    };
    let (asked, expired): (Result<(), StorageError>, _) = futures_util::join!(asked, expired);
    asked.and(expired).expect("writes");
    let row = links::find(database.reader(), "a")
        .await
        .expect("reads")
        .expect("a link");
    assert_eq!((row.state, row.expires_at), (LinkState::Live, Some(1000)));
}

type Row = (Option<i64>, Option<String>, Option<Vec<u8>>);

#[tokio::test]
async fn rows_are_read_as_they_were_pushed() {
    let (_folder, database) = open().await;
    let columns = &[
        ("number", Kind::Integer),
        ("text", Kind::Text),
        ("bytes", Kind::Bytes),
    ];
    let mut rows = Rows::new(columns);
    let pushed = [
        (Some(i64::MIN), Some("\"1\"\n\u{1}'"), Some(vec![0, 255])),
        (None, None, None),
        (Some(i64::MAX), Some(""), Some(Vec::new())),
        (Some(1), Some("null"), Some(vec![16])),
    ];
    for (number, text, bytes) in pushed.clone() {
        rows.push([number.into(), text.into(), bytes.into()]);
    }
    let mut query = QueryBuilder::new("SELECT number, text, bytes FROM ");
    query.push_rows(rows).push(" AS rows WHERE 1 = ");
    query.push_bind(1_i64);
    let read: Vec<Row> = query
        .build_query_as()
        .fetch_all(database.reader())
        .await
        .expect("reads");
    let pushed = pushed.map(|(number, text, bytes)| (number, text.map(str::to_owned), bytes));
    assert_eq!(read, pushed);

    let mut query = QueryBuilder::new("SELECT COUNT(*) FROM ");
    query.push_rows(Rows::new(columns)).push(" AS rows");
    let count: i64 = query
        .build_query_scalar()
        .fetch_one(database.reader())
        .await
        .expect("reads");
    assert_eq!(count, 0);
}
