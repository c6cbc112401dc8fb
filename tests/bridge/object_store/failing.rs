//! An object store that fails costs downloads, and no follow.

use serde_json::Value;
use support::{
    SeaweedFs, Service, Wire, World, eventually,
    process::free_port,
    raw::{Plan, RawServer, say_all},
    seaweed::SECRET_KEY,
};

use super::scene::{Scene, body, media, read_at};

async fn ready(service: &Service) -> (u16, Value) {
    let url = format!("{}/ready", service.internal);
    let answer = service.client.get(url).send().await.expect("an answer");
    (answer.status().as_u16(), answer.json().await.expect("JSON"))
}

async fn metric(service: &Service, start: &str) -> f64 {
    let url = format!("{}/metrics", service.internal);
    let answer = service.client.get(url).send().await.expect("an answer");
    let text = answer.text().await.expect("a text");
    let values = text.lines().filter(|line| line.starts_with(start));
    values
        .filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
        .sum()
}

fn homeserver(_: &str) -> Plan {
    say_all("200 OK\r\nContent-Type: video/mp4", media(100_000))
}

#[tokio::test]
async fn a_store_that_fails_makes_the_service_degraded_and_not_unready() {
    let world = World::new().await;
    let nobody = format!("127.0.0.1:{}", free_port());
    let settings = SeaweedFs::settings_at(&nobody, SECRET_KEY);
    let more = format!("usage: {{mode: never}}\nmedia: {{cache: {{dir: c, s3: {settings}}}}}");
    let service = world.service(&more).await;
    let (status, told) = ready(&service).await;
    assert_eq!(
        (status, &told["status"]),
        (200, &"degraded".into()),
        "{told}"
    );
    assert_eq!(
        (&told["database"], &told["homeserver"]),
        (&"ok".into(), &"ok".into())
    );
    service.stop().await;
    let service = world.service("usage: {mode: never}").await;
    let (status, told) = ready(&service).await;
    assert_eq!((status, &told["status"]), (200, &"ok".into()), "{told}");
    assert!(told.get("object_store").is_none());
    service.stop().await;
}

#[tokio::test]
async fn a_wrong_secret_is_told_and_breaks_no_follow() {
    let Some(store) = SeaweedFs::start().await else {
        return;
    };
    let wrong = SeaweedFs::settings_at(&store.address, "not-the-secret-of-the-store");
    let scene = Scene::new(wrong, homeserver).await;
    let service = scene.service("data/cache").await;
    let failures = metric(&service, "medialink_object_store_failures_total").await;
    let link = service.issue(body()).await;
    for _ in 0..3 {
        assert!(read_at(&service, &link).await == media(100_000));
    }
    assert_eq!(scene.downloads(), 1, "the disk has it");
    assert!(metric(&service, "medialink_object_store_failures_total").await > failures);
    let (_, told) = ready(&service).await;
    let why = told["object_store"].as_str().expect("a reason");
    assert!(why.contains("403"), "{told}");
    assert!(!told.to_string().contains("not-the-secret"), "{told}");
    assert_eq!(store.objects().await.len(), 0);
    service.stop().await;
}

#[tokio::test]
async fn a_store_that_is_away_or_silent_is_done_without_and_used_again_when_it_is_back() {
    let Some(mut store) = SeaweedFs::start().await else {
        return;
    };
    let wire = Wire::to(&store.address).await;
    let settings = SeaweedFs::settings_at(&wire.address, SECRET_KEY);
    let scene = Scene::new(settings, homeserver).await;
    let service = scene.service("data/cache").await;
    let read_new = async |room: &str| {
        let mut asked = body();
        asked["mxc"] = format!("mxc://example.org/{room}").into();
        let link = service.issue(asked).await;
        assert!(read_at(&service, &link).await == media(100_000));
    };
    read_new("stored").await;
    store.wait_for_objects(1).await;
    assert_eq!(ready(&service).await.1["object_store"], "ok");
    wire.silence();
    read_new("silent").await;
    let (_, told) = ready(&service).await;
    assert_ne!(told["object_store"], "ok", "{told}");
    wire.cut();
    store.kill();
    read_new("away").await;
    store.start_again().await;
    wire.mend();
    // It is left alone for a while.
    eventually("the store to be used again", async || {
        (ready(&service).await.1["object_store"] == "ok").then_some(())
    })
    .await;
    read_new("back").await;
    store.wait_for_objects(2).await;
    service.stop().await;
}

#[tokio::test]
async fn whatever_a_store_answers_breaks_no_follow() {
    for answer in [
        "500 Internal Server Error",
        "503 Service Unavailable",
        "507 Insufficient Storage",
        "206 Partial Content\r\nContent-Range: bytes 0-4/5\r\nLast-Modified: Sun, 06 Nov 1994 08:49:37 GMT",
        "200 OK",
    ] {
        let nonsense = RawServer::start(move |_| say_all(answer, "words")).await;
        let address = nonsense.url.trim_start_matches("http://");
        let scene = Scene::new(SeaweedFs::settings_at(address, SECRET_KEY), homeserver).await;
        let service = scene.service("data/cache").await;
        let link = service.issue(body()).await;
        assert!(read_at(&service, &link).await == media(100_000), "{answer}");
        assert!(!nonsense.heads().is_empty(), "it was asked");
        let (_, told) = ready(&service).await;
        assert_ne!(told["object_store"], "ok", "{told}");
        service.stop().await;
    }
}
