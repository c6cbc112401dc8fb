//! A first no keeps the cache from being served from, a second one ends the links.

use std::path::Path;

use serde_json::{Value, json};
use support::{
    Service, World, eventually,
    faulty::{Fault, error},
    files,
};

use super::scene::{HOUR, MINUTE, Scene, UNTOUCHED};

#[tokio::test]
async fn deleted_media_is_not_served_from_the_cache_and_is_gone_at_the_second_no() {
    let scene = Scene::new(UNTOUCHED).await;
    let other = json!({"mxc": scene.mxc, "room_id": "!other:example.org"});
    let other = scene.service.issue(other).await;
    assert_eq!(scene.service.follow(&other).await.status(), 200);
    let cache = scene.world.folder.path().join("data/cache");
    in_the_cache(&cache, 1).await;
    assert!(scene.world.clean_up().await.contains(&scene.mxc));
    assert_eq!(scene.status().await, 200, "nobody asks so soon");
    scene.service.clock.advance(HOUR);
    let not_found = (404, json!("M_NOT_FOUND"));
    assert_eq!(scene.told().await, not_found);
    assert_eq!(scene.state().await, "live", "told once");
    assert_eq!(scene.told().await, not_found, "at the same moment");
    assert_eq!(scene.state().await, "live", "that is no second time");
    scene.service.clock.advance(11_000);
    assert_eq!(scene.told().await, not_found);
    assert_eq!(scene.state().await, "gone");
    let listed = scene.service.link(&other).await;
    assert_eq!(listed["state"], "gone", "of every room");
    assert_eq!(scene.told().await, not_found);
    let page = scene.link["page_url"].as_str().expect("a URL");
    let page = scene.service.client.get(page).header("Accept", "text/html");
    let page = page.send().await.expect("an answer");
    assert_eq!(page.status(), 404);
    let page = page.text().await.expect("a page");
    assert!(page.contains("no longer has it"), "{page}");
    in_the_cache(&cache, 0).await;
    let (_, listed) = scene
        .service
        .call(reqwest::Method::GET, "/v1/links?state=gone", &Value::Null)
        .await;
    assert_eq!(
        listed["links"].as_array().map(Vec::len),
        Some(2),
        "{listed}"
    );
    scene.service.stop().await;
}

async fn in_the_cache(cache: &Path, count: usize) {
    eventually("the cache", async || {
        (files(cache).0.len() == count).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_single_no_ends_nothing_and_a_yes_takes_it_back() {
    let scene = Scene::new(UNTOUCHED).await;
    for _ in 0..2 {
        scene.service.clock.advance(HOUR);
        // One to the question, one to the download.
        scene.next([error(404, "M_NOT_FOUND"), error(404, "M_NOT_FOUND")]);
        assert_eq!(scene.told().await, (404, json!("M_NOT_FOUND")));
        scene.service.clock.advance(MINUTE);
        assert_eq!(scene.status().await, 200, "it is there after all");
        let asked = scene.asked();
        assert_eq!(scene.status().await, 200);
        assert_eq!(scene.asked(), asked, "out of the cache");
    }
    assert_eq!(scene.state().await, "live");
    scene.service.stop().await;
}

#[tokio::test]
async fn two_noes_that_are_too_far_apart_are_two_first_ones() {
    let scene = Scene::new("usage: {batch_window: 20ms, touch: never}\nmedia: {cache: null}").await;
    // Longer than the service waits before it asks again by itself.
    let faults = || {
        let away = std::iter::repeat_n(Fault::DropBefore, 40);
        std::iter::once(error(404, "M_NOT_FOUND")).chain(away)
    };
    scene.next(faults());
    assert_eq!(scene.status().await, 404);
    scene.service.clock.advance(25 * HOUR);
    scene.next([error(404, "M_NOT_FOUND")]);
    eventually("the next no", async || {
        (scene.status().await == 404).then_some(())
    })
    .await;
    assert_eq!(scene.state().await, "live");
    scene.service.clock.advance(MINUTE);
    scene.next([error(404, "M_NOT_FOUND")]);
    assert_eq!(scene.status().await, 404);
    assert_eq!(scene.state().await, "gone");
    scene.service.stop().await;
}

#[tokio::test]
async fn the_first_no_survives_a_restart() {
    let scene = Scene::new(UNTOUCHED).await;
    scene.service.clock.advance(HOUR);
    scene.next([error(404, "M_NOT_FOUND"), error(404, "M_NOT_FOUND")]);
    assert_eq!(scene.status().await, 404);
    let Scene {
        world,
        faulty,
        service,
        link,
        ..
    } = scene;
    let clock = service.clock.clone();
    service.stop().await;
    let folder = world.folder.path();
    let service = Service::start_at(folder, &faulty.url, "", UNTOUCHED, &clock).await;
    let link = service.link(&link).await;
    faulty.set_away(true);
    assert_eq!(
        service.follow(&link).await.status(),
        502,
        "not out of the cache"
    );
    faulty.set_away(false);
    world.clean_up().await;
    service.clock.advance(MINUTE);
    assert_eq!(service.follow(&link).await.status(), 404);
    assert_eq!(service.link(&link).await["state"], "gone");
    service.stop().await;
}

#[tokio::test]
async fn the_second_question_is_asked_without_a_follow() {
    let scene = Scene::new(UNTOUCHED).await;
    scene.world.clean_up().await;
    scene.service.clock.advance(HOUR);
    assert_eq!(scene.status().await, 404);
    scene.service.clock.advance(6 * MINUTE);
    scene.is_gone().await;
    scene.service.stop().await;
}

#[tokio::test]
async fn usage_of_gone_media_is_released_and_the_media_can_be_linked_anew() {
    let world = World::new().await;
    let service = world
        .service("usage: {batch_window: 20ms, touch: never}")
        .await;
    let (mxc, token) = world.upload("some bytes", "text/plain").await;
    let body = json!({"mxc": "mxc://example.org/never-there", "content_token": token, "room_id": world.room_id});
    let link = service.issue(body.clone()).await;
    service.wait_for_usage(&link, "counted").await;
    assert_eq!(service.follow(&link).await.status(), 404);
    service.clock.advance(MINUTE);
    assert_eq!(service.follow(&link).await.status(), 404);
    service.wait_for_usage(&link, "released").await;
    assert_eq!(service.link(&link).await["state"], "gone");
    assert!(world.meta_events(&world.room_id).await.is_empty());
    let again = service.issue(body).await;
    assert_ne!(again["link_id"], link["link_id"]);
    assert_eq!(again["state"], "live");
    let there = json!({"mxc": mxc, "content_token": token, "room_id": world.room_id});
    let there = service.issue(there).await;
    assert_eq!(service.follow(&there).await.status(), 200);
    service.stop().await;
}

#[tokio::test]
async fn a_no_that_was_noted_beside_a_yes_is_asked_once_and_holds_up_nothing() {
    let scene = Scene::new("usage: {batch_window: 20ms, touch_rate: 100/s}").await;
    // The latest answer in memory is a yes, so nobody expects to find a no.
    scene.service.note_missing(&scene.mxc).await;
    scene.service.clock.advance(MINUTE);
    eventually("the note to be gone", async || {
        (!scene.service.has_missing().await).then_some(())
    })
    .await;
    assert_eq!(scene.state().await, "live");
    scene.service.stop().await;
}
