//! Into the console, and out of it.

use reqwest::{StatusCode, header};
use support::{Service, World};

use super::scene::{Page, Scene, TOKEN};

#[tokio::test(flavor = "multi_thread")]
async fn without_its_section_there_is_no_console() {
    let world = World::new().await;
    let service = world.service("").await;
    for path in [
        "/console",
        "/console/login",
        "/console/links",
        "/console/nothing",
    ] {
        let answer = service
            .client
            .get(format!("{}{path}", service.internal))
            .send()
            .await;
        assert_eq!(answer.expect("an answer").status(), 404, "{path}");
    }
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_console_is_not_on_the_public_listener() {
    let scene = Scene::new().await;
    for path in ["/console", "/console/login"] {
        let answer = scene
            .service
            .client
            .get(format!("{}{path}", scene.service.public))
            .send();
        assert_eq!(answer.await.expect("an answer").status(), 404, "{path}");
    }
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_token_opens_every_page_and_its_lack_none() {
    let scene = Scene::new().await;
    let stranger = scene.browser();
    let parts = [
        "",
        "/links",
        "/links/revoke?room_id=!a",
        "/usage",
        "/rooms",
        "/reports",
        "/denials",
        "/keys",
        "/audit",
    ];
    let mut browser = scene.browser();
    for part in parts {
        let page = stranger.get(&format!("/console{part}")).await;
        assert_eq!(
            (page.status, page.location()),
            (StatusCode::SEE_OTHER, "/console/login"),
            "{part}"
        );
    }
    let answer = browser.log_in(TOKEN).await;
    assert_eq!(
        (answer.status, answer.location()),
        (StatusCode::SEE_OTHER, "/console")
    );
    let cookie = answer.headers[header::SET_COOKIE].to_str().expect("text");
    assert!(cookie.starts_with("medialink_console="), "{cookie}");
    for part in [
        "Path=/console",
        "HttpOnly",
        "SameSite=Strict",
        "Max-Age=43200",
    ] {
        assert!(cookie.contains(part), "{part} in {cookie}");
    }
    assert!(!cookie.contains("Secure"), "{cookie}");
    for part in parts {
        let page = browser.get(&format!("/console{part}")).await;
        assert_eq!(page.status, 200, "{part}");
        is_guarded(&page);
        page.has("<html lang=\"en\">")
            .has("Skip to the content")
            .has("aria-current=\"page\"")
            .lacks("<script");
    }
    scene.end().await;
}

/// Nobody keeps it, nothing stands around it, and it loads nothing.
fn is_guarded(page: &Page) {
    let header = |name: &str| page.headers[name].to_str().expect("text").to_owned();
    assert_eq!(header("cache-control"), "no-store");
    assert_eq!(header("x-frame-options"), "DENY");
    assert_eq!(header("x-content-type-options"), "nosniff");
    let policy = header("content-security-policy");
    for part in [
        "default-src 'none'",
        "frame-ancestors 'none'",
        "form-action 'self'",
        "base-uri 'none'",
    ] {
        assert!(policy.contains(part), "{policy}");
    }
    assert!(
        !policy.contains("unsafe") && !policy.contains("script-src"),
        "{policy}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn by_https_the_cookie_is_for_https_alone() {
    let scene = Scene::new().await;
    let browser = scene.browser();
    let host = scene.service.internal.trim_start_matches("http://");
    let origin = format!("https://{host}");
    for headers in [
        [("Origin", origin.as_str())],
        [("X-Forwarded-Proto", "https")],
    ] {
        let page = browser
            .post_with("/console/login", &[("token", TOKEN)], &headers)
            .await;
        let cookie = page.headers[header::SET_COOKIE].to_str().expect("text");
        assert!(
            cookie.starts_with("__Secure-medialink_console="),
            "{cookie}"
        );
        assert!(cookie.ends_with("; Secure"), "{cookie}");
        let mut second = scene.browser();
        cookie
            .split(';')
            .next()
            .expect("a cookie")
            .clone_into(&mut second.cookie);
        assert_eq!(second.get("/console").await.status, 200);
    }
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_token_waits_and_the_right_one_of_others_does_not() {
    let scene = Scene::new().await;
    let (mut browser, mut other) = (scene.browser(), scene.browser());
    for _ in 0..3 {
        let page = browser.log_in("wrong").await;
        assert_eq!(page.status, StatusCode::FORBIDDEN);
        page.has("This is not the token.").lacks("wrong\"");
    }
    let page = browser.log_in(TOKEN).await;
    assert_eq!(page.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(page.headers[header::RETRY_AFTER], "1");
    assert!(browser.cookie.is_empty());
    let elsewhere = [("X-Forwarded-For", "203.0.113.9")];
    let page = other
        .post_with("/console/login", &[("token", TOKEN)], &elsewhere)
        .await;
    assert_eq!(page.status, StatusCode::SEE_OTHER);
    scene.service.clock.advance(1001);
    assert_eq!(other.log_in(TOKEN).await.status, StatusCode::SEE_OTHER);
    assert_eq!(other.get("/console").await.status, 200);
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_ends_by_itself() {
    let scene = Scene::with(&format!(
        "console: {{token: {TOKEN}, session: 1h}}\nusage: {{mode: never}}\n"
    ))
    .await;
    let browser = scene.logged_in().await;
    scene.service.clock.advance(3_590_000);
    assert_eq!(browser.get("/console").await.status, 200);
    scene.service.clock.advance(20_000);
    let page = browser.get("/console").await;
    assert_eq!(
        (page.status, page.location()),
        (StatusCode::SEE_OTHER, "/console/login")
    );
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_logs_out_is_out_and_others_stay() {
    let scene = Scene::new().await;
    let (browser, other) = (scene.logged_in().await, scene.logged_in().await);
    let page = browser.post("/console/logout", &[]).await;
    assert_eq!(
        (page.status, page.location()),
        (StatusCode::SEE_OTHER, "/console/login")
    );
    assert!(
        page.headers[header::SET_COOKIE]
            .to_str()
            .expect("text")
            .contains("Max-Age=0")
    );
    // Also with the cookie that the browser was to forget.
    assert_eq!(browser.get("/console").await.status, StatusCode::SEE_OTHER);
    assert_eq!(other.get("/console").await.status, 200);
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn services_on_one_database_share_sessions_until_the_token_changes() {
    let scene = Scene::new().await;
    let browser = scene.logged_in().await;
    let Scene { world, service, .. } = scene;
    service.stop().await;
    for (token, status) in [(TOKEN, 200), ("another-token-0123456789", 303)] {
        let more = format!("console: {{token: {token}}}\nusage: {{mode: never}}\n");
        let next = Service::start(world.folder.path(), &world.url, &more).await;
        let page = next.client.get(format!("{}/console", next.internal));
        let page = page.header(header::COOKIE, &browser.cookie).send().await;
        assert_eq!(page.expect("an answer").status(), status, "{token}");
        next.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn made_up_sessions_are_none() {
    let scene = Scene::new().await;
    let mut browser = scene.browser();
    for value in [
        "",
        "x",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "%00",
        TOKEN,
    ] {
        browser.cookie = format!("medialink_console={value}; other=1");
        assert_eq!(
            browser.get("/console").await.status,
            StatusCode::SEE_OTHER,
            "{value}"
        );
    }
    scene.end().await;
}
