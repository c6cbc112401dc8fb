//! Link previews as programs of others read them: parsers of pages from PyPI, and The Lounge, an IRC client.

use std::{
    io::Cursor,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::atomic::{AtomicU32, Ordering},
};

use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use medialink_link::matrix::MxcUri;
use reqwest::Method;
use serde_json::{Value, json};
use support::{Peer, Service, World, process::free_port, url};

use crate::{ircd::Ngircd, program::Program};

/// What a page may take besides the media.
const MAX_PAGE_BYTES: u64 = 15 << 10;

/// How many events there were.
static EVENTS: AtomicU32 = AtomicU32::new(0);

struct Scene {
    world: World,
    service: Service,
}

impl Scene {
    async fn new() -> Self {
        let world = World::new().await;
        let service = world.service("usage: {mode: never}").await;
        Self { world, service }
    }

    /// A link to media of an event, whose content has these fields besides, and perhaps a picture of it.
    async fn link(&self, bytes: Vec<u8>, with_picture: bool, mut content: Value) -> Value {
        let mimetype = content["info"]["mimetype"].as_str().expect("a type");
        let mimetype = mimetype.to_owned();
        content["info"]["size"] = json!(bytes.len());
        let (mxc, token) = self.world.upload(bytes, &mimetype).await;
        content["content_token"] = json!({});
        content["content_token"][hash(&mxc)] = json!(token);
        content["url"] = json!(mxc);
        if with_picture {
            let bytes = png(64, 36);
            content["info"]["thumbnail_info"] =
                json!({"mimetype": "image/png", "w": 64, "h": 36, "size": bytes.len()});
            let (mxc, token) = self.world.upload(bytes, "image/png").await;
            content["content_token"][hash(&mxc)] = json!(token);
            content["info"]["thumbnail_url"] = json!(mxc);
        }
        let event_id = format!("$seen{}", EVENTS.fetch_add(1, Ordering::Relaxed));
        let event = json!({"type": "m.room.message", "room_id": self.world.room_id, "event_id": event_id,
            "sender": "@alice:example.org", "content": content});
        let body = json!({ "event": event });
        let (status, answer) = self.service.call(Method::POST, "/v1/events", &body).await;
        assert_eq!(status, 200, "{answer}");
        answer["links"][0]["link"].clone()
    }

    async fn picture(&self) -> Value {
        let content = json!({"msgtype": "m.image", "body": "cat & dog.png", "info": {"mimetype": "image/png", "w": 640, "h": 480}});
        self.link(png(640, 480), false, content).await
    }

    async fn film(&self) -> Value {
        let content = json!({"msgtype": "m.video", "body": "cat.mp4", "info": {"mimetype": "video/mp4", "w": 1920, "h": 1080}});
        self.link(vec![1; 5000], true, content).await
    }

    async fn hidden(&self) -> Value {
        let content = json!({"msgtype": "m.image", "body": "end.png", "m.spoiler": true,
            "info": {"mimetype": "image/png", "w": 64, "h": 48}});
        self.link(png(64, 48), false, content).await
    }

    async fn once(&self) -> Value {
        let (mxc, token) = self.world.upload(png(64, 48), "image/png").await;
        let link = json!({"mxc": mxc, "content_token": token, "room_id": self.world.room_id,
            "mimetype": "image/png", "filename": "once.png", "max_follows": 1});
        self.service.issue(link).await
    }
}

fn hash(mxc: &str) -> String {
    MxcUri::parse(mxc).expect("a URI").hash()
}

fn png(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    let image = DynamicImage::ImageRgb8(RgbImage::from_pixel(width, height, Rgb([20, 90, 200])));
    image
        .write_to(&mut bytes, ImageFormat::Png)
        .expect("encodes");
    bytes.into_inner()
}

fn page_url(link: &Value) -> String {
    link["page_url"].as_str().expect("a page").to_owned()
}

/// Runs a command that has to succeed; the JSON that it printed.
async fn run(mut command: Command) -> Value {
    let output = tokio::task::spawn_blocking(move || command.output()).await;
    let output: Output = output.expect("no panic").expect("it runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (out, problem) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{out}{problem}");
    serde_json::from_str(&out).expect("JSON")
}

/// What all readers find on the pages of links.
async fn read(python: &Path, scene: &Scene, links: &[&Value]) -> Vec<Value> {
    let mut readers = Command::new(python);
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/preview_readers.py");
    readers
        .arg(script)
        .arg(format!("{}/oembed", scene.service.public))
        .args(links.iter().map(|link| page_url(link)))
        .env("NO_PROXY", "*");
    let found: Vec<Value> = serde_json::from_value(run(readers).await).expect("a list");
    assert_eq!(found.len(), links.len());
    for page in &found {
        let bytes = page["bytes"].as_u64().expect("a length");
        assert!(bytes <= MAX_PAGE_BYTES, "{bytes}");
        // Two readers of each kind agree.
        assert_eq!(page["og"]["title"], page["linkpreview"]["title"]);
        // A card has no title of its own: X takes OpenGraph's then.
        assert!(page["twitter"]["card"].is_string(), "{page}");
        assert_eq!(page["twitter"].get("title"), None);
        assert_eq!(
            page["og"]["description"],
            page["linkpreview"]["description"]
        );
        assert_eq!(page["linkpreview"]["site_name"], "Medialink");
        assert_eq!(page["pyoembed"]["type"], page["micawber"]["type"]);
        assert_eq!(page["pyoembed"]["title"], page["og"]["title"]);
    }
    found
}

fn readers() -> Option<PathBuf> {
    let readers = Peer {
        name: "readers of link previews",
        variable: "PREVIEW_READERS_PYTHON",
        place: "target/preview-readers/bin/python",
        setup: "tests/setup-preview-readers.sh",
    };
    readers.find(Path::is_file)
}

#[tokio::test(flavor = "multi_thread")]
async fn parsers_read_the_tags_back_and_the_picture_loads() {
    let Some(python) = readers() else {
        return;
    };
    let scene = Scene::new().await;
    let (picture, film) = (scene.picture().await, scene.film().await);
    let sound = json!({"msgtype": "m.audio", "body": "cat.ogg", "info": {"mimetype": "audio/ogg"}});
    let sound = scene.link(vec![2; 500], true, sound).await;
    let text = json!({"msgtype": "m.file", "body": "cat.txt", "info": {"mimetype": "text/plain"}});
    let text = scene.link(b"one\ntwo\n".to_vec(), false, text).await;
    let book =
        json!({"msgtype": "m.file", "body": "cat.pdf", "info": {"mimetype": "application/pdf"}});
    let book = scene.link(b"%PDF-1.7".to_vec(), false, book).await;
    let found = read(&python, &scene, &[&picture, &film, &sound, &text, &book]).await;
    let [on_picture, on_film, on_sound, on_text, on_book] = &found[..] else {
        panic!("{found:?}");
    };

    assert_eq!(on_picture["og"]["title"], "cat & dog.png");
    assert_eq!(on_picture["og"]["url"], page_url(&picture));
    assert_eq!(on_picture["twitter"]["card"], "summary_large_image");
    assert_eq!(on_picture["pyoembed"]["type"], "photo");
    assert_eq!(on_picture["pyoembed"]["width"], 640);
    for page in [on_picture, on_film, on_sound] {
        assert_eq!(page["og"]["image"], page["linkpreview"]["image"]);
        assert_eq!(page["og"]["image"], page["twitter"]["image"]);
        assert_eq!(page["picture"][0], 200, "{page}");
        assert_eq!(page["picture"][1], "image/png", "{page}");
    }
    assert_eq!(on_film["og"]["type"], "video.other");
    assert_eq!(on_film["og"]["video"], url(&film));
    assert_eq!(on_film["og"]["video:type"], "video/mp4");
    assert_eq!(on_film["og"]["image:width"], "64");
    assert_eq!(on_film["micawber"]["thumbnail_url"], on_film["og"]["image"]);
    let player = on_film["micawber"]["html"].as_str().expect("a player");
    assert!(player.contains(&url(&film)), "{player}");
    assert_eq!(on_sound["og"]["audio"], url(&sound));
    assert_eq!(on_text["og"]["type"], "article");
    for page in [on_text, on_book] {
        assert_eq!(page["picture"], Value::Null);
        assert_eq!(page["pyoembed"]["type"], "link");
    }
    scene.service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn parsers_find_nothing_that_is_hidden_and_use_nothing_up() {
    let Some(python) = readers() else {
        return;
    };
    let scene = Scene::new().await;
    let (hidden, once) = (scene.hidden().await, scene.once().await);
    for page in read(&python, &scene, &[&hidden, &once]).await {
        assert_eq!(page["picture"], Value::Null, "{page}");
        assert_eq!(page["og"].get("image"), None);
        assert_eq!(page["twitter"]["card"], "summary");
        assert_eq!(page["pyoembed"]["type"], "link");
        assert_eq!(page["pyoembed"].get("thumbnail_url"), None);
    }
    assert_eq!(scene.service.follow(&once).await.status(), 200);
    scene.service.stop().await;
}

fn the_lounge() -> Option<PathBuf> {
    let lounge = Peer {
        name: "The Lounge",
        variable: "THE_LOUNGE_DIRECTORY",
        place: "target/the-lounge",
        setup: "tests/setup-the-lounge.sh",
    };
    lounge.find(Path::is_dir)
}

/// The previews that The Lounge shows of links that somebody says on IRC.
async fn in_the_lounge(folder: &Path, ircd: &Ngircd, links: &[String]) -> Vec<Value> {
    let home = tempfile::tempdir().expect("a folder");
    let port = free_port();
    let configuration = format!(
        "module.exports = {{public: true, host: '127.0.0.1', port: {port}, prefetch: true, \
         prefetchMaxImageSize: 2048, prefetchMaxSearchSize: 50, prefetchTimeout: 20000}};\n"
    );
    std::fs::write(home.path().join("config.js"), configuration).expect("written");
    let drivers = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/drivers");
    let folder = folder.to_str().expect("text");
    let variable = format!("THELOUNGE_HOME={}", home.path().display());
    let script = format!("{drivers}/the_lounge.js");
    let arguments = [variable.as_str(), "node", &script, folder, "start"];
    let lounge = Program::start(Path::new("/usr/bin/env"), &arguments, port, home.path()).await;
    let mut driver = Command::new("node");
    driver
        .arg(format!("{drivers}/previews_in_the_lounge.js"))
        .args([folder, &port.to_string(), &ircd.port.to_string()])
        .args(links);
    let shown = run(driver).await;
    drop(lounge);
    serde_json::from_value(shown).expect("a list")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_lounge_shows_a_preview_of_a_link_that_is_said_on_irc() {
    let (Some(folder), Some(ngircd)) = (the_lounge(), Ngircd::find()) else {
        return;
    };
    let scene = Scene::new().await;
    let (picture, film) = (scene.picture().await, scene.film().await);
    let (hidden, once) = (scene.hidden().await, scene.once().await);
    let ircd = Ngircd::start(&ngircd).await;
    let links = [
        url(&picture),
        page_url(&picture),
        page_url(&film),
        page_url(&hidden),
        page_url(&once),
        url(&once),
    ];
    let shown = in_the_lounge(&folder, &ircd, &links).await;
    let [media, page, of_film, of_hidden, of_once, of_once_itself] = &shown[..] else {
        panic!("{shown:?}");
    };
    assert_eq!(
        (&media["type"], &media["thumb"]),
        (&json!("image"), &json!(url(&picture)))
    );
    assert_eq!(
        (&page["type"], &page["head"]),
        (&json!("link"), &json!("cat & dog.png"))
    );
    for preview in [page, of_film] {
        let thumb = preview["thumb"].as_str().expect("a picture");
        let loaded = scene.service.client.get(thumb).send().await;
        let loaded = loaded.expect("an answer").bytes().await.expect("whole");
        assert!(image::load_from_memory(&loaded).is_ok(), "{preview}");
    }
    for (preview, name) in [
        (of_hidden, "end.png"),
        (of_once, "once.png"),
        (of_once_itself, "once.png"),
    ] {
        assert_eq!(
            (&preview["type"], &preview["head"]),
            (&json!("link"), &json!(name))
        );
        assert_eq!(preview["thumb"], "", "{preview}");
    }
    assert_eq!(scene.service.follow(&once).await.status(), 200, "still");
    scene.service.stop().await;
}
