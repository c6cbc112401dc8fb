//! Thumbnails that are made here: once for all who ask, in turn, and without waiting for the slow.

use std::{io::Cursor, sync::Arc};

use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use serde_json::{Value, json};
use support::{
    Service, World, answer, client,
    encrypted::{described, encrypted, encrypted_file},
    eventually,
    raw::{Plan, RawServer, say_all, say_error},
    url,
};
use tokio::{sync::Semaphore, task::JoinSet};

const SETTINGS: &str = "usage: {mode: never, touch: never}\n";

fn picture() -> Vec<u8> {
    let pixels = RgbImage::from_fn(300, 200, |x, y| Rgb([(x % 256) as u8, y as u8, 9]));
    let mut bytes = Cursor::new(Vec::new());
    let image = DynamicImage::ImageRgb8(pixels);
    image
        .write_to(&mut bytes, ImageFormat::Png)
        .expect("encodes");
    bytes.into_inner()
}

/// The address of the thumbnail that most tests ask for.
fn thumbnail(link: &Value) -> String {
    let url = url(link).replace("/m/", "/t/");
    let (before, token_and_name) = url.split_once("/t/").expect("a link");
    let token = token_and_name.split('/').next().expect("a token");
    format!("{before}/t/{token}?width=96&height=96")
}

async fn status(request: reqwest::RequestBuilder) -> u16 {
    request.send().await.expect("an answer").status().as_u16()
}

async fn issue(world: &World, service: &Service, plaintext: &[u8]) -> Value {
    let (file, token) = encrypted_file(world, plaintext).await;
    let link = json!({"file": file, "room_id": world.room_id, "content_token": token, "mimetype": "image/png"});
    service.issue(link).await
}

/// A link to encrypted media of a homeserver that answers to the byte.
async fn issue_raw(service: &Service, name: &str, ciphertext: &[u8]) -> Value {
    let file = described(&format!("mxc://example.org/{name}"), ciphertext);
    let link = json!({"file": file, "room_id": "!r:example.org", "mimetype": "image/png"});
    service.issue(link).await
}

/// A homeserver that sends half of each `slow` image until the gate opens, and other images at once.
async fn slow_homeserver(ciphertext: &[u8], gate: &Arc<Semaphore>) -> RawServer {
    let (ciphertext, gate) = (ciphertext.to_vec(), Arc::clone(gate));
    RawServer::start(move |head| {
        if !head.contains("/slow") {
            return say_all("200 OK", &ciphertext);
        }
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n",
            ciphertext.len()
        );
        let (first, rest) = ciphertext.split_at(ciphertext.len() / 2);
        let first = [head.as_bytes(), first].concat();
        Plan::SayInTwo(first, Arc::clone(&gate), rest.to_vec())
    })
    .await
}

#[tokio::test]
async fn an_image_that_comes_slowly_holds_up_no_other() {
    for media in ["", "media: {cache: null}"] {
        let (ciphertext, gate) = (encrypted(&picture()), Arc::new(Semaphore::new(0)));
        let homeserver = slow_homeserver(&ciphertext, &gate).await;
        let folder = tempfile::tempdir().expect("a folder");
        let more = format!("{SETTINGS}{media}");
        let service = Service::start(folder.path(), &homeserver.url, &more).await;
        let slow = issue_raw(&service, "slow", &ciphertext).await;
        let quick = issue_raw(&service, "quick", &ciphertext).await;
        let waiting = tokio::spawn(status(client().get(thumbnail(&slow))));
        eventually("the slow download", async || {
            let heads = homeserver.heads();
            heads
                .iter()
                .any(|head| head.contains("/slow"))
                .then_some(())
        })
        .await;
        assert_eq!(status(client().get(thumbnail(&quick))).await, 200);
        assert!(!waiting.is_finished());
        gate.add_permits(1);
        assert_eq!(waiting.await.expect("no panic"), 200);
        service.stop().await;
    }
}

#[tokio::test]
async fn more_thumbnails_than_can_be_made_are_refused_for_a_moment() {
    let (ciphertext, gate) = (encrypted(&picture()), Arc::new(Semaphore::new(0)));
    let homeserver = slow_homeserver(&ciphertext, &gate).await;
    let folder = tempfile::tempdir().expect("a folder");
    let service = Service::start(folder.path(), &homeserver.url, SETTINGS).await;
    let mut waiting = JoinSet::new();
    for n in 0..32 {
        let link = issue_raw(&service, &format!("slow{n}"), &ciphertext).await;
        waiting.spawn(status(client().get(thumbnail(&link))));
    }
    eventually("all downloads", async || {
        (homeserver.heads().len() == 32).then_some(())
    })
    .await;
    let one_more = issue_raw(&service, "quick", &ciphertext).await;
    let busy = client().get(thumbnail(&one_more));
    let busy = busy.header("Accept", "text/html").send().await;
    let busy = busy.expect("an answer");
    assert_eq!(busy.status(), 503);
    assert_eq!(busy.headers()["retry-after"], "5");
    let page = busy.text().await.expect("a page");
    assert!(page.contains("Try again in 5 seconds."), "{page}");
    gate.add_permits(32);
    while let Some(told) = waiting.join_next().await {
        assert_eq!(told.expect("no panic"), 200);
    }
    assert_eq!(status(client().get(thumbnail(&one_more))).await, 200);
    service.stop().await;
}

#[tokio::test]
async fn a_thumbnail_that_cannot_be_made_is_tried_once() {
    for media in ["", "media: {cache: null}"] {
        // A touch is a download as well.
        let media = format!("usage: {{touch: never}}\n{media}");
        let world = World::new().await;
        let service = world.service(&media).await;
        let link = issue(&world, &service, b"this is no image").await;
        for _ in 0..100 {
            assert_eq!(status(client().head(thumbnail(&link))).await, 404);
        }
        assert_eq!(status(client().get(thumbnail(&link))).await, 404);
        assert_eq!(world.requests("media.download").await, 1, "{media}");
        assert_eq!(service.follow(&link).await.status(), 200);
        // It does not outlive the link.
        service.revoke(&link).await;
        assert_eq!(status(client().get(thumbnail(&link))).await, 410);
        service.stop().await;
    }
}

#[tokio::test]
async fn a_head_makes_a_thumbnail_for_all_who_come_later() {
    for media in ["", "media: {cache: null}"] {
        // A touch is a download as well.
        let media = format!("usage: {{touch: never}}\n{media}");
        let world = World::new().await;
        let service = world.service(&media).await;
        let link = issue(&world, &service, &picture()).await;
        let mut asked = JoinSet::new();
        for n in 0..100 {
            let (head, get) = (
                client().head(thumbnail(&link)),
                client().get(thumbnail(&link)),
            );
            asked.spawn(status(if n % 2 == 0 { head } else { get }));
        }
        while let Some(told) = asked.join_next().await {
            assert_eq!(told.expect("no panic"), 200);
        }
        assert_eq!(world.requests("media.download").await, 1, "{media}");
        let _gone = world.stop_homeserver().await;
        assert_eq!(status(client().get(thumbnail(&link))).await, 200);
        service.leave_unfinished("the homeserver is gone");
        service.stop().await;
    }
}

#[tokio::test]
async fn a_head_of_media_fetches_it_for_all_who_come_later() {
    let homeserver = RawServer::start(|_| say_all("200 OK", b"media")).await;
    let folder = tempfile::tempdir().expect("a folder");
    let service = Service::start(folder.path(), &homeserver.url, SETTINGS).await;
    let link = json!({"mxc": "mxc://example.org/abc", "room_id": "!r:example.org"});
    let link = service.issue(link).await;
    for _ in 0..20 {
        assert_eq!(status(client().head(url(&link))).await, 200);
    }
    let got = service.follow(&link).await;
    assert_eq!(got.bytes().await.expect("whole"), "media");
    let heads = homeserver.heads();
    assert!(
        heads.len() == 1 && heads[0].starts_with("get "),
        "{heads:?}"
    );
    service.stop().await;
}

#[tokio::test]
async fn a_thumbnail_is_made_anew_for_those_who_have_another_key() {
    let world = World::new().await;
    let service = world.service("media: {cache: null}").await;
    let (file, token) = encrypted_file(&world, &picture()).await;
    let link = |file: &Value| json!({"file": file, "room_id": world.room_id, "content_token": token, "mimetype": "image/png"});
    let mut other = file.clone();
    other["key"]["k"] = json!("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    for file in [&file, &other, &file] {
        let link = service.issue(link(file)).await;
        let told = status(client().get(thumbnail(&link))).await;
        assert_eq!(told, if *file == other { 404 } else { 200 });
    }
    service.stop().await;
}

#[tokio::test]
async fn media_that_a_remote_server_does_not_have_is_asked_for_again_after_a_while() {
    for media in ["", "media: {cache: null}"] {
        let homeserver = RawServer::start(|_| say_error("404 Not Found", "M_NOT_FOUND")).await;
        let folder = tempfile::tempdir().expect("a folder");
        let more = format!("{SETTINGS}{media}");
        let service = Service::start(folder.path(), &homeserver.url, &more).await;
        let link = |server: &str| json!({"mxc": format!("mxc://{server}/abc"), "room_id": "!r:example.org"});
        let remote = service.issue(link("elsewhere.example")).await;
        for _ in 0..20 {
            assert_eq!(service.follow(&remote).await.status(), 404);
            assert_eq!(status(client().head(url(&remote))).await, 404);
        }
        assert_eq!(homeserver.heads().len(), 1, "{media}");
        service.clock.advance(16_000);
        assert_eq!(service.follow(&remote).await.status(), 404);
        assert_eq!(homeserver.heads().len(), 2, "{media}");
        // The homeserver knows its own media at once.
        let local = service.issue(link("example.org")).await;
        for _ in 0..2 {
            assert_eq!(service.follow(&local).await.status(), 404);
        }
        assert_eq!(homeserver.heads().len(), 4, "{media}");
        service.stop().await;
    }
}

#[tokio::test]
async fn a_thumbnail_that_the_homeserver_cannot_give_is_asked_for_once_in_a_while() {
    for media in ["", "media: {cache: null}"] {
        for (status_line, errcode, told) in [
            ("404 Not Found", "M_NOT_FOUND", 404),
            ("400 Bad Request", "M_UNKNOWN", 404),
            ("500 Internal Server Error", "M_UNKNOWN", 502),
        ] {
            let homeserver = RawServer::start(move |head| match head.contains("/thumbnail/") {
                true => say_error(status_line, errcode),
                false => say_all("200 OK\r\nContent-Type: video/mp4", b"film"),
            })
            .await;
            let folder = tempfile::tempdir().expect("a folder");
            let more = format!("{SETTINGS}{media}");
            let service = Service::start(folder.path(), &homeserver.url, &more).await;
            let link = json!({"mxc": "mxc://example.org/abc", "room_id": "!r:example.org"});
            let link = service.issue(link).await;
            for _ in 0..20 {
                let (found, error) = answer(client().get(thumbnail(&link))).await;
                assert_eq!(found, told);
                // The file itself is there.
                let is_said = error["error"] == "There is no preview of this file";
                assert_eq!(is_said, told == 404, "{error}");
                assert_eq!(status(client().head(thumbnail(&link))).await, told);
            }
            let asked = homeserver.heads();
            let asked = asked.iter().filter(|head| head.contains("/thumbnail/"));
            assert_eq!(asked.count(), 1, "{status_line} {media}");
            assert_eq!(service.follow(&link).await.status(), 200);
            service.stop().await;
        }
    }
}

#[tokio::test]
async fn a_page_asks_once_for_what_it_tells() {
    for (told, errcode) in [(200, ""), (404, "M_NOT_FOUND"), (502, "M_UNKNOWN")] {
        let homeserver = RawServer::start(move |_| match told {
            200 => say_all("200 OK\r\nContent-Type: image/png", picture()),
            404 => say_error("404 Not Found", errcode),
            _ => say_error("500 Internal Server Error", errcode),
        })
        .await;
        let folder = tempfile::tempdir().expect("a folder");
        let more = format!("{SETTINGS}media: {{cache: null}}");
        let service = Service::start(folder.path(), &homeserver.url, &more).await;
        let link = json!({"mxc": "mxc://example.org/abc", "room_id": "!r:example.org"});
        let link = service.issue(link).await;
        let page = url(&link).replace("/m/", "/v/");
        let (found, _) = answer(client().get(&page)).await;
        assert_eq!(found, told);
        // A refusal without a reason is asked for it.
        let asked = homeserver.heads().len();
        for _ in 0..20 {
            let (found, _) = answer(client().get(&page)).await;
            assert_eq!(found, told);
        }
        assert_eq!(homeserver.heads().len(), asked, "{told}");
        service.stop().await;
    }
}

#[tokio::test]
async fn a_thumbnail_that_a_page_does_not_wait_for_is_there_for_the_next_one() {
    let (ciphertext, gate) = (encrypted(&picture()), Arc::new(Semaphore::new(0)));
    let homeserver = slow_homeserver(&ciphertext, &gate).await;
    let folder = tempfile::tempdir().expect("a folder");
    let more = format!("{SETTINGS}media: {{cache: null}}");
    let service = Service::start(folder.path(), &homeserver.url, &more).await;
    let link = issue_raw(&service, "slow", &ciphertext).await;
    let page = url(&link).replace("/m/", "/v/");
    for _ in 0..2 {
        let (status, _) = answer(client().get(&page)).await;
        assert_eq!(status, 200);
    }
    gate.add_permits(8);
    eventually("the sides of the thumbnail", async || {
        let shown = client().get(&page).send().await.expect("an answer");
        let shown = shown.text().await.expect("a page");
        shown.contains("og:image:width").then_some(())
    })
    .await;
    let downloads = homeserver.heads();
    let downloads = downloads.iter().filter(|head| head.starts_with("get "));
    assert_eq!(downloads.count(), 1);
    service.stop().await;
}
