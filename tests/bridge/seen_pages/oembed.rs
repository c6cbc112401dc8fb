//! oEmbed: what the page shows at once, and nothing else.

use reqwest::{Method, Response};
use serde_json::{Value, json};
use support::url;

use super::scene::{Scene, attribute, png, token};

async fn asked(scene: &Scene, query: &[(&str, &str)]) -> Response {
    let request = scene
        .service
        .client
        .get(format!("{}/oembed", scene.service.public));
    request.query(query).send().await.expect("an answer")
}

async fn told(scene: &Scene, query: &[(&str, &str)]) -> Value {
    let answer = asked(scene, query).await;
    assert_eq!(answer.status(), 200, "{query:?}");
    answer.json().await.expect("JSON")
}

fn page_url(link: &Value) -> &str {
    link["page_url"].as_str().expect("a page")
}

#[tokio::test]
async fn a_page_leads_to_its_answer_with_a_picture_that_loads() {
    let scene = Scene::new("").await;
    let bytes = png(200, 100);
    let (size, (mxc, tokens)) = (bytes.len(), scene.upload(bytes, "image/png").await);
    let content = json!({"msgtype": "m.image", "body": "a & b.png", "url": mxc, "content_token": tokens,
        "info": {"mimetype": "image/png", "w": 200, "h": 100, "size": size}});
    let link = &scene.links(content).await[0];
    let page = scene.page(link).await;
    let address = attribute(
        &page,
        "<link rel=\"alternate\" type=\"application/json+oembed\"",
        "href",
    );
    let answer = scene.get(&address.expect("an address")).await;
    assert_eq!(answer.headers()["content-type"], "application/json");
    assert_eq!(answer.headers()["access-control-allow-origin"], "*");
    let photo: Value = answer.json().await.expect("JSON");
    assert_eq!(photo["type"], "photo");
    assert_eq!(photo["title"], "a & b.png");
    assert_eq!(
        (&photo["width"], &photo["height"]),
        (&json!(200), &json!(100))
    );
    let picture = scene.get(photo["url"].as_str().expect("a picture")).await;
    assert_eq!(picture.status(), 200);
    assert!(image::load_from_memory(&picture.bytes().await.expect("whole")).is_ok());

    // Of the media's own URL as well; in less room a smaller one, in none a mere link.
    assert_eq!(told(&scene, &[("url", &url(link))]).await, photo);
    let small = told(&scene, &[("url", page_url(link)), ("maxwidth", "100")]).await;
    assert_eq!(
        (&small["type"], &small["width"]),
        (&json!("photo"), &json!(96))
    );
    assert!(
        small["url"].as_str().is_some_and(|url| url.contains("/t/")),
        "{small}"
    );
    let none = told(
        &scene,
        &[
            ("url", page_url(link)),
            ("maxheight", "10"),
            ("format", "json"),
        ],
    )
    .await;
    assert_eq!(none["type"], "link");
    scene.service.stop().await;
}

#[tokio::test]
async fn a_film_comes_with_a_player_of_the_browser() {
    let scene = Scene::new("").await;
    let link = scene
        .link(
            "film",
            json!({"mimetype": "video/mp4", "filename": "a.mp4"}),
        )
        .await;
    let film = told(&scene, &[("url", page_url(&link)), ("maxwidth", "320")]).await;
    assert_eq!(
        (&film["type"], &film["width"], &film["height"]),
        (&json!("video"), &json!(320), &json!(180))
    );
    let html = film["html"].as_str().expect("a player");
    assert_eq!(attribute(html, "<video", "src"), Some(url(&link)));
    scene.service.stop().await;
}

#[tokio::test]
async fn it_neither_uses_up_a_link_nor_shows_what_is_hidden() {
    let scene = Scene::new("").await;
    let once = json!({"mimetype": "image/png", "max_follows": 1});
    let once = scene.link(png(20, 10), once).await;
    let (mxc, tokens) = scene.upload(png(20, 10), "image/png").await;
    let content = json!({"msgtype": "m.image", "body": "a.png", "url": mxc, "content_token": tokens,
        "m.spoiler": true, "info": {"mimetype": "image/png", "w": 20, "h": 10, "size": 90}});
    let hidden = &scene.links(content).await[0];
    for _ in 0..2 {
        for link in [&once, hidden] {
            let answer = told(&scene, &[("url", page_url(link))]).await;
            assert_eq!(answer["type"], "link");
            assert!(!answer.to_string().contains(&token(link)), "{answer}");
        }
    }
    assert_eq!(scene.service.follow(&once).await.status(), 200);
    assert_eq!(
        asked(&scene, &[("url", page_url(&once))]).await.status(),
        410
    );
    scene.service.stop().await;
}

#[tokio::test]
async fn what_is_no_link_has_one_answer() {
    let scene = Scene::new("").await;
    let link = scene.link("text", json!({})).await;
    let forged = format!(
        "{}/v/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        scene.service.public
    );
    let elsewhere = page_url(&link).replace("http://", "http://example.org/");
    let mut answers = Vec::new();
    for query in [
        &[][..],
        &[("url", "")],
        &[("url", "nonsense")],
        &[("url", forged.as_str())],
        &[("url", elsewhere.as_str())],
        &[("url", scene.service.public.as_str())],
    ] {
        let answer = asked(&scene, query).await;
        assert_eq!(answer.status(), 404, "{query:?}");
        answers.push(answer.text().await.expect("text"));
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:?}");

    for (name, value, status) in [
        ("format", "xml", 501),
        ("maxwidth", "0", 400),
        ("maxheight", "wide", 400),
    ] {
        let answer = asked(&scene, &[("url", page_url(&link)), (name, value)]).await;
        assert_eq!(answer.status(), status, "{name}={value}");
        assert!(answer.json::<Value>().await.expect("JSON")["errcode"].is_string());
    }
    let path = format!("/v1/links/{}", link["link_id"].as_str().expect("an ID"));
    scene.service.call(Method::DELETE, &path, &json!({})).await;
    let answer = asked(&scene, &[("url", page_url(&link))]).await;
    assert_eq!(answer.status(), 410);
    scene.service.stop().await;
}
