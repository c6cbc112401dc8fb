//! Media answers byte by byte, with deadlines of a second: parts, lengths, redirects, and what a
//! homeserver says beside the media.

use medialink::clock::Clock;
use serde_json::{Value, json};
use support::{
    Service, answer, client,
    raw::{self, Plan, RawServer, say, say_all, say_error},
    url,
};

const CONTENT_TOKEN: &str = "content-token-of-the-test";

/// A service beside a homeserver that answers like this, and a link.
struct Scene {
    homeserver: RawServer,
    service: Service,
    link: Value,
    _folder: tempfile::TempDir,
}

impl Scene {
    async fn new(answer: impl Fn(&str) -> Plan + Send + Sync + 'static) -> Self {
        Self::with("", answer).await
    }

    /// `networks`: `homeserver.redirect_networks`.
    async fn with(networks: &str, answer: impl Fn(&str) -> Plan + Send + Sync + 'static) -> Self {
        Self::configured(networks, "max_size: 100KiB", answer).await
    }

    /// `media`: what stands under that key.
    async fn configured(
        networks: &str,
        media: &str,
        answer: impl Fn(&str) -> Plan + Send + Sync + 'static,
    ) -> Self {
        let homeserver = RawServer::start(answer).await;
        let folder = tempfile::tempdir().expect("a folder");
        let more = format!("usage: {{mode: never, touch: never}}\nmedia: {{{media}}}");
        let edit = |text: String| {
            text.replace(
                "timeouts: {connect: 2s, first_byte: 5s, stall: 5s}",
                &format!(
                    "timeouts: {{connect: 1s, first_byte: 1s, stall: 1s}}, redirect_networks: [{networks}]"
                ),
            )
        };
        let clock = Clock::default();
        let service =
            Service::start_edited(folder.path(), &homeserver.url, "", &more, &clock, edit).await;
        let link = service
            .issue(json!({"mxc": "mxc://example.org/abc", "room_id": "!r:example.org", "content_token": CONTENT_TOKEN}))
            .await;
        Self {
            homeserver,
            service,
            link,
            _folder: folder,
        }
    }

    async fn get(&self) -> raw::RawAnswer {
        raw::get(&url(&self.link)).await
    }

    /// The link is refused like this.
    async fn refuses(&self, status: u16, errcode: &str) {
        let (found, error) = answer(client().get(url(&self.link))).await;
        assert_eq!(
            (found.as_u16(), &error["errcode"]),
            (status, &json!(errcode)),
            "{error}"
        );
    }

    /// Something is sent, but it never looks whole.
    async fn breaks_off(self) -> raw::RawAnswer {
        let answer = self.get().await;
        let is_told = answer.status == 502;
        assert!(is_told || answer.status == 200, "{}", answer.head);
        assert!(is_told || !answer.is_complete, "{}", answer.head);
        self.service.stop().await;
        answer
    }
}

#[tokio::test]
async fn a_body_that_is_cut_never_looks_whole() {
    let short = Scene::new(|_| say("200 OK\r\nContent-Length: 1000", [7; 500])).await;
    assert!(short.breaks_off().await.body.len() <= 500);
    let chunked = "200 OK\r\nTransfer-Encoding: chunked";
    let cut_between = Scene::new(move |_| say(chunked, b"5\r\nhello\r\n")).await;
    cut_between.breaks_off().await;
    let cut_within = Scene::new(move |_| say(chunked, b"ff\r\nhello")).await;
    cut_within.breaks_off().await;
    let whole = Scene::new(move |_| say(chunked, b"5\r\nhello\r\n0\r\n\r\n")).await;
    let answer = whole.get().await;
    assert!(
        answer.is_complete && answer.body == b"hello",
        "{}",
        answer.head
    );
    whole.service.stop().await;
}

#[tokio::test]
async fn a_part_that_is_cut_never_looks_whole() {
    let scene = Scene::configured("", "max_size: 100KiB, cache: null", |_| {
        let head =
            "206 Partial Content\r\nContent-Range: bytes 0-9/100\r\nTransfer-Encoding: chunked";
        say(head, b"5\r\nhello\r\n0\r\n\r\n")
    })
    .await;
    let answer = raw::request("GET", &url(&scene.link), "Range: bytes=0-9\r\n").await;
    assert!(
        answer.status == 502 || !answer.is_complete,
        "{}",
        answer.head
    );
    scene.service.stop().await;
}

#[tokio::test]
async fn what_is_too_large_is_refused_or_broken_off() {
    let announced = Scene::new(|_| say("200 OK\r\nContent-Length: 102401", [7; 10])).await;
    announced.refuses(502, "M_TOO_LARGE").await;
    let told = Scene::new(|_| say_error("502 Bad Gateway", "M_TOO_LARGE")).await;
    told.refuses(502, "M_TOO_LARGE").await;
    let endless = Scene::new(|_| {
        let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        let mut chunk = b"1000\r\n".to_vec();
        chunk.extend([7; 0x1000]);
        chunk.extend(b"\r\n");
        Plan::SayForEver(head.into(), chunk)
    })
    .await;
    assert!(endless.breaks_off().await.body.len() <= 100 << 10);
    let exact = Scene::new(|_| say_all("200 OK", [7; 100 << 10])).await;
    let answer = exact.get().await;
    assert!(answer.is_complete && answer.body.len() == 100 << 10);
    exact.service.stop().await;
    told.service.stop().await;
    announced.service.stop().await;
}

#[tokio::test]
async fn a_homeserver_that_says_nothing_is_slow() {
    let silent = Scene::new(|_| Plan::SayAndWait(Vec::new())).await;
    silent.refuses(504, "M_UNKNOWN").await;
    let half = Scene::new(|_| Plan::SayAndWait(b"HTTP/1.1 200 OK\r\nContent-".to_vec())).await;
    half.refuses(504, "M_UNKNOWN").await;
    let error = b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 100\r\n\r\n{";
    let endless_error = Scene::new(|_| Plan::SayAndWait(error.to_vec())).await;
    endless_error.refuses(504, "M_UNKNOWN").await;
    endless_error.service.stop().await;
    half.service.stop().await;
    silent.service.stop().await;
}

#[tokio::test]
async fn answers_that_make_no_sense_are_the_homeservers_failure() {
    for head in [
        "204 No Content",
        "206 Partial Content\r\nContent-Range: bytes 0-4/10",
        "416 Range Not Satisfiable",
        "304 Not Modified",
        "302 Found\r\nLocation: /elsewhere",
        "307 Temporary Redirect",
        "200 OK\r\nContent-Encoding: gzip",
        "200 OK\r\nContent-Encoding: identity, br",
        "401 Unauthorized",
        "403 Forbidden",
        "500 Internal Server Error",
    ] {
        let scene = Scene::new(move |_| say_all(head, "hello")).await;
        scene.refuses(502, "M_UNKNOWN").await;
        scene.service.stop().await;
    }
    for bytes in [
        "",
        "HTTP/1.1",
        "nonsense\r\n\r\n",
        "HTTP/1.1 999999 X\r\n\r\n",
    ] {
        let scene = Scene::new(move |_| Plan::Say(bytes.into())).await;
        scene.refuses(502, "M_UNKNOWN").await;
        scene.service.stop().await;
    }
    for headers in [
        "\r\nX: y".repeat(5000),
        format!("\r\nX: {}", "y".repeat(1 << 20)),
    ] {
        let head = format!("200 OK{headers}");
        let scene = Scene::new(move |_| say_all(&head, "hello")).await;
        scene.refuses(502, "M_UNKNOWN").await;
        scene.service.stop().await;
    }
}

#[tokio::test]
async fn absurd_headers_are_refused_or_dropped() {
    let long = format!("200 OK\r\nX-Long: {}", "x".repeat(200_000));
    let scene = Scene::new(move |_| say_all(&long, "hello")).await;
    scene.refuses(502, "M_UNKNOWN").await;
    scene.service.stop().await;
    let many = (0..5000).map(|n| format!("\r\nX-{n}: {n}"));
    let many = format!("200 OK{}", many.collect::<String>());
    let scene = Scene::new(move |_| say_all(&many, "hello")).await;
    scene.refuses(502, "M_UNKNOWN").await;
    scene.service.stop().await;
    for length in [
        "-1",
        "99999999999999999999",
        "5, 6",
        "5\r\nContent-Length: 6",
        "0x5",
    ] {
        let head = format!("200 OK\r\nContent-Length: {length}");
        let scene = Scene::new(move |_| say(&head, "hello")).await;
        scene.refuses(502, "M_UNKNOWN").await;
        scene.service.stop().await;
    }
    for absurd in [
        "Content-Type: \u{1F408}/\u{1F408}",
        "Content-Type: text/html\r\nContent-Type: image/png",
        "Content-Type: image/png; charset=\"",
        "Content-Disposition: attachment; filename=\"\u{202e}\"; filename*=utf-8''%00%0d%0a%ff",
        "Content-Disposition: ;;;===\"\"\"",
        "Last-Modified: yesterday",
        "ETag: \"\"\"",
        "Set-Cookie: a=b\r\nLocation: https://elsewhere.example/\r\nLink: <x>; rel=preload",
        "Cache-Control: max-age=99999999999999999999",
    ] {
        let head = format!("200 OK\r\n{absurd}");
        let scene = Scene::new(move |_| say_all(&head, "hello")).await;
        let answer = scene.get().await;
        assert_eq!(
            (answer.status, &answer.body[..]),
            (200, &b"hello"[..]),
            "{absurd}"
        );
        for name in ["set-cookie", "location", "link", "last-modified"] {
            assert!(
                !answer.head.contains(&format!("\n{name}:")),
                "{}",
                answer.head
            );
        }
        assert!(
            answer.head.contains("\ncontent-disposition: attachment"),
            "{}",
            answer.head
        );
        assert!(answer.head.contains("max-age=3600"), "{}", answer.head);
        assert!(
            !answer.head.contains("%00") && !answer.head.contains("%0d"),
            "{}",
            answer.head
        );
        scene.service.stop().await;
    }
}

#[tokio::test]
async fn nothing_that_a_homeserver_says_beside_the_media_is_handed_on() {
    let scene = Scene::new(|_| {
        let head = "200 OK\r\nContent-Type: image/png\r\nSet-Cookie: a=b\r\nServer: secret\r\n\
            Content-Security-Policy: default-src *\r\nAccess-Control-Allow-Credentials: true\r\n\
            Location: /x\r\nETag: \"x\"\r\nLast-Modified: Thu, 01 Jan 1970 00:00:00 GMT\r\n\
            Cache-Control: private\r\nX-Anything: y\r\nLink: </x>\r\nRefresh: 0\r\n\
            Content-Disposition: attachment; filename=\"../a.png\"";
        say_all(head, "hello")
    })
    .await;
    let answer = scene.get().await;
    assert_eq!(answer.status, 200);
    let mut names: Vec<&str> = answer
        .head
        .lines()
        .skip(1)
        .filter_map(|line| line.split_once(':').map(|(name, _)| name))
        .collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "accept-ranges",
            "access-control-allow-origin",
            "access-control-expose-headers",
            "cache-control",
            "connection",
            "content-disposition",
            "content-length",
            "content-security-policy",
            "content-type",
            "cross-origin-resource-policy",
            "date",
            "etag",
            "last-modified",
            "referrer-policy",
            "x-content-type-options",
            "x-robots-tag",
        ]
    );
    assert!(answer.head.contains("content-security-policy: sandbox;"));
    assert!(!answer.head.contains("etag: \"x\""), "{}", answer.head);
    assert!(
        answer.head.contains("filename=\".._a.png\""),
        "{}",
        answer.head
    );
    scene.service.stop().await;
}

#[tokio::test]
async fn an_error_page_of_a_homeserver_is_not_shown() {
    for status in [
        "403 Forbidden",
        "500 Internal Server Error",
        "502 Bad Gateway",
    ] {
        let scene = Scene::new(move |_| {
            let head = format!("{status}\r\nContent-Type: text/html");
            say_all(&head, "<script>alert(1)</script>")
        })
        .await;
        let answer = raw::request("GET", &url(&scene.link), "Accept: text/html\r\n").await;
        let page = String::from_utf8_lossy(&answer.body);
        assert!(answer.status == 502 && answer.is_complete && !page.contains("alert(1)"));
        scene.service.stop().await;
    }
}

#[tokio::test]
async fn what_is_said_of_the_media_is_handed_on() {
    let pending = Scene::new(|_| say_error("504 Gateway Timeout", "M_NOT_YET_UPLOADED")).await;
    pending.refuses(503, "M_NOT_YET_UPLOADED").await;
    let answer = pending.service.follow(&pending.link).await;
    assert!(answer.headers().contains_key("retry-after"));
    let limited = Scene::new(|_| {
        say_all(
            "429 Too Many Requests\r\nRetry-After: 7",
            r#"{"errcode": "M_LIMIT_EXCEEDED"}"#,
        )
    })
    .await;
    limited.refuses(502, "M_UNKNOWN").await;
    let answer = limited.service.follow(&limited.link).await;
    assert_eq!(answer.headers()["retry-after"], "7");
    let slow = Scene::new(|_| say_error("504 Gateway Timeout", "M_UNKNOWN")).await;
    slow.refuses(504, "M_UNKNOWN").await;
    slow.service.stop().await;
    limited.service.stop().await;
    pending.service.stop().await;
}

#[tokio::test]
async fn parts_that_contradict_themselves_are_refused() {
    for head in [
        "206 Partial Content",
        "206 Partial Content\r\nContent-Range: bytes 0-9/100",
        "206 Partial Content\r\nContent-Range: bytes 0-4/3",
        "206 Partial Content\r\nContent-Range: bytes 4-0/10",
        "206 Partial Content\r\nContent-Range: bytes 5-9/10",
        "206 Partial Content\r\nContent-Range: bytes 0-4/10\r\nContent-Encoding: gzip",
        "206 Partial Content\r\nContent-Range: nonsense",
    ] {
        let scene = Scene::new(move |_| say_all(head, "hello")).await;
        let answer = raw::request("GET", &url(&scene.link), "Range: bytes=0-4\r\n").await;
        assert_eq!(answer.status, 502, "{head}");
        scene.service.stop().await;
    }
}

#[tokio::test]
async fn the_head_of_media_of_unknown_length_tells_no_length() {
    let scene = Scene::new(|_| say("200 OK\r\nTransfer-Encoding: chunked", "")).await;
    let answer = raw::request("HEAD", &url(&scene.link), "").await;
    assert_eq!(answer.status, 200);
    assert!(
        !answer.head.contains("\ncontent-length:"),
        "{}",
        answer.head
    );
    scene.service.stop().await;
}

/// Nothing of these belongs anywhere but to the homeserver's media endpoint.
fn assert_no_secrets(head: &str) {
    for secret in [
        "authorization",
        "user_id",
        "content-token",
        CONTENT_TOKEN,
        "harness-as-token",
    ] {
        assert!(!head.contains(secret), "{head}");
    }
}

fn media(head: &str) -> Plan {
    if head.contains("/cdn/") {
        say_all("200 OK\r\nContent-Type: text/plain", "hello")
    } else {
        say_all("307 Temporary Redirect\r\nLocation: /cdn/x?signed=yes", "")
    }
}

#[tokio::test]
async fn redirects_inward_are_refused_unless_they_are_configured() {
    for name in ["127.0.0.1", "localhost"] {
        for (networks, status) in [("", 502), ("'10.0.0.0/8'", 502), ("'127.0.0.0/8'", 200)] {
            let other = RawServer::start(media).await;
            let port = other.url.rsplit(':').next().expect("a port").to_owned();
            let scene = Scene::with(networks, move |_| {
                let target = format!("http://{name}:{port}/cdn/x");
                say_all(&format!("307 Temporary Redirect\r\nLocation: {target}"), "")
            })
            .await;
            assert_eq!(scene.get().await.status, status, "{name} {networks}");
            let heads = other.heads();
            assert_eq!(heads.len(), usize::from(status == 200), "{name} {networks}");
            heads.iter().for_each(|head| assert_no_secrets(head));
            scene.service.stop().await;
        }
    }
}

#[tokio::test]
async fn a_redirect_that_comes_back_carries_no_credentials_either() {
    let back = std::sync::Arc::new(std::sync::OnceLock::<String>::new());
    let to = std::sync::Arc::clone(&back);
    let other = RawServer::start(move |_| {
        let home = to.get().map_or("/", String::as_str);
        say_all(
            &format!("307 Temporary Redirect\r\nLocation: {home}/cdn/x"),
            "",
        )
    })
    .await;
    let target = other.url.clone();
    let scene = Scene::with("'127.0.0.0/8'", move |head| {
        if head.contains("/cdn/") {
            return media(head);
        }
        say_all(
            &format!("307 Temporary Redirect\r\nLocation: {target}/x"),
            "",
        )
    })
    .await;
    back.set(scene.homeserver.url.clone()).expect("set once");
    assert_eq!(scene.get().await.body, b"hello");
    assert_no_secrets(&other.heads()[0]);
    assert_no_secrets(&scene.homeserver.heads()[1]);
    scene.service.stop().await;
}

#[tokio::test]
async fn a_redirect_with_a_strange_target_is_refused() {
    for target in [
        "file:///etc/passwd",
        "ftp://8.8.8.8/x",
        "http://user:pass@8.8.8.8/x",
        "http://169.254.169.254/latest",
        "http://[::ffff:127.0.0.1]:1/",
        "http://",
    ] {
        let scene = Scene::new(move |_| {
            say_all(&format!("307 Temporary Redirect\r\nLocation: {target}"), "")
        })
        .await;
        scene.refuses(502, "M_UNKNOWN").await;
        scene.service.stop().await;
    }
}

#[tokio::test]
async fn at_most_three_redirects_are_followed() {
    let scene = Scene::new(|_| say_all("307 Temporary Redirect\r\nLocation: /again", "")).await;
    scene.refuses(502, "M_UNKNOWN").await;
    assert_eq!(scene.homeserver.heads().len(), 4);
    let three = Scene::new(|head| {
        let next = match head.split(' ').nth(1).unwrap_or_default() {
            "/one" => "/two",
            "/two" => "/three",
            "/three" => return say_all("200 OK", "hello"),
            _ => "/one",
        };
        say_all(&format!("308 Permanent Redirect\r\nLocation: {next}"), "")
    })
    .await;
    assert_eq!(three.get().await.status, 200);
    three.service.stop().await;
    scene.service.stop().await;
}
