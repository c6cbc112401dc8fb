//! A colour and a logo of the operator's own on the pages, read at the start and at SIGHUP.

use std::{fs, io::Cursor};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use medialink::clock::Clock;
use reqwest::{Method, Response, header};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use support::{Process, Service, World, eventually};

/// A page, with its policy.
struct Page {
    html: String,
    policy: String,
}

async fn ask(process: &Process, url: &str) -> Response {
    let request = process.client.get(url);
    let request = request.header(header::ACCEPT, "text/html");
    request.send().await.expect("an answer")
}

async fn page(process: &Process, url: &str) -> Page {
    let answer = ask(process, url).await;
    let policy = &answer.headers()["content-security-policy"];
    Page {
        policy: policy.to_str().expect("text").to_owned(),
        html: answer.text().await.expect("a page"),
    }
}

impl Page {
    /// The style block, which the policy has to allow.
    fn style(&self) -> &str {
        let (_, rest) = self.html.split_once("<style>").expect("a style block");
        let (style, _) = rest.split_once("</style>").expect("its end");
        let hash = STANDARD.encode(Sha256::digest(style));
        let allowed = format!("style-src 'sha256-{hash}';");
        assert!(self.policy.contains(&allowed), "{}", self.policy);
        style
    }
}

/// The addresses of all kinds of pages: media, a text, an error, the form to report, the start.
async fn all_pages(world: &World, process: &Process) -> Vec<String> {
    let (mxc, token) = world.upload("hello", "image/png").await;
    let body = json!({"mxc": mxc, "content_token": token, "room_id": world.room_id});
    let link = process.issue(body).await;
    let body = json!({"text": "hello\n", "room_id": world.room_id});
    let (status, paste) = process
        .call(Method::POST, "/v1/pastes", &body)
        .await
        .expect("an answer");
    assert_eq!(status, 201, "{paste}");
    let page_of = |link: &Value| link["page_url"].as_str().expect("a page").to_owned();
    let view = page_of(&link);
    let token = view.split('/').nth(4).expect("a token");
    let at = |path: &str| format!("{}{path}", process.public);
    vec![
        page_of(&paste),
        at(&format!("/r/{token}")),
        at("/m/none"),
        at("/nowhere/at/all"),
        at("/"),
        view,
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_colour_is_on_all_pages_and_changes_while_the_service_runs() {
    let world = World::new().await;
    let more = "usage: {mode: never}\noperator: {color: '#ffee58'}";
    let mut process = Process::new(world.folder.path(), &world.url, more);
    process.start().await;
    let pages = all_pages(&world, &process).await;
    for url in &pages {
        let page = page(&process, url).await;
        let style = page.style();
        for part in ["--accent:#736b28;", "--accent:#ffee58;"] {
            assert!(style.contains(part), "{part} in {style}");
        }
    }
    process.edit("#ffee58", "#0b5");
    process.signal("HUP");
    eventually("the new colour", async || {
        let page = page(&process, &pages[0]).await;
        page.style().contains("--accent:#007b38;").then_some(())
    })
    .await;
    // A colour that is none changes nothing.
    process.edit("#0b5", "#0b");
    process.signal("HUP");
    eventually("the problem to be told", async || {
        let told = r##"operator.color: found \"#0b\"; allowed is"##;
        process.log().contains(told).then_some(())
    })
    .await;
    for url in &pages {
        let page = page(&process, url).await;
        assert!(page.style().contains("--accent:#007b38;"), "{url}");
    }
    let output = process.run(&["check"]);
    assert_eq!(output.status.code(), Some(2));
    let problem = String::from_utf8_lossy(&output.stderr);
    assert!(problem.contains("in quotes, or null"), "{problem}");
    assert!(process.terminate().await.success());
}

const LOGO: &str = "usage: {mode: never}\noperator: {directory: own}";
const SVG: &[u8] = br##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 96 32"><circle r="9" fill="#08c"/></svg>"##;

/// Puts a file into the operator's folder.
fn write(world: &World, name: &str, bytes: &[u8]) {
    let folder = world.folder.path().join("own");
    fs::create_dir_all(&folder).expect("a folder");
    fs::write(folder.join(name), bytes).expect("a file");
}

fn remove(world: &World, name: &str) {
    fs::remove_file(world.folder.path().join("own").join(name)).expect("removed");
}

fn png(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    let picture = image::RgbaImage::new(width, height);
    let written = picture.write_to(&mut bytes, image::ImageFormat::Png);
    written.expect("a picture");
    bytes.into_inner()
}

/// The logo as a page of this service names it.
fn named(public: &str, width: u32, height: u32) -> String {
    format!(
        "<span class=\"brand\"><img src=\"{public}/logo\" width=\"{width}\" height=\"{height}\" alt=\"\">Medialink</span>"
    )
}

async fn logo(process: &Process, method: Method, known: (&'static str, &str)) -> Response {
    let url = format!("{}/logo", process.public);
    let request = process.client.request(method, url);
    let request = request.header(known.0, known.1);
    request.send().await.expect("an answer")
}

fn text<'a>(answer: &'a Response, name: &str) -> &'a str {
    answer.headers()[name].to_str().expect("text")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_logo_is_on_all_pages_and_changes_while_the_service_runs() {
    let world = World::new().await;
    write(&world, "logo.svg", SVG);
    let mut process = Process::new(world.folder.path(), &world.url, LOGO);
    process.start().await;
    let pages = all_pages(&world, &process).await;
    let public = process.public.clone();
    for url in &pages {
        let page = page(&process, url).await;
        let shown = named(&public, 96, 32);
        assert!(page.html.contains(&shown), "{url}: {}", page.html);
        let allowed = format!("img-src 'self' {public};");
        assert!(page.policy.contains(&allowed), "{url}: {}", page.policy);
        page.style();
    }
    remove(&world, "logo.svg");
    write(&world, "logo.png", &png(400, 200));
    process.signal("HUP");
    eventually("the new logo", async || {
        let page = page(&process, &pages[0]).await;
        page.html.contains(&named(&public, 64, 32)).then_some(())
    })
    .await;
    let answer = logo(&process, Method::GET, ("accept", "*/*")).await;
    assert_eq!(text(&answer, "content-type"), "image/png");
    // A logo that is none changes nothing.
    write(&world, "logo.png", &png(400, 200)[..60]);
    process.signal("HUP");
    eventually("the problem to be told", async || {
        let told = "operator.directory: logo.png: is no picture that can be read: ";
        process.log().contains(told).then_some(())
    })
    .await;
    let answer = logo(&process, Method::GET, ("accept", "*/*")).await;
    assert_eq!(answer.bytes().await.expect("a picture"), png(400, 200));
    let output = process.run(&["check"]);
    assert_eq!(output.status.code(), Some(2));
    let problem = String::from_utf8_lossy(&output.stderr);
    assert!(problem.contains("; allowed is PNG"), "{problem}");
    // Without one, the program's sign is back.
    remove(&world, "logo.png");
    process.signal("HUP");
    eventually("no logo", async || {
        let answer = logo(&process, Method::GET, ("accept", "*/*")).await;
        (answer.status() == 404).then_some(())
    })
    .await;
    assert!(process.terminate().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_logo_is_served_as_a_picture_that_runs_nothing() {
    let world = World::new().await;
    write(&world, "logo.svg", SVG);
    let mut process = Process::new(world.folder.path(), &world.url, LOGO);
    process.start().await;
    let answer = logo(&process, Method::GET, ("accept", "image/*")).await;
    assert_eq!(answer.status(), 200);
    for (name, value) in [
        ("content-type", "image/svg+xml"),
        ("cache-control", "public, max-age=300"),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-resource-policy", "cross-origin"),
        (
            "content-security-policy",
            "default-src 'none'; style-src 'unsafe-inline'; sandbox",
        ),
    ] {
        assert_eq!(text(&answer, name), value, "{name}");
    }
    let etag = text(&answer, "etag").to_owned();
    assert!(etag.starts_with('"') && etag.len() > 20, "{etag}");
    assert_eq!(answer.bytes().await.expect("a picture"), SVG);
    let head = logo(&process, Method::HEAD, ("accept", "image/*")).await;
    assert_eq!(head.status(), 200);
    assert_eq!(text(&head, "content-length"), SVG.len().to_string());
    assert_eq!(text(&head, "etag"), etag);
    assert!(head.bytes().await.expect("none").is_empty());
    for (name, value, status, kept) in [
        ("if-none-match", etag.clone(), 304, "public, max-age=300"),
        (
            "if-none-match",
            format!("\"x\", W/{etag}"),
            304,
            "public, max-age=300",
        ),
        (
            "if-none-match",
            "\"x\"".to_owned(),
            200,
            "public, max-age=300",
        ),
        ("if-match", "\"x\"".to_owned(), 412, "no-store"),
    ] {
        for method in [Method::GET, Method::HEAD] {
            let answer = logo(&process, method.clone(), (name, &value)).await;
            assert_eq!(answer.status(), status, "{method} {name}: {value}");
            assert_eq!(text(&answer, "etag"), etag);
            assert_eq!(text(&answer, "cache-control"), kept);
            let is_empty = answer.bytes().await.expect("a body").is_empty();
            assert_eq!(is_empty, status != 200 || method == Method::HEAD);
        }
    }
    let posted = logo(&process, Method::POST, ("accept", "*/*")).await;
    assert_eq!(posted.status(), 405);
    assert!(process.terminate().await.success());
}

#[tokio::test]
async fn a_logo_is_below_the_path_of_the_public_url() {
    let world = World::new().await;
    write(&world, "logo.svg", SVG);
    let (folder, clock) = (world.folder.path(), Clock::default());
    let service = Service::start_at(folder, &world.url, "/media", LOGO, &clock).await;
    let root = service.public.strip_suffix("/media").expect("its path");
    for url in [format!("{root}/"), format!("{root}/media/m/none")] {
        let request = service.client.get(&url).header("Accept", "text/html");
        let answer = request.send().await.expect("an answer");
        let html = answer.text().await.expect("a page");
        assert!(html.contains(&named(&service.public, 96, 32)), "{html}");
    }
    for url in [format!("{root}/logo"), format!("{root}/media/logo")] {
        let answer = service.client.get(&url).send().await.expect("an answer");
        assert_eq!(answer.status(), 200, "{url}");
    }
    service.stop().await;
}

#[tokio::test]
async fn without_a_logo_there_is_none() {
    let world = World::new().await;
    write(&world, "README.txt", b"no logo");
    let service = world.service(LOGO).await;
    for path in ["/logo", "/nowhere"] {
        let (status, errcode) = service.refused(path).await;
        assert_eq!((status, errcode), (404, "M_NOT_FOUND".into()), "{path}");
    }
    let answer = service.get("/").await;
    let policy = text(&answer, "content-security-policy").to_owned();
    assert!(policy.contains("img-src 'self'; "), "{policy}");
    let html = answer.text().await.expect("a page");
    assert!(html.contains("<span class=\"brand\"><svg ") && !html.contains("<img"));
    service.stop().await;
}
