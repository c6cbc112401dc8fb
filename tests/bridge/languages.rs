//! Pages in the language of their reader: as the browser asks, or as the address does.

use medialink::clock::Clock;
use reqwest::{Method, Response, StatusCode, header};
use serde_json::{Value, json};
use support::{Service, World, url};

const DAY_MS: i64 = 86_400_000;
const TAGS: [&str; 9] = ["en", "de", "fr", "es", "pt", "pl", "ar", "ja", "zh"];

async fn ask(service: &Service, address: &str, languages: &str) -> Response {
    let request = service.client.get(address).header("Accept", "text/html");
    let request = request.header(header::ACCEPT_LANGUAGE, languages);
    request.send().await.expect("an answer")
}

/// The page at an address, which is in this language.
async fn page_in(service: &Service, address: &str, languages: &str, tag: &str) -> String {
    let answer = ask(service, address, languages).await;
    assert_eq!(answer.headers()["content-language"], tag, "{languages}");
    let vary = answer.headers()["vary"]
        .to_str()
        .expect("text")
        .to_ascii_lowercase();
    assert!(vary.contains("accept-language"), "{vary}");
    let page = answer.text().await.expect("a page");
    let html = format!("<html lang=\"{tag}\"");
    assert!(page.contains(&html), "{html} in {page}");
    page
}

/// A link to a picture of a name, which ends after a while.
async fn linked(service: &Service, world: &World, more: Value) -> Value {
    let (mxc, secret) = world.upload("no picture", "image/png").await;
    let mut link = json!({"mxc": mxc, "content_token": secret, "room_id": world.room_id, "filename": "cat.png",
        "mimetype": "image/png", "size": 1_234_567});
    let fields = more.as_object().expect("fields").clone();
    link.as_object_mut().expect("fields").extend(fields);
    service.issue(link).await
}

fn page_of(link: &Value) -> &str {
    link["page_url"].as_str().expect("a page")
}

#[tokio::test]
async fn a_page_is_in_the_language_that_the_browser_asks_for() {
    let world = World::new().await;
    let service = world.service("usage: {mode: never}").await;
    let link = linked(
        &service,
        &world,
        json!({"lifetime_ms": 3 * DAY_MS + DAY_MS / 2}),
    )
    .await;
    for (languages, tag, words) in [
        ("", "en", ["Download", "in 3 days", "1.2 MiB"]),
        ("sv", "en", ["Download", "in 3 days", "1.2 MiB"]),
        (
            "de-AT,de;q=0.9,en;q=0.5",
            "de",
            ["Herunterladen", "in 3 Tagen", "1,2 MiB"],
        ),
        (
            "en;q=0.1, fr;q=0.2",
            "fr",
            ["Télécharger", "dans 3 jours", "1,2 Mio"],
        ),
        ("zh-Hant-TW", "zh", ["下载", "3 天后", "1.2 MiB"]),
        ("de;q=0, pl", "pl", ["Pobierz", "za 3 dni", "1,2 MiB"]),
    ] {
        let page = page_in(&service, page_of(&link), languages, tag).await;
        for word in words {
            assert!(page.contains(word), "{word} in {page}");
        }
        assert!(page.len() < 15 * 1024, "{}", page.len());
    }
    let arabic = page_in(&service, page_of(&link), "ar", "ar").await;
    assert!(
        arabic.contains("<html lang=\"ar\" dir=\"rtl\">"),
        "{arabic}"
    );
    service.stop().await;
}

#[tokio::test]
async fn a_page_leads_to_itself_in_every_other_language() {
    let world = World::new().await;
    let service = world.service("usage: {mode: never}").await;
    let link = linked(&service, &world, json!({})).await;
    let page = page_in(&service, page_of(&link), "de", "de").await;
    let (_, switch) = page
        .split_once("<nav class=\"languages\"")
        .expect("a switch");
    let (switch, _) = switch.split_once("</nav>").expect("its end");
    assert!(switch.len() < 1024, "{}", switch.len());
    for tag in TAGS {
        let way = format!("<a href=\"?lang={tag}\"");
        assert_eq!(switch.contains(&way), tag != "de", "{tag} in {switch}");
        let address = format!("{}?lang={tag}", page_of(&link));
        let page = page_in(&service, &address, "fr, *", tag).await;
        // Its form is in the same language.
        let form = format!("/r/{}?lang={tag}\"", token(&link));
        assert!(page.contains(&form), "{form} in {page}");
    }
    for unknown in ["lang=xx", "lang=", "lang", "lang=%00", "lang=de-AT", "x=de"] {
        let address = format!("{}?{unknown}", page_of(&link));
        page_in(&service, &address, "es", "es").await;
    }
    service.stop().await;
}

fn token(link: &Value) -> String {
    url(link).split('/').nth(4).expect("a token").to_owned()
}

#[tokio::test]
async fn refusals_forms_thanks_and_the_start_page_are_in_the_reader_s_language() {
    let world = World::new().await;
    let service = world.service("usage: {mode: never}").await;
    let start = format!("{}/", service.public);
    page_in(&service, &start, "ja", "ja").await;
    let cached = ask(&service, &start, "ja").await;
    assert_eq!(cached.headers()["cache-control"], "private, max-age=300");
    let link = linked(&service, &world, json!({})).await;
    let form = format!("{}/r/{}", service.public, token(&link));
    let page = page_in(&service, &form, "de", "de").await;
    assert!(page.contains("Meldung abschicken"), "{page}");
    let posted = service
        .client
        .post(format!("{form}?lang=pt"))
        .header("Accept", "text/html");
    let posted = posted
        .header(header::ACCEPT_LANGUAGE, "de")
        .body("reason=spam");
    let thanks = posted.send().await.expect("an answer");
    assert_eq!(thanks.headers()["content-language"], "pt");
    assert!(thanks.text().await.expect("a page").contains("Obrigado"));
    service.revoke(&link).await;
    let refused = ask(&service, &format!("{}?lang=es", url(&link)), "de").await;
    assert_eq!(refused.status(), StatusCode::GONE);
    assert_eq!(refused.headers()["cache-control"], "no-store");
    let page = refused.text().await.expect("a page");
    assert!(page.contains("Este enlace se ha retirado"), "{page}");
    let page = page_in(&service, &format!("{}/x", service.public), "ar", "ar").await;
    assert!(page.contains("هذا الرابط لا يؤدي إلى شيء"), "{page}");
    // What is no page stays as it is.
    let request = service
        .client
        .get(url(&link))
        .header(header::ACCEPT_LANGUAGE, "de");
    let json = request.send().await.expect("an answer");
    assert!(json.headers().get("content-language").is_none());
    let error: Value = json.json().await.expect("JSON");
    assert_eq!(error["error"], "This link was withdrawn");
    service.stop().await;
}

#[tokio::test]
async fn whoever_asks_too_often_is_told_so_in_their_language() {
    let world = World::new().await;
    let limits = "usage: {mode: never}\nlimits: {per_client: {requests: 1/day}}";
    let service = world.service(limits).await;
    let link = linked(&service, &world, json!({})).await;
    page_in(&service, page_of(&link), "fr", "fr").await;
    let refused = ask(&service, page_of(&link), "fr").await;
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    let page = refused.text().await.expect("a page");
    assert!(page.contains("Réessayez dans "), "{page}");
    service.stop().await;
}

#[tokio::test]
async fn a_hostile_header_gets_a_page_in_english() {
    let world = World::new().await;
    let service = world.service("usage: {mode: never}").await;
    let start = format!("{}/", service.public);
    let many = "xx,".repeat(1000) + "de";
    for languages in [
        &many,
        "de;q=2",
        ";;;,,,",
        "de;q=0.5;q=0.7",
        "*;q=0",
        "\"de\"",
    ] {
        page_in(&service, &start, languages, "en").await;
    }
    service.stop().await;
}

#[tokio::test]
async fn texts_for_plain_networks_are_in_the_language_of_their_bridge() {
    let world = World::new().await;
    let clock = Clock::default();
    let edit = |text: String| {
        text.replacen(
            "network: Libera.Chat",
            "network: Libera.Chat, language: pl",
            1,
        )
    };
    let folder = world.folder.path();
    let service =
        Service::start_edited(folder, &world.url, "", "usage: {mode: never}", &clock, edit).await;
    let mut texts = vec![];
    for (content, id) in [
        (
            json!({"msgtype": "m.image", "body": "cat.png", "url": "mxc://example.org/cat", "info": {"size": 1_234_567}}),
            "$a",
        ),
        (json!({"msgtype": "m.text", "body": "hello"}), "$b"),
    ] {
        let event = json!({"type": "m.room.message", "room_id": world.room_id, "event_id": id,
            "sender": "@alice:example.org", "content": content});
        let body = json!({"event": event, "sender_name": "alice"});
        let (status, answer) = service.call(Method::POST, "/v1/events", &body).await;
        assert_eq!(status, 200, "{answer}");
        texts.push(answer["text"].as_str().expect("a text").to_owned());
    }
    assert!(
        texts[0].starts_with("alice przesyła obraz: cat.png (1,2 MiB) http"),
        "{texts:?}"
    );
    assert_eq!(texts[1], "alice: hello");
    service.stop().await;
}
