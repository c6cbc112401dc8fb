//! Runs each statement whose text depends on what is asked, in each of its shapes.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::FutureExt;
use medialink_link::{
    LinkClaims, LinkForm, LinkState,
    matrix::{EventId, MxcUri, RoomId},
};

use crate::storage::{
    Connection, Database, Reader, StorageError,
    budgets::{self, BudgetChange},
    cache_purges,
    comparison::{self, RoomCriteria},
    ending::{self, Ending},
    engine::query,
    far_future::{self, ConfiguredWaits},
    front_purges, held_usages,
    history::{self, ForgetBefore, HandedOn},
    links::{self, Counted, Criteria, Repeated},
    media_references::{self, EndCause, ReleaseDelays},
    meta_events::{self, Claim, NewMetaEvent, Wanted},
    open_questions, own_uploads, purge_log, room_policies, seen_media,
    thinning::{self, Place},
    touches::{self, TouchQuery},
    wipe,
};

use super::{console_calls, denial_calls, erasure_calls, missing_calls, report_calls};

const DELAYS: ReleaseDelays = ReleaseDelays {
    batch_window_ms: 1,
    release_after_ms: 1,
};

/// Runs them on this database.
pub async fn run_all(database: &Database) {
    let read = read(database).await;
    read.expect("reads");
    let written = database.writer().write::<_, StorageError, _>(|c| {
        async move {
            write_links(c).await?;
            write_usage(c).await?;
            insert_link(c).await
        }
        .boxed()
    });
    written.await.expect("writes");
    let link = links::find(database.reader(), "id").await.expect("reads");
    let link = link.expect("a link");
    let beside = links::beside(database.reader(), &link, 1, 10);
    beside.await.expect("reads");
    let again = Repeated::of(&link.claims, link.form);
    // What was made for this is not among what is made next.
    let written = database.writer().write::<_, StorageError, _>(|c| {
        async move {
            links::find_repeated(c, "irc", BTreeSet::from([again]), 1).await?;
            for statement in [
                "DELETE FROM cache_purges",
                "DELETE FROM links",
                "DELETE FROM media_references",
                "DELETE FROM matrix_ids",
                "DELETE FROM meta_events",
            ] {
                query(statement).execute(&mut *c).await?;
            }
            Ok(())
        }
        .boxed()
    });
    written.await.expect("writes");
}

/// A link to look at what is beside it.
/// The statements that issue many links together.
async fn write_sets(c: &mut Connection, claims: &LinkClaims) -> Result<(), StorageError> {
    let of_event = Repeated::of(claims, LinkForm::Short);
    let without = LinkClaims {
        event_id: None,
        ..claims.clone()
    };
    let without = Repeated::of(&without, LinkForm::Short);
    links::find_repeated(c, "irc", BTreeSet::from([of_event.clone()]), 1).await?;
    links::find_repeated(c, "irc", BTreeSet::from([without.clone()]), 1).await?;
    links::find_repeated(c, "irc", BTreeSet::from([of_event, without]), 1).await?;
    let shown = ("!r:a", "$e", Some(&claims.mxc));
    history::are_gone(c, &[shown]).await?;
    let open = "INSERT INTO open_questions (bridge, room_id, kind, event_id, noted_at) \
         VALUES ('irc', '!r:a', 'redaction', '$other', 1)";
    query(open).execute(&mut *c).await?;
    open_questions::are_doubted(c, &[shown]).await?;
    query("DELETE FROM open_questions").execute(&mut *c).await?;
    room_policies::find_all(&mut *c, &BTreeSet::from(["!r:a"])).await?;
    touches::schedule_all(c, BTreeSet::from(["mxc://a/set".to_owned()]), 1).await?;
    let media = BTreeMap::from([("mxc://a/set", 1)]);
    touches::touched(c, &media).await?;
    touches::touched_elsewhere(c, &media).await?;
    touches::followed(c, &media).await?;
    let counted = Counted {
        link_id: "id",
        follows: 1,
        bytes: 1,
        last: 1,
    };
    links::add_follows(c, [counted]).await?;
    let claims = &LinkClaims {
        mxc: MxcUri::parse("mxc://a/set").expect("a medium"),
        ..claims.clone()
    };
    links::insert_all(c, []).await?;
    // New, released and counted by an event that is about to be redacted.
    for state in ["disabled", "released", "counted"] {
        for counted in [false, true] {
            let usages = media_references::note_usages(c, "irc", &[(claims, counted)], 1).await?;
            query("UPDATE media_references SET state = $1, counted_by = 1 WHERE id = $2")
                .bind(state)
                .bind(usages[0].id)
                .execute(&mut *c)
                .await?;
        }
    }
    Ok(())
}

async fn insert_link(c: &mut Connection) -> Result<(), StorageError> {
    for statement in [
        "INSERT INTO matrix_ids (id, matrix_id) VALUES (900000, '!room')",
        "INSERT INTO media_references (id, bridge, room, mxc, state) VALUES (900000, 'irc', 900000, 'mxc://a/b', 'disabled')",
        "INSERT INTO links (link_id, form, key_id, bridge, media_reference_id, room, event_id, issued_at, state) \
         VALUES ('id', 'short', 1, 'irc', 900000, 900000, '$e', 1, 'live')",
    ] {
        query(statement).execute(&mut *c).await?;
    }
    Ok(())
}

/// Each kind of criteria, and some of them together.
fn criteria() -> Vec<Criteria> {
    let none = Criteria::default;
    let text = || Some("text".to_owned());
    let mut all = vec![
        Criteria {
            room_id: text(),
            ..none()
        },
        Criteria {
            event_id: text(),
            ..none()
        },
        Criteria {
            mxc: text(),
            ..none()
        },
        Criteria {
            sender: text(),
            ..none()
        },
        Criteria {
            issued_before: Some(1),
            ..none()
        },
        Criteria {
            room_id: text(),
            event_id: text(),
            ..none()
        },
        Criteria {
            room_id: text(),
            sender: text(),
            issued_before: Some(1),
            ..none()
        },
        Criteria {
            room_id: text(),
            event_id: text(),
            mxc: text(),
            ..none()
        },
        Criteria {
            sender: text(),
            issued_before: Some(1),
            ..none()
        },
    ];
    all.extend(all.clone().into_iter().map(|one| Criteria {
        state: Some(LinkState::Live),
        ..one
    }));
    all
}

async fn read(database: &Database) -> Result<(), StorageError> {
    let reader = database.reader();
    links::find(reader, "id").await?;
    links::find_all(reader, vec!["id".to_owned(), "other".to_owned()]).await?;
    links::of_event(reader, "!r:a", "$e").await?;
    links::ended_of_usage(reader, 1, 1).await?;
    let mut asked = criteria();
    for state in [
        None,
        Some(LinkState::Live),
        Some(LinkState::Expired),
        Some(LinkState::Redacted),
        Some(LinkState::Revoked),
    ] {
        asked.push(Criteria {
            state,
            ..Criteria::default()
        });
        asked.push(Criteria {
            state,
            issued_before: Some(1),
            ..Criteria::default()
        });
    }
    for bridge in [Some("irc"), None] {
        for criteria in &asked {
            for before in [None, Some(5)] {
                links::list(reader, bridge, criteria, before, 10, 1).await?;
            }
        }
    }
    read_usage(reader).await
}

async fn read_usage(reader: &Reader) -> Result<(), StorageError> {
    let wanted = Wanted {
        bridge: "irc".to_owned(),
        claimant: "claimant".to_owned(),
        after_others: vec!["!r".to_owned()],
        with_resting: true,
    };
    meta_events::any_claimable(reader, &wanted, 1).await?;
    meta_events::any_claimable(
        reader,
        &Wanted {
            with_resting: false,
            ..wanted
        },
        1,
    )
    .await?;
    meta_events::next_times(reader, "irc", 1).await?;
    meta_events::backlog(reader).await?;
    for state in [None, Some("sent")] {
        meta_events::list(reader, state, 10).await?;
    }
    for bridge in [None, Some("irc".to_owned())] {
        for room_id in [None, Some("!r".to_owned())] {
            let criteria = RoomCriteria {
                bridge: bridge.clone(),
                room_id,
                not_since: None,
            };
            comparison::rooms(reader, &criteria, 1).await?;
            let criteria = RoomCriteria {
                not_since: Some(1),
                ..criteria
            };
            comparison::rooms(reader, &criteria, 1).await?;
        }
    }
    for busy in [&[][..], &["a", "b"][..]] {
        let asked = TouchQuery {
            now: 1,
            bridges: &["irc", "xmpp"],
            busy,
            busy_servers: busy,
        };
        touches::next_due(reader, asked).await?;
    }
    missing_calls::read(reader).await?;
    console_calls::read(reader).await?;
    denial_calls::read(reader).await?;
    report_calls::read(reader).await?;
    erasure_calls::read(reader).await?;
    own_uploads::unneeded(reader, &["irc".to_owned()], 1, 10).await?;
    room_policies::find(reader, "!r").await?;
    Ok(())
}

async fn write_links(c: &mut Connection) -> Result<(), StorageError> {
    let mxc = MxcUri::parse("mxc://a/b").expect("a URI");
    let claims = LinkClaims {
        room_id: RoomId::parse("!r:a").expect("a room ID"),
        event_id: Some(EventId::parse("$e").expect("an event ID")),
        mxc: mxc.clone(),
        content_token: None,
        file: None,
        mimetype: None,
        filename: None,
    };
    links::find_in(c, "id").await?;
    links::legacy_in(c, "irc", &mxc).await?;
    write_sets(c, &claims).await?;
    links::find_paste(c, &[0; 32], 1, 1).await?;
    links::of_event(&mut *c, "!r:a", "$e").await?;
    for bridge in [Some("irc"), None] {
        for criteria in &criteria() {
            let state = LinkState::Revoked;
            ending::decide(c, bridge, criteria, state, DELAYS, 1).await?;
        }
    }
    end_links(c).await?;
    thin(c).await?;
    crate::storage::open_questions::mark(c, "irc", "!r:a", &redaction()).await?;
    wipe::wipe(c, 10).await?;
    links::of_usage(c, 1).await?;
    cache_purges::media_of(c, 1).await?;
    cache_purges::done(c, &[1], 1).await?;
    purge_log::append(c, vec![vec![0; 32]]).await?;
    front_purges::wish(c, [1], (1, 1)).await?;
    Ok(())
}

/// The statements that end many links, and release their usages.
async fn end_links(c: &mut Connection) -> Result<(), StorageError> {
    let of_edit = Criteria {
        room_id: Some("!r:a".to_owned()),
        shown_by: Some("$e".to_owned()),
        ..Criteria::default()
    };
    let of_key = Criteria {
        key_id: Some(1),
        ..Criteria::default()
    };
    for criteria in [of_edit, of_key] {
        ending::decide(c, None, &criteria, LinkState::Revoked, DELAYS, 1).await?;
    }
    ending::go_on(c, DELAYS, 1).await?;
    let event = ("!r:a".to_owned(), "$e".to_owned());
    ending::decide_redacted(c, std::slice::from_ref(&event), DELAYS, 1).await?;
    history::note_redactions(c, std::slice::from_ref(&event), 1).await?;
    seen_media::end_of_events(c, &[event], 1).await?;
    links::set_doubted(c, &[1], true).await?;
    for these in [
        Ending::Revoked(1),
        Ending::LegacyNotShown(&[1]),
        Ending::LegacyRevoked(&[1]),
        Ending::Expired,
    ] {
        ending::end(c, these, DELAYS, 1).await?;
    }
    for statement in [
        "INSERT INTO matrix_ids (id, matrix_id) VALUES (900001, '!ended')",
        "INSERT INTO media_references (id, bridge, room, mxc, state, counted_by) \
         VALUES (900001, 'irc', 900001, 'mxc://a/c', 'counted', 1)",
    ] {
        query(statement).execute(&mut *c).await?;
    }
    for cause in [EndCause::Wanted, EndCause::Expired] {
        media_references::release(c, vec![900_001], cause, DELAYS, (1, 1)).await?;
    }
    Ok(())
}

/// The statements that delete what ended long ago.
async fn thin(c: &mut Connection) -> Result<(), StorageError> {
    for statement in [
        "INSERT INTO matrix_ids (id, matrix_id) VALUES (900002, '!thin')",
        "INSERT INTO media_references (id, bridge, room, mxc, state) VALUES (900002, 'irc', 900002, 'mxc://a/d', 'released')",
        "INSERT INTO links (link_id, form, key_id, bridge, media_reference_id, room, event_id, issued_at, state, ended_at) \
         VALUES ('thin', 'short', 1, 'irc', 900002, 900002, '$e', 1, 'revoked', 1)",
    ] {
        query(statement).execute(&mut *c).await?;
    }
    let thinned = thinning::links(c, Place::START, 2, 10).await?;
    assert_eq!((thinned.ended, thinned.usages), (1, 1));
    thinning::meta_events(c, Place::START, 2, 10).await?;
    let before = ForgetBefore {
        transactions: 1,
        redactions: Some(1),
        revocations: Some(1),
        reports: Some(1),
    };
    history::forget(c, before, 10).await?;
    seen_media::forget(c, "irc", Some(1), 1, 10).await?;
    let transaction = HandedOn {
        bridge: "irc".to_owned(),
        txn_id: "1".to_owned(),
        digest: [0; 32],
    };
    history::note_handed_on(c, &[transaction], 1).await?;
    links::take_follow(c, 1, 1).await.map(drop)
}

fn redaction() -> crate::storage::open_questions::Question {
    crate::storage::open_questions::Question::Redaction {
        top_level: Some(EventId::parse("$e").expect("an event ID")),
        in_content: None,
    }
}

fn new_meta_event() -> NewMetaEvent {
    let [bridge, room_id, event_type, content, batch] =
        ["irc", "!r:a", "type", "{}", "batch"].map(str::to_owned);
    NewMetaEvent {
        bridge,
        room_id,
        event_type,
        content,
        batch,
        device_id: String::new(),
        members: vec![],
        has_copy: true,
    }
}

async fn write_usage(c: &mut Connection) -> Result<(), StorageError> {
    let claim = Claim {
        id: 1,
        token: "claim".to_owned(),
    };
    meta_events::free_ended_claims(c, "irc", 1).await?;
    meta_events::free_claims_of(c, "irc", "claimant").await?;
    meta_events::free_all_claims(c).await?;
    meta_events::settle_sent(c, &claim, "$e", 1, 1).await?;
    meta_events::settle_found(c, 1, "$e", 1, 1).await?;
    for (after_others, with_resting) in [(vec![], false), (vec!["!r".to_owned()], true)] {
        let wanted = Wanted {
            bridge: "irc".to_owned(),
            claimant: "claimant".to_owned(),
            after_others,
            with_resting,
        };
        meta_events::claim(c, &wanted, 1, 1).await?;
    }
    meta_events::insert(c, &new_meta_event(), 1).await?;
    held_usages::hold(c, &[1, 2]).await?;
    media_references::gather(c, "irc", "!r", 1).await?;
    media_references::live(c, &[1]).await?;
    media_references::retry_failed(c, None, 1).await?;
    media_references::retry_failed(c, Some(("irc", "!r")), 1).await?;
    room_policies::find_in(c, "!r").await?;
    budgets::change(c, &[BudgetChange::default()], 1).await?;
    console_calls::write(c).await?;
    denial_calls::write(c).await?;
    report_calls::write(c).await?;
    erasure_calls::write(c).await?;
    missing_calls::write(c).await?;
    let waits = ConfiguredWaits {
        release_after: 1,
        touch: Some(1),
    };
    far_future::pull_back(c, waits, 1).await
}
