//! A service whose links are looked at.

use std::{
    io::Cursor,
    sync::atomic::{AtomicU32, Ordering},
};

use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use medialink_link::matrix::MxcUri;
use reqwest::{Method, Response};
use serde_json::{Value, json};
use support::{Service, World, url};

pub(super) struct Scene {
    pub(super) world: World,
    pub(super) service: Service,
}

impl Scene {
    pub(super) async fn new(more: &str) -> Self {
        let world = World::new().await;
        let more = format!("usage: {{mode: never}}\n{more}");
        let service = world.service(&more).await;
        Self { world, service }
    }

    /// Uploads media; the media's URI, and the map with its content token.
    pub(super) async fn upload(
        &self,
        bytes: impl Into<Vec<u8>>,
        mimetype: &str,
    ) -> (String, Value) {
        let bytes: Vec<u8> = bytes.into();
        let (mxc, token) = self.world.upload(bytes, mimetype).await;
        let hash = MxcUri::parse(&mxc).expect("a URI").hash();
        (mxc, json!({ hash: token }))
    }

    /// A link to new media.
    pub(super) async fn link(&self, bytes: impl Into<Vec<u8>>, fields: Value) -> Value {
        let mimetype = fields["mimetype"]
            .as_str()
            .unwrap_or("text/plain")
            .to_owned();
        let (mxc, tokens) = self.upload(bytes, &mimetype).await;
        let mut body = json!({"mxc": mxc, "content_token": tokens, "room_id": self.world.room_id});
        for (name, value) in fields.as_object().expect("fields") {
            body[name] = value.clone();
        }
        self.service.issue(body).await
    }

    /// The links of an event with this content.
    pub(super) async fn links(&self, content: Value) -> Vec<Value> {
        static EVENTS: AtomicU32 = AtomicU32::new(0);
        let event_id = format!("$seen{}", EVENTS.fetch_add(1, Ordering::Relaxed));
        let event = json!({"type": "m.room.message", "room_id": self.world.room_id, "event_id": event_id,
            "sender": "@alice:example.org", "content": content});
        let body = json!({ "event": event });
        let (status, answer) = self.service.call(Method::POST, "/v1/events", &body).await;
        assert_eq!(status, 200, "{answer}");
        let links = answer["links"].as_array().expect("links").iter();
        links.map(|entry| entry["link"].clone()).collect()
    }

    pub(super) async fn get(&self, address: &str) -> Response {
        let request = self.service.client.get(address);
        let request = request.header("Accept", "text/html");
        request.send().await.expect("an answer")
    }

    pub(super) async fn page(&self, link: &Value) -> String {
        let answer = self.get(link["page_url"].as_str().expect("a page")).await;
        assert_eq!(answer.status(), 200);
        answer.text().await.expect("a page")
    }
}

pub(super) fn token(link: &Value) -> String {
    url(link).split('/').nth(4).expect("a token").to_owned()
}

pub(super) fn png(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    let pixels = RgbImage::from_pixel(width, height, Rgb([200, 30, 60]));
    let image = DynamicImage::ImageRgb8(pixels);
    image
        .write_to(&mut bytes, ImageFormat::Png)
        .expect("encodes");
    bytes.into_inner()
}

/// The value of an attribute of the element that begins with these words.
pub(super) fn attribute(page: &str, element: &str, name: &str) -> Option<String> {
    let (_, rest) = page.split_once(element)?;
    let (inside, _) = rest.split_once('>')?;
    let (_, value) = inside.split_once(&format!("{name}=\""))?;
    let (value, _) = value.split_once('"')?;
    Some(value.replace("&#38;", "&"))
}
