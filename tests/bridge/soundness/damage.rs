//! Each rule of the tables is broken by rows of its own, and told by its name, with an example.

use reqwest::Method;
use serde_json::json;
use support::is_postgres;

use super::scene::Scene;

const ROOM: &str = "INSERT INTO matrix_ids (id, matrix_id) VALUES (9000, '!damage:example.org'), (9001, '!other:example.org')";

const REPAIR: &str = "DELETE FROM links WHERE link_id LIKE 'damage%'; DELETE FROM meta_event_bodies WHERE id >= 9000; \
     DELETE FROM meta_event_members WHERE meta_event_id >= 9000; \
     DELETE FROM media_references WHERE id >= 9000; DELETE FROM meta_events WHERE id >= 9000; \
     DELETE FROM matrix_ids WHERE id >= 9000; DELETE FROM tombstones WHERE first = 9000";

/// A usage in the room with this state.
fn usage(state: &str) -> String {
    format!(
        "INSERT INTO media_references (id, bridge, room, mxc, state) \
         VALUES (9000, 'irc', 9000, 'mxc://example.org/damage', '{state}')"
    )
}

/// A live link of the usage.
fn link(number: u8) -> String {
    format!(
        "INSERT INTO links (link_id, form, key_id, bridge, media_reference_id, room, event_id, issued_at, state) \
         VALUES ('damage{number}', 'short', 1, 'irc', 9000, 9000, '$damage', 1, 'live')"
    )
}

fn meta_event(state: &str) -> String {
    format!(
        "INSERT INTO meta_events (id, bridge, room_id, state, event_type, batch, txn_id, device_id, event_id, created_at) \
         VALUES (9000, 'irc', '!damage:example.org', '{state}', 'type', 'damage', 'damage', '', '$damage', 1)"
    )
}

fn set(table: &str, values: &str) -> String {
    let which = if table == "links" {
        "link_id = 'damage1'"
    } else {
        "id = 9000"
    };
    format!("UPDATE {table} SET {values} WHERE {which}")
}

/// What is planted, the check that finds it, its example, and whether a reference leads nowhere.
fn damages() -> Vec<(Vec<String>, &'static str, &'static str, bool)> {
    let (disabled, live) = (usage("disabled"), link(1));
    let on_usage = |values: &str| vec![usage("pending"), set("media_references", values)];
    // Empty, it is nothing that would have to be sealed.
    let body = "INSERT INTO meta_event_bodies VALUES (9000, 'damage', '')".to_owned();
    let on_link = |values: &str| vec![disabled.clone(), live.clone(), set("links", values)];
    vec![
        (vec![live.clone()], "links_have_a_usage", "damage1", true),
        (on_link("room = 9001"), "links_agree_with_their_usage", "damage1", false),
        (on_link("bridge = 'other'"), "links_agree_with_their_usage", "damage1", false),
        (on_link("sender = 9777"), "links_have_a_room", "damage1", true),
        (vec![disabled.clone(), set("media_references", "room = 9777")], "usages_have_a_room", "9000", true),
        (on_link("key_id = 77"), "links_have_a_known_key", "damage1", false),
        (vec![disabled.clone(), live.clone(), link(2)], "no_live_twins", "damage2", false),
        (on_link("state = 'undead'"), "states_of_links", "damage1", false),
        (vec![usage("lost")], "states_of_usages", "9000", false),
        (vec![meta_event("unsent")], "states_of_meta_events", "9000", false),
        (vec![usage("released"), live.clone()], "live_links_are_not_released", "9000", false),
        (vec![usage("counted")], "counted_usages_have_an_event", "9000", false),
        (on_usage("state = 'counted', counted_by = 9777"), "counted_usages_have_an_event", "9000", false),
        (
            [on_usage("state = 'counted', counted_by = 9000"), vec![meta_event("redacted")]].concat(),
            "counted_usages_have_an_event",
            "9000",
            false,
        ),
        (on_usage("queued_in = 9777"), "queued_usages_have_a_waiting_event", "9000", false),
        (
            [on_usage("queued_in = 9000"), vec![meta_event("failed")]].concat(),
            "queued_usages_have_a_waiting_event",
            "9000",
            false,
        ),
        (vec![usage("pending")], "pending_usages_are_gathered", "9000", false),
        (vec![meta_event("sent"), set("meta_events", "event_id = NULL")], "meta_events_can_go_on", "9000", false),
        (vec![meta_event("redacting")], "meta_events_can_go_on", "9000", false),
        (vec![meta_event("waiting")], "meta_events_can_go_on", "9000", false),
        (
            vec![
                disabled.clone(),
                meta_event("sent"),
                "INSERT INTO meta_event_members (meta_event_id, media_reference_id) VALUES (9000, 9000)".to_owned(),
            ],
            "members_have_a_waiting_event",
            "9000",
            false,
        ),
        (vec![meta_event("sent"), body], "bodies_have_a_waiting_event", "9000", false),
        (
            vec!["INSERT INTO tombstones (first, ended) VALUES (9000, CAST('twelve bytes' AS BYTES))".to_owned()],
            "tombstones_are_whole",
            "9000",
            false,
        ),
    ]
}

#[tokio::test]
async fn each_damage_is_found_by_its_name_and_an_example() {
    let scene = Scene::stopped().await;
    let twins = [
        usage("disabled"),
        usage("disabled").replace("(9000,", "(9001,"),
    ];
    let twins = (twins.to_vec(), "usages_are_one_each", "9001", false);
    // PostgreSQL takes none.
    let of_sqlite = (!is_postgres()).then_some(twins);
    for (statements, check, example, leads_nowhere) in damages().into_iter().chain(of_sqlite) {
        scene
            .execute(&[ROOM.to_owned(), statements.join("; ")].join("; "))
            .await;
        let said = scene.check();
        assert_eq!(said.code, 1, "{check}: {}", said.json);
        let mut found = said.found();
        if leads_nowhere && !is_postgres() {
            assert!(found.remove("foreign_keys").is_some(), "{}", said.json);
        }
        assert_eq!(
            found.remove(check),
            Some((1, Some(example.to_owned()))),
            "{}",
            said.json
        );
        assert!(found.is_empty(), "{check}: {}", said.json);
        scene.execute(REPAIR).await;
    }
    scene.is_sound();
}

#[tokio::test]
async fn twins_are_none_if_one_has_ended_or_is_counted_by_follows() {
    let scene = Scene::stopped().await;
    for other in [
        "state = 'revoked', ended_at = 1",
        "expires_at = 1000",
        "max_follows = 3",
        "form = 'self_contained'",
        "event_id = '$x'",
    ] {
        let statements = [
            ROOM.to_owned(),
            usage("disabled"),
            link(1),
            link(2),
            set("links", other),
        ];
        scene.execute(&statements.join("; ")).await;
        let said = scene.check();
        assert_eq!(said.code, 0, "{other}: {}", said.json);
        scene.execute(REPAIR).await;
    }
}

#[tokio::test]
async fn a_usage_is_counted_again_by_what_its_finding_says() {
    let mut scene = Scene::stopped().await;
    scene
        .execute(
            "UPDATE media_references SET counted_by = 9777 \
             WHERE id = (SELECT media_reference_id FROM links WHERE event_id = '$short')",
        )
        .await;
    let said = scene.check();
    let (rows, usage) = said.found()["counted_usages_have_an_event"].clone();
    assert_eq!(rows, 1, "{}", said.json);
    let todo = said.json["findings"][0]["todo"].as_str().expect("a text");
    let statement = todo.split_once("UPDATE media_references SET ");
    let statement = statement.and_then(|(_, rest)| rest.split_once(" WHERE id is"));
    let (values, usage) = (statement.expect("a statement").0, usage.expect("an ID"));
    scene
        .execute(&format!(
            "UPDATE media_references SET {values} WHERE id = {usage}"
        ))
        .await;
    scene.is_sound();
    scene.process.start().await;
    scene.process.drained().await;
    let listed = "/v1/links?event_id=$short";
    let told = scene.call(Method::GET, listed, &json!({})).await;
    assert_eq!(told["links"][0]["usage"]["state"], "counted", "{told}");
    assert!(scene.process.terminate().await.success());
    scene.is_sound();
}
