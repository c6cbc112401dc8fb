//! The pages that readers see while everything is well.

use std::path::Path;

use medialink::clock::Clock;
use medialink_link::matrix::MxcUri;
use reqwest::Method;
use serde_json::{Value, json};
use support::{Service, World, url};

use super::media::{picture, sound};

/// A name that would be a script, ends attributes, turns text around and has no place to break.
pub(super) const HOSTILE: &str = "<script>owned=1</script>\"'><img src=x onerror=owned=1>\u{202e}gpj.exe Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft.png";
/// As people see it.
pub(super) const SHOWN: &str =
    "<script>owned=1</script>\"'><img src=x onerror=owned=1>\u{fffd}gpj.exe Donaudampf";
/// As it is cut off where it is one of many.
const CUT_OFF: &str = "<script>owned=1</script>\"'><img src=x on…";
const OPERATOR: &str = "operator: {name: Example Society, contact: 'mailto:abuse@example.org'}";
/// A logo that is dark on light pages and light on dark ones.
const LOGO: &str = r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 96 32"><style>path{fill:#7a1fa2}@media (prefers-color-scheme:dark){path{fill:#f3c677}}</style><path d="M0 16 16 0l16 16-16 16zM40 4h56v8H40zm0 16h36v8H40z"/></svg>"#;
/// A colour that cannot be read on white.
const PALE: &str = "operator: {color: '#ffee58', directory: own}";
const HOUR_MS: u64 = 3_600_000;

pub struct Stage {
    world: World,
    service: Service,
    /// One whose network has the hostile name.
    hostile: Service,
    /// One whose pages say who has shared what, and show a logo of the operator's.
    telling: Service,
    _folder: tempfile::TempDir,
}

/// A visit to a page that is answered by 200.
fn visit(name: &str, url: &Value, more: Value) -> Value {
    let mut visit = json!({"name": name, "url": url, "status": 200});
    for (key, value) in more.as_object().expect("an object") {
        visit[key] = value.clone();
    }
    visit
}

/// One more service beside the same homeserver, whose bridge is another one, and whose pages have a colour of their own.
async fn beside(world: &World, folder: &Path, name: &str, bridge: &str) -> Service {
    let folder = folder.join(name);
    let own = folder.join("own");
    std::fs::create_dir_all(&own).expect("a folder");
    if name == "telling" {
        std::fs::write(own.join("logo.svg"), LOGO).expect("a logo");
    }
    let named = |text: String| text.replace("network: Libera.Chat", bridge);
    let (clock, more) = (Clock::default(), format!("usage: {{mode: never}}\n{PALE}"));
    Service::start_edited(&folder, &world.url, "", &more, &clock, named).await
}

/// The address of the form to report a link.
fn form(service: &Service, link: &Value) -> Value {
    let url = url(link);
    let token = url.split('/').nth(4).expect("a token");
    json!(format!("{}/r/{token}", service.public))
}

impl Stage {
    pub async fn new() -> Self {
        let world = World::new().await;
        let more = format!("usage: {{mode: never}}\n{OPERATOR}");
        let service = world.service(&more).await;
        let folder = tempfile::tempdir().expect("a folder");
        let name = json!(HOSTILE).to_string();
        let hostile = beside(
            &world,
            folder.path(),
            "hostile",
            &format!("network: {name}"),
        )
        .await;
        let telling = "network: Libera.Chat, show_sender: true";
        let telling = beside(&world, folder.path(), "telling", telling).await;
        Self {
            world,
            service,
            hostile,
            telling,
            _folder: folder,
        }
    }

    pub async fn stop(self) {
        self.telling.stop().await;
        self.hostile.stop().await;
        self.service.stop().await;
    }

    /// A link to media that an event shows.
    async fn shared(
        &self,
        service: &Service,
        bytes: Vec<u8>,
        mimetype: &str,
        told: Value,
    ) -> Value {
        let (mxc, token) = self.world.upload(bytes, mimetype).await;
        let mut content = json!({"msgtype": "m.file", "url": mxc, "content_token": token, "info": {"mimetype": mimetype}});
        for (key, value) in told.as_object().expect("an object") {
            match (key.as_str(), value.as_object()) {
                ("info", Some(info)) => info.iter().for_each(|(key, value)| {
                    content["info"][key] = value.clone();
                }),
                _ => content[key] = value.clone(),
            }
        }
        let event = json!({"type": "m.room.message", "room_id": self.world.room_id, "event_id": format!("${}", &mxc[6..]),
            "sender": "@alice:example.org", "content": content});
        let (status, answer) = service
            .call(Method::POST, "/v1/events", &json!({"event": event}))
            .await;
        assert_eq!(status, 200, "{answer}");
        answer["links"][0]["link"].clone()
    }

    /// A link as a bridge asks for it.
    async fn linked(&self, bytes: &[u8], mimetype: &str, more: Value) -> Value {
        let (mxc, token) = self.world.upload(bytes, mimetype).await;
        let mut body = json!({"mxc": mxc, "content_token": token, "room_id": self.world.room_id,
            "mimetype": mimetype, "size": bytes.len()});
        for (key, value) in more.as_object().expect("an object") {
            body[key] = value.clone();
        }
        self.service.issue(body).await
    }

    async fn paste(&self, text: &str, more: Value) -> Value {
        let mut body = json!({"text": text, "room_id": self.world.room_id});
        for (key, value) in more.as_object().expect("an object") {
            body[key] = value.clone();
        }
        let (status, link) = self.service.call(Method::POST, "/v1/pastes", &body).await;
        assert_eq!(status, 201, "{link}");
        link
    }

    pub async fn visits(&self, film: &[u8]) -> Vec<Value> {
        [
            self.media(film).await,
            self.veiled().await,
            self.gallery().await,
            self.limited().await,
            self.texts().await,
            self.hostile().await,
            self.logo(),
        ]
        .concat()
    }

    async fn media(&self, film: &[u8]) -> Vec<Value> {
        let picture = picture(1000, 700);
        let told = json!({"body": "cat.png", "info": {"w": 1000, "h": 700, "size": picture.len(), "xyz.amorgan.blurhash": "LEHV6nWB2yk8pyo0adR*.7kCMdnj"}});
        let image = self
            .shared(&self.service, picture.clone(), "image/png", told)
            .await;
        let forever = json!({"filename": "cat.png", "lifetime_ms": 0});
        let forever = self.linked(&picture, "image/png", forever).await;
        let unnamed = self.linked(&picture, "image/png", json!({})).await;
        let told = json!({"body": "film.webm", "info": {"w": 480, "h": 270, "duration": 20_000, "size": film.len()}});
        let video = self
            .shared(&self.service, film.to_vec(), "video/webm", told)
            .await;
        let audio = json!({"filename": "sound.wav"});
        let audio = self.linked(&sound(120), "audio/wav", audio).await;
        let other = json!({"filename": "all.zip"});
        let other = self.linked(b"PK\x03\x04", "application/zip", other).await;
        let seek = json!({"acts": ["seek"]});
        vec![
            visit(
                "view-image",
                &image["page_url"],
                json!({"names": ["cat.png", "Libera.Chat"], "says": ["1000 × 700"], "acts": ["read-elsewhere", "download"], "saved_as": "cat.png"}),
            ),
            visit(
                "view-image-forever",
                &forever["page_url"],
                json!({"says": ["without an end date"]}),
            ),
            visit(
                "view-image-unnamed",
                &unnamed["page_url"],
                json!({"says": ["Shared image"]}),
            ),
            visit("view-video", &video["page_url"], seek.clone()),
            visit("view-audio", &audio["page_url"], seek),
            visit(
                "view-other",
                &other["page_url"],
                json!({"names": ["all.zip", "application/zip"]}),
            ),
        ]
    }

    async fn veiled(&self) -> Vec<Value> {
        let told = json!({"body": "end.png", "info": {"w": 1000, "h": 700}, "m.spoiler": true, "m.spoiler.reason": HOSTILE});
        let link = self
            .shared(&self.service, picture(1000, 700), "image/png", told)
            .await;
        let acts =
            json!({"names": [SHOWN], "acts": ["unveil"], "acts_without_scripts": ["unveil"]});
        vec![visit("view-veiled", &link["page_url"], acts)]
    }

    /// Pictures that one event shares together, with who has shared them, and a document.
    async fn gallery(&self) -> Vec<Value> {
        let (mut items, mut tokens) = (Vec::new(), json!({}));
        for name in ["one.png", "two.png", HOSTILE] {
            let (mxc, token) = self.world.upload(picture(300, 200), "image/png").await;
            tokens[MxcUri::parse(&mxc).expect("a URI").hash()] = json!(token);
            items.push(json!({"itemtype": "m.image", "body": name, "url": mxc,
                "info": {"mimetype": "image/png", "w": 300, "h": 200}}));
        }
        let event = json!({"type": "m.room.message", "room_id": self.world.room_id, "event_id": "$together",
            "sender": "@alice:example.org", "content": {"msgtype": "dm.filament.gallery", "body": "x", "itemtypes": items,
                "content_token": tokens}});
        let body = json!({ "event": event });
        let (status, answer) = self.telling.call(Method::POST, "/v1/events", &body).await;
        assert_eq!(status, 200, "{answer}");
        let first = &answer["links"][0]["link"];
        let document = json!({"filename": "paper.pdf"});
        let document = self
            .linked(b"%PDF-1.7\n", "application/pdf", document)
            .await;
        vec![
            visit(
                "view-gallery",
                &first["page_url"],
                json!({"names": ["one.png", "two.png", CUT_OFF, "@alice:example.org"], "says": ["Shared together"], "acts": ["open-code"], "has_logo": true}),
            ),
            visit(
                "view-pdf",
                &document["page_url"],
                json!({"names": ["paper.pdf", "application/pdf"], "says": ["PDF document"]}),
            ),
        ]
    }

    async fn limited(&self) -> Vec<Value> {
        let picture = picture(300, 200);
        let thrice = json!({"filename": "cat.png", "max_follows": 3, "lifetime_ms": HOUR_MS});
        let thrice = self.linked(&picture, "image/png", thrice).await;
        let once = json!({"filename": "cat.png", "max_follows": 1});
        let once = self.linked(&picture, "image/png", once).await;
        let forever = json!({"filename": "dog.png", "max_follows": 3, "lifetime_ms": 0});
        let forever = self.linked(&picture, "image/png", forever).await;
        vec![
            visit(
                "view-limited",
                &thrice["page_url"],
                json!({"says": ["works 3 more times, until"]}),
            ),
            visit(
                "view-once",
                &once["page_url"],
                json!({"says": ["Open (works once)"], "acts": ["use-up"], "is_used_up": true}),
            ),
            visit(
                "view-limited-forever",
                &forever["page_url"],
                json!({"says": ["Open (works 3 more times)"]}),
            ),
        ]
    }

    async fn texts(&self) -> Vec<Value> {
        let text = json!({"filename": "notes.txt"});
        let text = self.linked(b"hello\n", "text/plain", text).await;
        let code = "fn main() {\n    // </code><script>owned=1</script>\n    println!(\"\u{202e}hello\");\n}\n";
        let code = self
            .paste(code, json!({"language": "rust", "filename": "main.rs"}))
            .await;
        let lines: String = (0..1200)
            .map(|at| format!("{at} {}\n", "word ".repeat(at % 40)))
            .collect();
        let long = self.paste(&lines, json!({"lifetime_ms": 0})).await;
        let report = json!({"names": ["notes.txt"], "acts": ["send-report"], "acts_without_scripts": ["send-report"]});
        let start = json!({"names": ["Libera.Chat", "Example Society", "abuse@example.org"]});
        vec![
            visit(
                "view-text",
                &text["page_url"],
                json!({"names": ["notes.txt"]}),
            ),
            visit(
                "paste",
                &code["page_url"],
                json!({"names": ["main.rs", "</code><script>owned=1</script>"], "acts": ["read-elsewhere"]}),
            ),
            visit(
                "paste-long",
                &long["page_url"],
                json!({"most_bytes": 400_000}),
            ),
            visit("report", &form(&self.service, &text), report),
            visit("start", &json!(format!("{}/", self.service.public)), start),
        ]
    }

    async fn hostile(&self) -> Vec<Value> {
        let told = json!({"body": HOSTILE, "info": {"w": 1000, "h": 700}});
        let image = self
            .shared(&self.hostile, picture(1000, 700), "image/png", told)
            .await;
        let told = json!({"body": HOSTILE});
        let other = self
            .shared(
                &self.hostile,
                b"PK\x03\x04".to_vec(),
                "application/zip",
                told,
            )
            .await;
        let report = form(&self.hostile, &other);
        let names = json!({"names": [SHOWN]});
        vec![
            visit("hostile-image", &image["page_url"], names.clone()),
            visit("hostile-other", &other["page_url"], names.clone()),
            visit("hostile-report", &report, names.clone()),
            visit(
                "hostile-start",
                &json!(format!("{}/", self.hostile.public)),
                names,
            ),
        ]
    }

    /// Pages of a few words with a logo beside the name of the site.
    fn logo(&self) -> Vec<Value> {
        let at = |path: &str| json!(format!("{}{path}", self.telling.public));
        let mut lost = visit("logo-lost", &at("/m/none"), json!({"has_logo": true}));
        lost["status"] = json!(404);
        let start = visit("logo-start", &at("/"), json!({"has_logo": true}));
        vec![lost, start]
    }
}
