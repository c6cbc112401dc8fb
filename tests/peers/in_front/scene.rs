//! The service behind something that keeps its answers, and what that has to do.

use std::path::Path;

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use support::{Process, World, eventually, process::free_port, url};

/// The value of the header by which the service shows who it is.
const PURGE_KEY: &str = "harness-purge-key-0123456789";

pub struct Scene {
    world: World,
    pub process: Process,
    /// Where what is in front listens.
    pub port: u16,
}

impl Scene {
    /// With this before the paths that are purged.
    pub async fn new(purge: &str) -> Self {
        let (world, port) = (World::new().await, free_port());
        let more = format!(
            "usage: {{mode: never}}\nmedia: {{thumbnails: [96x96]}}\n\
             purge: [{{url: 'http://127.0.0.1:{port}{purge}{{path}}', header: {{name: X-Purge-Key, value: {PURGE_KEY}}}}}]"
        );
        let mut process = Process::new(world.folder.path(), &world.url, &more);
        process.start().await;
        Self {
            world,
            process,
            port,
        }
    }

    pub fn folder(&self) -> &Path {
        self.world.folder.path()
    }

    /// An example with the address of the service in place of the one that it has.
    pub fn configured(&self, example: &str, address: &str) -> String {
        let port = self.process.public.rsplit(':').next().expect("a port");
        assert!(example.contains(address), "{address}");
        example.replace(address, &address.replace("8480", port))
    }

    /// A link to a medium of its own.
    pub async fn link(&self, bytes: &str) -> Value {
        let (mxc, token) = self.world.upload(bytes, "text/plain").await;
        let room = &self.world.room_id;
        let body =
            json!({"mxc": mxc, "content_token": token, "room_id": room, "filename": "a.txt"});
        self.process.issue(body).await
    }

    /// A request for an answer about a link to what is in front.
    pub fn request(&self, method: Method, link: &Value) -> RequestBuilder {
        let issued = url(link);
        let path = issued.find("/m/").map(|at| &issued[at..]).expect("a path");
        self.request_path(method, path)
    }

    fn request_path(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("http://127.0.0.1:{}{path}", self.port);
        self.process.client.request(method, url)
    }

    pub async fn get(&self, link: &Value) -> u16 {
        let answer = self.request(Method::GET, link).send().await;
        answer.expect("an answer").status().as_u16()
    }

    pub async fn revoke(&self, link: &Value) {
        let path = format!("/v1/links/{}", link["link_id"].as_str().expect("an ID"));
        let answer = self.process.call(Method::DELETE, &path, &json!({})).await;
        assert_eq!(answer.expect("an answer").0, 200);
    }

    /// How many requests have come through to the service.
    pub async fn asked(&self) -> f64 {
        let url = format!("{}/metrics", self.process.internal);
        let answer = self.process.client.get(url).send().await;
        let text = answer.expect("an answer").text().await.expect("a text");
        let lines = text
            .lines()
            .filter(|line| line.starts_with("medialink_requests_total") && line.contains("public"));
        lines
            .filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
            .sum()
    }

    pub async fn wait_for_end(&self, link: &Value) {
        eventually("the end of the link in front", async || {
            (self.get(link).await == 410).then_some(())
        })
        .await;
    }

    /// What every front has to do.
    pub async fn keeps_and_forgets(&self) {
        let (dying, staying) = (self.link("dying words").await, self.link("staying").await);
        for link in [&dying, &staying] {
            assert_eq!(self.get(link).await, 200);
        }
        let asked = self.asked().await;
        self.is_kept(&dying, "dying words").await;
        assert_eq!(self.asked().await, asked, "all of it came from the front");
        self.spends_only_what_is_read().await;

        let asked = self.asked().await;
        self.revoke(&dying).await;
        self.wait_for_end(&dying).await;
        // Under no name is it left, and its page has gone as well.
        let issued = url(&dying);
        let named = issued.find("/m/").map(|at| &issued[at..]).expect("a path");
        let token = named.split('/').nth(2).expect("a token");
        for path in [
            format!("/m/{token}"),
            format!("/m/{token}/b.txt"),
            format!("/v/{token}"),
        ] {
            let answer = self
                .request_path(Method::GET, &path)
                .send()
                .await
                .expect("an answer");
            assert_eq!(answer.status(), 410, "{path}");
        }
        assert!(self.asked().await > asked);
        let asked = self.asked().await;
        self.is_kept(&staying, "staying").await;
        assert_eq!(self.asked().await, asked, "that of the other link stays");
        let log = self.process.log();
        assert!(
            !log.contains(PURGE_KEY) && !log.contains("could not be purged"),
            "{log}"
        );
    }

    /// A link that was followed is answered from what is kept, whole, in parts and not again.
    async fn is_kept(&self, link: &Value, words: &str) {
        let answer = self
            .request(Method::GET, link)
            .send()
            .await
            .expect("an answer");
        assert_eq!(answer.status(), 200);
        let etag = answer.headers()["etag"].clone();
        assert_eq!(answer.headers()["x-content-type-options"], "nosniff");
        assert!(!answer.headers().contains_key("x-link"));
        assert_eq!(answer.text().await.expect("a text"), words);
        let part = self
            .request(Method::GET, link)
            .header("Range", "bytes=1-3")
            .send();
        let part = part.await.expect("an answer");
        assert_eq!(part.status(), 206);
        assert_eq!(part.text().await.expect("a text"), words[1..4]);
        let again = self
            .request(Method::GET, link)
            .header("If-None-Match", etag)
            .send();
        assert_eq!(again.await.expect("an answer").status(), 304);
        let issued = url(link);
        let named = issued.find("/m/").map(|at| &issued[at..]).expect("a path");
        let other = named.replace("a.txt", "b.txt");
        let other = self.request_path(Method::GET, &other).send().await;
        assert_eq!(
            other.expect("an answer").text().await.expect("a text"),
            words
        );
    }

    /// A link for one follow is not used up by a look at its head, and not kept.
    async fn spends_only_what_is_read(&self) {
        let (mxc, token) = self.world.upload("once", "text/plain").await;
        let room = &self.world.room_id;
        let body = json!({"mxc": mxc, "content_token": token, "room_id": room, "max_follows": 1});
        let link = self.process.issue(body).await;
        for _ in 0..2 {
            let head = self.request(Method::HEAD, &link).send().await;
            assert_eq!(head.expect("an answer").status(), 200);
        }
        assert_eq!(self.get(&link).await, 200);
        assert_eq!(self.get(&link).await, 410);
    }
}
