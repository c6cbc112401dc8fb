//! Faults of the configuration, the files, the database and the homeserver.

use std::os::unix::fs::PermissionsExt as _;

use reqwest::Method;
use serde_json::json;
use support::{
    AS_TOKEN, BOT,
    faulty::{Fault, Faulty},
    process::free_port,
};
use time::{Duration, OffsetDateTime, format_description::well_known::Rfc2822};

use super::scene::Scene;

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_as_token_is_told() {
    let scene = Scene::running().await;
    scene.process.edit(AS_TOKEN, "another-as-token-0123456789");
    let said = scene.doctor();
    said.has_fault("as_token", &["401 M_UNKNOWN_TOKEN", "registration"]);
    assert!(!said.text.contains("another-as-token"), "{}", said.text);
    assert!(said.lines.iter().all(|line| line["check"] != "upload"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_outside_of_the_namespace_is_told() {
    let scene = Scene::running().await;
    scene.process.edit(BOT, "@stranger:example.org");
    let belongs = format!("belongs to {BOT}");
    let todo = format!("set user_id to {BOT}");
    let said = scene.doctor();
    said.has_fault(
        "as_token",
        &["403 M_FORBIDDEN", &belongs, &todo, "namespaces.users"],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_power_is_told_with_the_room() {
    let scene = Scene::running().await;
    let room = &scene.world.room_id;
    let path = format!("/_matrix/client/v3/rooms/{room}/state/m.room.power_levels/");
    let levels = json!({"events_default": 50});
    let (status, told) = scene.world.as_alice(Method::PUT, &path, &levels).await;
    assert_eq!(status, 200, "{told}");
    let needs = "org.matrix.msc3910.media_reference needs power 50, and it has 0";
    let said = scene.doctor();
    said.has_fault("rooms", &[room, needs, "m.room.power_levels"]);
    // Where nothing is sent, none is needed.
    scene
        .process
        .edit("bridges:\n", "usage: {mode: never}\nbridges:\n");
    let said = scene.doctor();
    assert!(said.of("rooms").starts_with("ok: "), "{}", said.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fallback_room_for_everybody_is_told() {
    let scene = Scene::running().await;
    let room = &scene.world.room_id;
    let path = format!("/_matrix/client/v3/rooms/{room}/state/m.room.join_rules/");
    let rules = json!({"join_rule": "public"});
    let (status, told) = scene.world.as_alice(Method::PUT, &path, &rules).await;
    assert_eq!(status, 200, "{told}");
    let usage = format!("usage: {{fallback_room: '{room}'}}\nbridges:\n");
    scene.process.edit("bridges:\n", &usage);
    scene
        .doctor()
        .has_fault("fallback_room", &[room, "\"public\"", "invite-only"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_database_is_told() {
    let scene = Scene::running().await;
    scene.process.use_database("sqlite:nowhere/dead.db");
    scene.doctor().has_fault("database", &["nowhere/dead.db"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_off_by_an_hour_is_told() {
    let versions = json!({"versions": ["v1.11"]}).to_string();
    let past = OffsetDateTime::now_utc() - Duration::hours(1);
    let past = past
        .format(&Rfc2822)
        .expect("a date")
        .replace("+0000", "GMT");
    let date: &'static str = format!("Date: {past}").leak();
    let mut scene = Scene::new("").await;
    let faulty = Faulty::start(&scene.world.url).await;
    faulty.always("/versions", &Fault::AnswerWith(200, date, versions));
    scene.process.edit(&scene.world.url.clone(), &faulty.url);
    scene.process.start().await;
    scene.doctor().has_fault("clock", &["s ahead", "NTP"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_file_that_everybody_reads_is_told() {
    let scene = Scene::running().await;
    let path = scene.process.folder.join("data/link-keys.yaml");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).expect("set");
    scene
        .doctor()
        .has_fault("key_file", &["mode 0644", "chmod 600"]);
    std::fs::remove_file(&path).expect("removed");
    std::fs::create_dir(&path).expect("a folder");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o700)).expect("set");
    scene.doctor().has_fault("key_file", &["link-keys.yaml"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_homeserver_that_is_away_is_told() {
    let mut scene = Scene::new("").await;
    scene.process.start().await;
    let gone = scene.world.stop_homeserver().await;
    let said = scene.doctor();
    said.has_fault("homeserver", &["homeserver"]);
    assert!(
        said.of("service")
            .starts_with("warning: it runs, and is not ready"),
        "{}",
        said.text
    );
    assert!(said.of("public_url").starts_with("ok: "), "{}", said.text);
    drop(gone);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_homeserver_that_does_not_reach_the_service_is_told() {
    let mut scene = Scene::reached("", |_| format!("http://127.0.0.1:{}", free_port())).await;
    scene.process.start().await;
    scene
        .doctor()
        .has_fault("ping", &["M_CONNECTION_FAILED", "listen.internal"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_configuration_ends_with_2() {
    let scene = Scene::new("").await;
    scene.process.edit("public_url:", "public_ulr:");
    let said = scene.doctor();
    assert_eq!(said.code, Some(2));
    assert!(said.text.contains("public_ulr"), "{}", said.text);
}
