//! What the site says of itself to people who have no link: the start page, whom to write to, and the icon.

use medialink::clock::Clock;
use reqwest::{Method, Response, StatusCode};
use support::{Service, World};

const OPERATOR: &str = "usage: {mode: never}\noperator: {name: Example <Society>, contact: 'mailto:abuse@example.org?subject=a&b'}";

async fn ask(service: &Service, method: Method, url: &str) -> Response {
    let request = service.client.request(method, url);
    let request = request.header("Accept", "text/html");
    request.send().await.expect("an answer")
}

/// The origin of the public listener, whatever the path of `public_url`.
fn root(service: &Service) -> String {
    let parts: Vec<&str> = service.public.splitn(4, '/').collect();
    parts[..3].join("/")
}

#[tokio::test]
async fn the_start_page_says_what_the_site_is_and_who_runs_it() {
    let world = World::new().await;
    let more = format!(
        "\x20 - {{id: xmpp, network: XMPP, api_token: t1, as_token: t2, hs_token: t3, user_id: '@xmpp:example.org'}}\n{OPERATOR}"
    );
    let clock = Clock::default();
    let service = Service::start_at(world.folder.path(), &world.url, "/media", &more, &clock).await;
    let root = root(&service);
    for path in ["/", "/media", "/media/"] {
        let answer = ask(&service, Method::GET, &format!("{root}{path}")).await;
        assert_eq!(answer.status(), 200, "{path}");
        let header = |name: &str| answer.headers()[name].to_str().expect("text").to_owned();
        assert_eq!(header("content-type"), "text/html; charset=utf-8");
        assert_eq!(header("x-robots-tag"), "noindex");
        assert_eq!(header("x-content-type-options"), "nosniff");
        assert_eq!(header("referrer-policy"), "no-referrer");
        assert_eq!(header("cache-control"), "private, max-age=300");
        let csp = header("content-security-policy");
        assert!(csp.starts_with("default-src 'none'; style-src 'sha256-"));
        let page = answer.text().await.expect("text");
        for part in [
            "follow on Libera.Chat and XMPP:",
            "Example &#60;Society&#62;",
            "href=\"mailto:abuse@example.org?subject=a&#38;b\"",
            ">abuse@example.org</a>",
        ] {
            assert!(page.contains(part), "{part} in {page}");
        }
        let head = ask(&service, Method::HEAD, &format!("{root}{path}")).await;
        assert_eq!(head.status(), 200);
        assert_ne!(head.headers()["content-length"], "0");
        assert!(head.bytes().await.expect("none").is_empty());
    }
    for (path, status) in [("/media//", 404), ("/medias", 404), ("/media/x", 404)] {
        let answer = ask(&service, Method::GET, &format!("{root}{path}")).await;
        assert_eq!(answer.status(), status, "{path}");
    }
    let posted = ask(&service, Method::POST, &format!("{root}/")).await;
    assert_eq!(posted.status(), StatusCode::METHOD_NOT_ALLOWED);
    service.stop().await;
}

#[tokio::test]
async fn whoever_finds_a_fault_learns_whom_to_write_to() {
    let world = World::new().await;
    let service = world.service(OPERATOR).await;
    let answer = service.get("/.well-known/security.txt").await;
    assert_eq!(answer.status(), 200);
    assert_eq!(
        answer.headers()["content-type"],
        "text/plain; charset=utf-8"
    );
    let text = answer.text().await.expect("text");
    let lines: Vec<&str> = text.lines().collect();
    let [contact, expires] = lines[..] else {
        panic!("{text}");
    };
    assert_eq!(contact, "Contact: mailto:abuse@example.org?subject=a&b");
    let expires = expires.strip_prefix("Expires: ").expect("its end");
    let expires = seconds(expires);
    let year = 365 * 86_400;
    let left = expires - service.clock.now_ms() / 1000;
    assert!((30 * 86_400..year).contains(&left), "{left}");
    let lost = ask(&service, Method::GET, &format!("{}/m/none", service.public)).await;
    assert_eq!(lost.status(), 404);
    let lost = lost.text().await.expect("a page");
    assert!(
        lost.contains("Run by Example &#60;Society&#62;:")
            && lost.contains(">abuse@example.org</a>"),
        "{lost}"
    );
    service.stop().await;
}

/// Seconds since the epoch.
fn seconds(text: &str) -> i64 {
    let format = &time::format_description::well_known::Rfc3339;
    let time = time::OffsetDateTime::parse(text, format).expect("a time");
    time.unix_timestamp()
}

#[tokio::test]
async fn without_an_operator_nobody_is_named() {
    let world = World::new().await;
    let service = world.service("usage: {mode: never}").await;
    let (status, errcode) = service.refused("/.well-known/security.txt").await;
    assert_eq!((status, errcode), (404, "M_NOT_FOUND".into()));
    for path in ["/", "/m/none"] {
        let url = format!("{}{path}", service.public);
        let page = ask(&service, Method::GET, &url).await.text().await;
        let page = page.expect("a page");
        assert!(!page.contains("Run by"), "{page}");
    }
    service.stop().await;
}

#[tokio::test]
async fn browsers_find_an_icon_and_keep_it() {
    let world = World::new().await;
    let service = world.service("usage: {mode: never}").await;
    let icon = service.get("/favicon.ico").await;
    assert_eq!(icon.status(), 200);
    assert_eq!(icon.headers()["content-type"], "image/x-icon");
    assert_eq!(icon.headers()["cache-control"], "public, max-age=604800");
    let bytes = icon.bytes().await.expect("an icon");
    for side in [16, 32, 48] {
        let entry = (0..3).map(|at| &bytes[6 + at * 16..][..16]);
        let entry = entry.into_iter().find(|entry| entry[0] == side);
        let entry = entry.expect("a picture of that size");
        let number = |at: usize| u32::from_le_bytes(entry[at..][..4].try_into().expect("four"));
        let (length, start) = (number(8) as usize, number(12) as usize);
        let picture = image::load_from_memory(&bytes[start..][..length]).expect("a picture");
        assert_eq!(picture.width(), u32::from(side));
    }
    service.stop().await;
}
