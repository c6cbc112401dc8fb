//! Several copies are attached to one meta event, where the homeserver takes several.

use matrix_test_server::Options;
use reqwest::Method;
use serde_json::{Value, json};
use support::{
    Service, World, eventually,
    faulty::{Fault, Faulty, error},
};

use super::play::{UNCACHED, linked, revoke, text};

/// A homeserver with media, behind a proxy, and a service that gathers for long enough.
struct Many {
    world: World,
    faulty: Faulty,
    service: Service,
    media: Vec<String>,
}

impl Many {
    async fn new(options: Options, media: usize) -> Self {
        let world = World::with(options).await;
        let faulty = Faulty::start(&world.url).await;
        let more = UNCACHED.replace("20ms", "200ms");
        let service = Service::start(world.folder.path(), &faulty.url, &more).await;
        service.knows_linked_media().await;
        let mut uris = Vec::new();
        for n in 0..media {
            uris.push(world.upload(format!("{n}"), "text/plain").await.0);
        }
        Self {
            world,
            faulty,
            service,
            media: uris,
        }
    }

    /// Links to all media, issued at once.
    async fn issue(&self) -> Vec<Value> {
        let links = self.media.iter();
        let links = links.map(|mxc| json!({"mxc": mxc, "room_id": self.world.room_id}));
        let body = json!({"links": links.collect::<Vec<_>>()});
        let batch = self.service.call(Method::POST, "/v1/links/batch", &body);
        batch.await.1["results"]
            .as_array()
            .expect("results")
            .clone()
    }

    /// Goes from attempt to attempt, until the usage is in this state.
    async fn skip_to(&self, link: &Value, state: &str) {
        eventually(&format!("usage {state}"), async || {
            self.service.clock.advance(500);
            (self.service.link(link).await["usage"]["state"] == state).then_some(())
        })
        .await;
    }

    async fn events(&self) -> Vec<Value> {
        self.world.meta_events(&self.world.room_id).await
    }

    /// Each link serves a copy of its own, which is attached to the event that counts it.
    async fn are_counted_once(&self, links: &[Value]) {
        for (n, link) in links.iter().enumerate() {
            let link = self.service.link(link).await;
            assert_eq!(link["usage"]["state"], "counted", "{n}: {link}");
            let copy = self.service.copy_of(&link).await.expect("a copy");
            let media = self.world.media(&copy).await;
            assert_eq!(
                media["attached_to"], link["usage"]["event_id"],
                "{n}: {media}"
            );
            let told = text(self.service.follow(&link).await).await;
            assert_eq!(told.0, 200, "{n}: {told:?}");
        }
    }
}

#[tokio::test]
async fn media_shares_a_meta_event_and_what_outlives_it_is_copied_anew() {
    let many = Many::new(linked(), 3).await;
    let links = many.issue().await;
    for link in &links {
        many.service.wait_for_usage(link, "counted").await;
    }
    assert_eq!(many.events().await.len(), 1);
    many.are_counted_once(&links).await;
    revoke(&many.service, &links[1]).await;
    many.service.wait_for_usage(&links[1], "released").await;
    many.service.drained().await;
    assert_eq!(many.events().await.len(), 1);
    let alive = [links[0].clone(), links[2].clone()];
    many.are_counted_once(&alive).await;
    for (mxc, copies) in many.media.iter().zip([1, 0, 1]) {
        assert_eq!(many.world.media(mxc).await["copies"], copies);
    }
    many.service.stop().await;
}

#[tokio::test]
async fn a_homeserver_that_attaches_one_gets_one_for_each_event() {
    let options = Options {
        attaches_one: true,
        ..linked()
    };
    let mut many = Many::new(options, 3).await;
    let links = many.issue().await;
    for link in &links {
        many.service.wait_for_usage(link, "counted").await;
    }
    assert_eq!(many.events().await.len(), 3);
    many.are_counted_once(&links).await;
    assert_eq!(
        many.faulty.seen("/send/"),
        4,
        "it has refused three at once"
    );
    // That is remembered.
    for n in 0..2 {
        let medium = many.world.upload(format!("more {n}"), "text/plain").await;
        many.media.push(medium.0);
    }
    let links = many.issue().await;
    for link in &links {
        many.service.wait_for_usage(link, "counted").await;
    }
    assert_eq!(many.faulty.seen("/send/"), 6);
    many.are_counted_once(&links).await;
    many.service.stop().await;
}

#[tokio::test]
async fn media_that_cannot_be_copied_keeps_no_other_from_being_counted() {
    let many = Many::new(linked(), 3).await;
    let gone = many.media[1].trim_start_matches("mxc://").to_owned();
    let refused = vec![error(404, "M_NOT_FOUND"); 4];
    many.faulty.next(&format!("/copy/{gone}"), refused);
    let links = many.issue().await;
    many.skip_to(&links[1], "failed").await;
    for link in [&links[0], &links[2]] {
        many.skip_to(link, "counted").await;
    }
    assert_eq!(many.events().await.len(), 1);
    many.are_counted_once(&[links[0].clone(), links[2].clone()])
        .await;
    many.service
        .expect_errors("usage that is refused for good is reported");
    many.service.stop().await;
}

#[tokio::test]
async fn copies_and_sends_that_fail_for_a_while_come_about_once() {
    let many = Many::new(linked(), 3).await;
    let faults = vec![error(500, "M_UNKNOWN"), Fault::DropAfter];
    many.faulty.next("/media/copy/", faults);
    let faults = vec![Fault::DropAfter, error(400, "M_INVALID_PARAM")];
    many.faulty.next("/send/", faults);
    let links = many.issue().await;
    for link in &links {
        many.skip_to(link, "counted").await;
    }
    assert_eq!(many.faulty.left(), 0);
    assert_eq!(many.events().await.len(), 1);
    many.are_counted_once(&links).await;
    many.service.stop().await;
}

#[tokio::test]
async fn a_copy_is_copied_where_the_original_has_gone() {
    let many = Many::new(linked(), 2).await;
    let links = many.issue().await;
    for link in &links {
        many.service.wait_for_usage(link, "counted").await;
    }
    let gone = many.media[0].trim_start_matches("mxc://").to_owned();
    let refused = vec![error(404, "M_NOT_FOUND"); 9];
    many.faulty.next(&format!("/copy/{gone}"), refused);
    revoke(&many.service, &links[1]).await;
    many.service.wait_for_usage(&links[1], "released").await;
    many.service.drained().await;
    many.are_counted_once(&links[..1]).await;
    assert_eq!(many.events().await.len(), 1);
    many.service.stop().await;
}

#[tokio::test]
async fn a_url_that_is_too_long_is_halved() {
    let many = Many::new(linked(), 4).await;
    let long = Fault::Answer(414, "<html>".to_owned());
    many.faulty.next("/send/", [long]);
    let links = many.issue().await;
    for link in &links {
        many.skip_to(link, "counted").await;
    }
    assert_eq!(many.events().await.len(), 2);
    many.are_counted_once(&links).await;
    many.service.stop().await;
}
