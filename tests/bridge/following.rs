//! What somebody gets who follows a link.

use matrix_test_server::Options;
use medialink::key_store;
use medialink_link::{
    KeyRing, LinkClaims,
    matrix::{ContentToken, EventId, MxcUri, RoomId},
    sign_self_contained,
};
use reqwest::{Method, Response};
use serde_json::{Value, json};
use support::{HS_TOKEN, Service, World, answer, eventually, url};

const DAY: i64 = 86_400_000;
const HTML: &str = "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8";

struct Play {
    world: World,
    service: Service,
    mxc: String,
    token: String,
}

impl Play {
    async fn new(options: Options, more: &str) -> Self {
        let world = World::with(options).await;
        let service = world
            .service(&format!("usage: {{batch_window: 20ms}}\n{more}"))
            .await;
        let (mxc, token) = world.upload("0123456789", "text/plain").await;
        Self {
            world,
            service,
            mxc,
            token,
        }
    }

    async fn issue(&self, field: &str, value: Value) -> Value {
        let mut body =
            json!({"mxc": self.mxc, "content_token": self.token, "room_id": self.world.room_id});
        body[field] = value;
        self.service.issue(body).await
    }

    async fn get(&self, link: &Value, header: &str, value: &str) -> Response {
        self.service
            .client
            .get(url(link))
            .header(header, value)
            .send()
            .await
            .expect("an answer")
    }

    /// The link answers like this, as JSON and as a page.
    async fn is_told(&self, link: &str, status: u16, errcode: &str, words: &str) {
        let json = self
            .service
            .client
            .get(link)
            .send()
            .await
            .expect("an answer");
        assert_eq!(json.status().as_u16(), status, "{words}");
        assert_eq!(json.headers()["cache-control"], "no-store");
        assert_eq!(json.headers()["vary"], "Accept");
        let body: Value = json.json().await.expect("JSON");
        assert_eq!(body["errcode"], errcode, "{body}");
        let page = self
            .service
            .client
            .get(link)
            .header("Accept", HTML)
            .send()
            .await
            .expect("an answer");
        assert_eq!(page.status().as_u16(), status);
        assert_eq!(page.headers()["content-type"], "text/html; charset=utf-8");
        assert_eq!(page.headers()["cache-control"], "no-store");
        assert_eq!(page.headers()["vary"], "Accept");
        let page = page.text().await.expect("a page");
        assert!(page.contains(words), "{words:?} is not in {page}");
        assert!(
            !page.contains(link.rsplit('/').next().expect("a token")),
            "the page does not tell the link"
        );
    }

    fn key_file(&self) -> std::path::PathBuf {
        self.world.folder.path().join("data/link-keys.yaml")
    }

    fn ring(&self) -> KeyRing {
        KeyRing::from_entries(key_store::entries(&self.key_file()).expect("keys")).expect("a ring")
    }

    /// A link that a bridge has signed by itself; `ago_s`: before how many seconds.
    fn signed_elsewhere(&self, event: &str, ago_s: i64, lifetime_s: u32) -> String {
        let mut claims = LinkClaims::new(
            RoomId::parse(&self.world.room_id).expect("room"),
            MxcUri::parse(&self.mxc).expect("mxc"),
        );
        claims.content_token = Some(ContentToken::parse(&self.token).expect("token"));
        claims.event_id = Some(EventId::parse(event).expect("event"));
        let issued = u32::try_from(self.service.clock.now_ms() / 1000 - ago_s).expect("now");
        let nonce = medialink_nonce();
        let token = sign_self_contained(self.ring().active(), &claims, issued, lifetime_s, nonce)
            .expect("signs");
        format!("{}/m/{}", self.service.public, token.expose())
    }
}

fn medialink_nonce() -> [u8; 12] {
    let mut nonce = [0; 12];
    getrandom::fill(&mut nonce).expect("random bytes");
    nonce
}

#[tokio::test]
async fn a_head_tells_the_length_sends_nothing_and_is_no_follow() {
    let play = Play::new(Options::default(), "").await;
    let link = play.issue("filename", json!("a.txt")).await;
    let head = play
        .service
        .client
        .head(url(&link))
        .send()
        .await
        .expect("an answer");
    assert_eq!(
        (head.status().as_u16(), &head.headers()["content-length"]),
        (200, &"10".parse().expect("value"))
    );
    assert_eq!(head.headers()["content-type"], "text/plain; charset=utf-8");
    assert!(head.bytes().await.expect("nothing").is_empty());
    for _ in 0..3 {
        assert_eq!(
            play.service.follow(&link).await.text().await.expect("text"),
            "0123456789"
        );
    }
    let seen = eventually("the follows", async || {
        let link = play.service.link(&link).await;
        (link["follows"] == 3).then_some(link)
    })
    .await;
    assert_eq!(seen["bytes_served"], 30);
    assert!(seen["last_followed_ts"].as_i64().is_some());
    play.service.stop().await;
}

#[tokio::test]
async fn dead_links_say_how_they_died() {
    // Without a cache, the homeserver is asked each time.
    let play = Play::new(Options::default(), "media: {cache: null}").await;
    let id = |link: &Value| format!("/v1/links/{}", link["link_id"].as_str().expect("ID"));
    play.is_told(
        &format!("{}/m/nonsense", play.service.public),
        404,
        "M_NOT_FOUND",
        "This link leads nowhere",
    )
    .await;
    play.is_told(
        &format!("{}/elsewhere", play.service.public),
        404,
        "M_NOT_FOUND",
        "This link leads nowhere",
    )
    .await;

    let link = play.issue("event_id", json!("$a")).await;
    play.service
        .call(Method::DELETE, &id(&link), &json!({}))
        .await;
    play.is_told(&url(&link), 410, "M_GONE", "withdrawn").await;

    let link = play.issue("event_id", json!("$redacted")).await;
    let transaction = json!({"events": [{"type": "m.room.redaction", "event_id": "$r", "room_id": play.world.room_id,
        "sender": "@alice:example.org", "redacts": "$redacted", "content": {"redacts": "$redacted"}}]});
    let put = play.service.client.put(format!(
        "{}/_matrix/app/v1/transactions/1",
        play.service.internal
    ));
    assert_eq!(
        answer(put.bearer_auth(HS_TOKEN).json(&transaction)).await.0,
        200
    );
    play.is_told(&url(&link), 410, "M_GONE", "removed").await;
    let (status, told) = play
        .service
        .call(
            Method::POST,
            "/v1/links",
            &json!({"mxc": play.mxc, "room_id": play.world.room_id, "event_id": "$redacted"}),
        )
        .await;
    assert_eq!((status.as_u16(), &told["errcode"]), (410, &json!("M_GONE")));

    let link = play.issue("max_follows", json!(1)).await;
    let page = play
        .service
        .client
        .get(link["page_url"].as_str().expect("URL"))
        .header("Accept", HTML)
        .send()
        .await
        .expect("a page");
    assert!(page.text().await.expect("a page").contains("works once"));
    let once = play.get(&link, "Range", "bytes=0-1").await;
    assert_eq!(
        (once.status().as_u16(), &once.headers()["cache-control"]),
        (200, &"no-store".parse().expect("value"))
    );
    play.is_told(&url(&link), 410, "M_GONE", "used").await;

    let link = play.issue("mxc", json!("mxc://example.org/nothing")).await;
    play.is_told(&url(&link), 404, "M_NOT_FOUND", "no longer has it")
        .await;

    let link = play.issue("lifetime_ms", json!(5000)).await;
    let still = play.service.follow(&link).await;
    let max_age: u64 = still.headers()["cache-control"]
        .to_str()
        .expect("text")
        .trim_start_matches("public, max-age=")
        .parse()
        .expect("a number");
    assert!(max_age <= 5, "not beyond the link's life: {max_age}");
    play.service.clock.advance(5000);
    play.is_told(&url(&link), 410, "M_GONE", "expired").await;

    let link = play.issue("event_id", json!("$b")).await;
    key_store::revoke(&play.key_file(), 1, None).expect("revoked");
    eventually("the revoked key to be noticed", async || {
        (play.service.follow(&link).await.status() == 410).then_some(())
    })
    .await;
    play.is_told(&url(&link), 410, "M_GONE", "no longer valid")
        .await;
    eventually("its links to be over", async || {
        (play.service.link(&link).await["state"] == "revoked").then_some(())
    })
    .await;
    let link = play.issue("event_id", json!("$c")).await;
    assert_eq!(
        play.service.follow(&link).await.status(),
        200,
        "the new key signs"
    );

    let _gone = play.world.stop_homeserver().await;
    play.is_told(&url(&link), 502, "M_UNKNOWN", "did not hand it out")
        .await;
    play.service.leave_unfinished("the homeserver is gone");
    play.service.stop().await;
}

#[tokio::test]
async fn ranges_are_given_with_and_without_a_cache_whatever_the_homeserver_can_do() {
    for ranges in [true, false] {
        for more in ["", "media: {cache: null}"] {
            let options = Options {
                ranges,
                ..Options::default()
            };
            let play = Play::new(options, more).await;
            ranges_are_given(&play).await;
            play.service.stop().await;
        }
    }
}

async fn ranges_are_given(play: &Play) {
    let link = play.issue("filename", json!("a.txt")).await;
    for (range, status, content_range, body) in [
        ("bytes=2-4", 206, Some("bytes 2-4/10"), "234"),
        ("bytes=-3", 206, Some("bytes 7-9/10"), "789"),
        ("bytes=8-", 206, Some("bytes 8-9/10"), "89"),
        ("bytes=20-", 416, Some("bytes */10"), ""),
        ("bytes=0-1,4-5", 200, None, "0123456789"),
        ("lines=0-1", 200, None, "0123456789"),
    ] {
        let response = play.get(&link, "Range", range).await;
        assert_eq!(response.status().as_u16(), status, "{range}");
        assert_eq!(
            response
                .headers()
                .get("content-range")
                .map(|v| v.to_str().expect("text")),
            content_range,
            "{range}"
        );
        assert_eq!(response.text().await.expect("text"), body, "{range}");
    }
    let conditional = play
        .service
        .client
        .get(url(&link))
        .header("Range", "bytes=0-1")
        .header("If-Range", "\"x\"");
    assert_eq!(conditional.send().await.expect("an answer").status(), 200);
    let whole = play.service.follow(&link).await;
    assert_eq!(whole.headers()["accept-ranges"], "bytes");
    let etag = whole.headers()["etag"].to_str().expect("text").to_owned();
    let conditional = play.service.client.get(url(&link));
    let conditional = conditional
        .header("Range", "bytes=0-1")
        .header("If-Range", &etag);
    let part = conditional.send().await.expect("an answer");
    assert_eq!(part.status(), 206);
    assert_eq!(part.headers()["etag"], etag.as_str());
    let unchanged = play.get(&link, "If-None-Match", &etag).await;
    assert_eq!(unchanged.status(), 304);
    assert_eq!(unchanged.headers()["etag"], etag.as_str());
    assert!(unchanged.headers().contains_key("cache-control"));
    assert_eq!(unchanged.bytes().await.expect("nothing"), "");
    let other = play.get(&link, "If-None-Match", "\"x\"").await;
    assert_eq!(other.status(), 200);
}

#[tokio::test]
async fn types_and_names_are_made_safe() {
    let play = Play::new(Options::default(), "").await;
    for (kind, disposition) in [
        // Where the bytes do not agree, the type is unknown.
        ("image/png", "attachment"),
        ("text/plain", "inline"),
        ("text/html", "attachment"),
        ("image/svg+xml", "attachment"),
        ("application/pdf", "attachment"),
        ("application/xml", "attachment"),
        ("video/mp4", "attachment"),
    ] {
        let (mxc, token) = play.world.upload("<script>", kind).await;
        for name in [
            "a\"b\r\nX: y.png",
            "../../etc/passwd",
            "🐈.png",
            "a;b=\"c\".txt",
        ] {
            let body = json!({"mxc": mxc, "content_token": token, "room_id": play.world.room_id, "filename": name});
            let link = play.service.issue(body).await;
            let tail = url(&link);
            assert!(tail.is_ascii() && tail.matches('/').count() == 5, "{tail}");
            let response = play.service.follow(&link).await;
            assert_eq!(response.status(), 200);
            let header = |name: &str| response.headers()[name].to_str().expect("text").to_owned();
            assert!(
                header("content-disposition").starts_with(disposition),
                "{kind}"
            );
            assert_eq!(header("x-content-type-options"), "nosniff");
            assert!(header("content-security-policy").starts_with("sandbox; default-src 'none'"));
            assert_eq!(
                (header("referrer-policy"), header("x-robots-tag")),
                ("no-referrer".into(), "noindex".into())
            );
            assert_eq!(header("access-control-allow-origin"), "*");
            assert!(response.headers().get("x").is_none());
        }
    }
    let page = play.issue("filename", json!("<b>.png")).await["page_url"]
        .as_str()
        .expect("URL")
        .to_owned();
    let page = play.service.client.get(page).send().await.expect("a page");
    assert_eq!(page.status(), 200);
    assert!(!page.text().await.expect("a page").contains("<b>"));
    let robots = play
        .service
        .client
        .get(format!("{}/robots.txt", play.service.public))
        .send()
        .await
        .expect("robots");
    assert!(robots.text().await.expect("text").contains("Disallow: /"));
    let page = play.issue("event_id", json!("$page")).await;
    for address in [
        page["page_url"].as_str().expect("a URL").to_owned(),
        format!("{}/robots.txt", play.service.public),
    ] {
        let head = play.service.client.head(&address).send().await;
        let head = head.expect("an answer");
        assert_eq!(head.status(), 200, "a page has a head, too");
        assert_ne!(head.headers()["content-length"], "0");
        assert!(head.bytes().await.expect("no body").is_empty());
    }
    play.service.stop().await;
}

#[tokio::test]
async fn no_changed_byte_of_a_token_reaches_the_homeserver() {
    let play = Play::new(Options::default(), "").await;
    for form in ["short", "self_contained"] {
        let link = play.issue("form", json!(form)).await;
        let good = url(&link);
        assert_eq!(play.service.follow(&link).await.status(), 200);
        let asked = play.world.requests("media.download").await;
        let start = good.rfind('/').expect("a token") + 1;
        for at in start..good.len() {
            let other = if &good[at..=at] == "A" { "B" } else { "A" };
            let bad = format!("{}{other}{}", &good[..at], &good[at + 1..]);
            let status = play
                .service
                .client
                .get(bad)
                .send()
                .await
                .expect("an answer")
                .status();
            assert_eq!(status, 404, "at {at}");
        }
        for bad in [
            format!("{good}="),
            format!("{good}A"),
            good[..good.len() - 1].to_owned(),
            format!("{good}%00"),
        ] {
            assert_eq!(
                play.service
                    .client
                    .get(bad)
                    .send()
                    .await
                    .expect("an answer")
                    .status(),
                404
            );
        }
        assert_eq!(
            play.world.requests("media.download").await,
            asked,
            "the homeserver was asked nothing"
        );
    }
    play.service.stop().await;
}

#[tokio::test]
async fn links_signed_elsewhere_pass_the_rules_of_an_issue() {
    let play = Play::new(Options::default(), "links: {max_lifetime: 20d}").await;
    let status = async |url: &str| {
        play.service
            .client
            .get(url)
            .send()
            .await
            .expect("an answer")
            .status()
            .as_u16()
    };
    let good = play.signed_elsewhere("$good", 10, 0);
    assert_eq!(status(&good).await, 200);
    let listed = answer(play.service.api(Method::GET, "/v1/links?event_id=%24good"))
        .await
        .1["links"][0]
        .clone();
    assert_eq!(
        (&listed["state"], url(&listed)),
        (&json!("live"), good.clone())
    );
    play.service.wait_for_usage(&listed, "counted").await;
    assert_eq!(
        status(&play.signed_elsewhere("$old", 21 * 86_400, 0)).await,
        410,
        "bounded by max_lifetime"
    );
    assert_eq!(status(&play.signed_elsewhere("$over", 100, 50)).await, 410);
    assert_eq!(
        status(&play.signed_elsewhere("$future", -120, 0)).await,
        404
    );
    let unseen = play.signed_elsewhere("$unseen", 5, 0);
    let by_event = play
        .service
        .call(
            Method::POST,
            "/v1/revocations",
            &json!({"event_id": "$unseen"}),
        )
        .await
        .1;
    assert_eq!(by_event, json!({"revoked": 0, "reaches": "all"}));
    assert_eq!(status(&unseen).await, 410, "revoked before it was seen");
    assert_eq!(
        status(&play.signed_elsewhere("$unseen", -2, 0)).await,
        200,
        "issued later"
    );
    play.service.clock.advance(21 * DAY);
    assert_eq!(status(&good).await, 410);
    play.service.stop().await;
}

#[tokio::test]
async fn a_public_url_may_have_a_path_that_a_proxy_strips_or_not() {
    let world = World::new().await;
    let clock = medialink::clock::Clock::default();
    let service =
        Service::start_at(world.folder.path(), &world.url, "/media/links", "", &clock).await;
    let (mxc, token) = world.upload("bytes", "text/plain").await;
    let link = service
        .issue(json!({"mxc": mxc, "content_token": token, "room_id": world.room_id}))
        .await;
    assert!(url(&link).contains("/media/links/m/"));
    assert_eq!(service.follow(&link).await.status(), 200);
    let stripped = url(&link).replace("/media/links", "");
    assert_eq!(
        service
            .client
            .get(stripped)
            .send()
            .await
            .expect("an answer")
            .status(),
        200
    );
    assert_eq!(
        service
            .client
            .post(url(&link))
            .send()
            .await
            .expect("an answer")
            .status(),
        405
    );
    service.stop().await;
}
