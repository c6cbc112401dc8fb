//! Fetchers of previews that open the link itself, before any person does.

use reqwest::redirect::Policy;
use serde_json::json;
use support::url;

use super::scene::{Scene, png};

#[tokio::test]
async fn a_fetcher_of_previews_is_led_to_the_page_of_a_one_time_link() {
    let scene = Scene::new("").await;
    let once = json!({"mimetype": "image/png", "filename": "a.png", "max_follows": 1});
    let once = scene.link(png(20, 10), once).await;
    let often = scene
        .link(png(20, 10), json!({"mimetype": "image/png"}))
        .await;
    let client = reqwest::Client::builder()
        .no_proxy()
        .redirect(Policy::none());
    let client = client.build().expect("a client");
    let ask = |address: String, name: &'static str, value: &'static str| {
        let request = client.get(address).header(name, value);
        async move { request.send().await.expect("an answer") }
    };
    for (name, value) in [
        ("User-Agent", "WhatsApp/2"),
        (
            "User-Agent",
            "Mozilla/5.0 (compatible; Discordbot/2.0; +https://discordapp.com)",
        ),
        ("Sec-Purpose", "prefetch;prerender"),
    ] {
        let led = ask(url(&once), name, value).await;
        assert_eq!(led.status(), 302, "{value}");
        assert_eq!(led.headers()["cache-control"], "no-store");
        let page = led.headers()["location"].to_str().expect("text").to_owned();
        assert_eq!(ask(page, name, value).await.status(), 200);
        assert_eq!(ask(url(&often), name, value).await.status(), 200);
    }
    assert_eq!(scene.service.follow(&once).await.status(), 200);
    assert_eq!(scene.service.follow(&once).await.status(), 410);
    // Of a dead link a fetcher learns what everybody learns.
    assert_eq!(
        ask(url(&once), "User-Agent", "WhatsApp/2").await.status(),
        410
    );
    scene.service.stop().await;
}
