//! Media that one event shares together.

use reqwest::Method;
use serde_json::{Value, json};

use super::scene::{Scene, png, token};

/// An event with so many pictures; the last one of them is hidden if that is wanted.
async fn gallery(scene: &Scene, number: usize, hides_last: bool) -> Vec<Value> {
    let mut items = Vec::new();
    let mut all_tokens = json!({});
    for n in 0..number {
        let (mxc, tokens) = scene
            .upload(png(20 + u32::try_from(n).expect("few"), 10), "image/png")
            .await;
        for (hash, token) in tokens.as_object().expect("a map") {
            all_tokens[hash] = token.clone();
        }
        let mut item = json!({"itemtype": "m.image", "body": format!("{n}.png"), "url": mxc,
            "info": {"mimetype": "image/png", "w": 20 + n, "h": 10, "size": 90}});
        if hides_last && n == number - 1 {
            item["m.spoiler"] = json!(true);
        }
        items.push(item);
    }
    let content = json!({"msgtype": "dm.filament.gallery", "body": "x", "itemtypes": items, "content_token": all_tokens});
    scene.links(content).await
}

/// Which of these links a page leads to, in its order.
fn shown(page: &str, links: &[Value]) -> Vec<usize> {
    let Some((_, gallery)) = page.split_once("<nav class=\"gallery\"") else {
        return Vec::new();
    };
    let (gallery, _) = gallery.split_once("</nav>").expect("its end");
    let addresses = gallery.split("/v/").skip(1);
    let tokens = addresses.map(|rest| rest.split('"').next().expect("a token"));
    tokens
        .map(|found| {
            links
                .iter()
                .position(|link| token(link) == found)
                .expect("one of them")
        })
        .collect()
}

#[tokio::test]
async fn a_page_shows_what_was_shared_together_as_long_as_it_lives() {
    let scene = Scene::new("").await;
    let links = gallery(&scene, 4, false).await;
    let page = scene.page(&links[1]).await;
    assert_eq!(shown(&page, &links), [0, 2, 3]);
    let (_, rest) = page
        .split_once("<nav class=\"gallery\"")
        .expect("a gallery");
    let (_, picture) = rest.split_once("<img src=\"").expect("a picture");
    let (picture, _) = picture.split_once('"').expect("its end");
    assert_eq!(
        scene.get(&picture.replace("&#38;", "&")).await.status(),
        200
    );

    let path = format!("/v1/links/{}", links[2]["link_id"].as_str().expect("an ID"));
    let (status, _) = scene.service.call(Method::DELETE, &path, &json!({})).await;
    assert_eq!(status, 200);
    assert_eq!(shown(&scene.page(&links[1]).await, &links), [0, 3]);
    // Another event has another gallery.
    let others = gallery(&scene, 2, false).await;
    assert_eq!(shown(&scene.page(&others[0]).await, &others), [1]);
    scene.service.stop().await;
}

#[tokio::test]
async fn a_gallery_is_bounded() {
    let scene = Scene::new("").await;
    let links = gallery(&scene, 30, false).await;
    assert_eq!(links.len(), 30);
    let page = scene.page(&links[0]).await;
    assert_eq!(shown(&page, &links).len(), 12);
    assert!(page.len() < 15 << 10, "{}", page.len());
    scene.service.stop().await;
}

#[tokio::test]
async fn what_is_hidden_or_limited_has_no_place_in_it() {
    let scene = Scene::new("").await;
    let (status, answer) = (scene.service)
        .call(Method::POST, "/v1/links/batch", &json!({"links": [
            {"mxc": "mxc://example.org/a", "room_id": scene.world.room_id, "event_id": "$together", "filename": "a.zip", "mimetype": "application/zip"},
            {"mxc": "mxc://example.org/b", "room_id": scene.world.room_id, "event_id": "$together", "filename": "b.zip", "mimetype": "application/zip", "max_follows": 1},
            {"mxc": "mxc://example.org/c", "room_id": scene.world.room_id, "event_id": "$together", "mimetype": "application/zip"},
            {"mxc": "mxc://example.org/d", "room_id": "!other:example.org", "event_id": "$together", "filename": "d.zip", "mimetype": "application/zip"},
            {"mxc": "mxc://example.org/e", "room_id": scene.world.room_id, "event_id": "$together", "filename": "e.zip", "mimetype": "application/zip"},
        ]}))
        .await;
    assert_eq!(status, 200, "{answer}");
    let links: Vec<Value> = serde_json::from_value(answer["results"].clone()).expect("links");
    assert_eq!(shown(&scene.page(&links[0]).await, &links), [4]);
    assert_eq!(shown(&scene.page(&links[1]).await, &links), [0_usize; 0]);

    let hiding = gallery(&scene, 3, true).await;
    let all = shown(&scene.page(&hiding[0]).await, &hiding);
    assert_eq!(all, [1]);
    scene.service.stop().await;
}
