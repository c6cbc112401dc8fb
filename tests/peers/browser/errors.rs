//! What readers see when a link does not lead to its file.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use medialink::clock::Clock;
use serde_json::{Value, json};
use support::{
    Process, Service, World, eventually,
    faulty::{Fault, Faulty, error},
    url,
};

/// A scanner that fails for files which hold "unreadable".
const SCANNER: &str = "#!/bin/sh\ngrep -q unreadable \"$1\" && exit 7\nexit 0\n";
/// SHA-256 of "denied".
const DENIED: &str = "62d6c2330036f64bcf71b95791743d6c77c38e0d7c8cbedcbc525c77c57cf0ee";
const SMALL: usize = 64 * 1024;

pub struct Stage {
    world: World,
    faulty: Faulty,
    service: Service,
    /// One whose readers may guess once a day, which somebody has done.
    limited: Service,
    _folder: tempfile::TempDir,
}

fn settings() -> String {
    format!(
        "usage: {{mode: never}}\n\
         media: {{cache: null, max_size: {SMALL}B, scan: {{program: scan.sh}}}}\n\
         abuse: {{deny: {{sha256: ['{DENIED}']}}}}\n\
         operator: {{name: Example Society, contact: 'mailto:abuse@example.org'}}"
    )
}

fn write_scanner(folder: &Path) {
    let path = folder.join("scan.sh");
    fs::write(&path, SCANNER).expect("written");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("allowed");
}

/// A visit to an address that leads nowhere.
pub fn visit(name: &str, url: &str, status: u16, title: &str) -> Value {
    json!({"name": format!("error-{name}"), "url": url, "status": status, "says": [title]})
}

impl Stage {
    pub async fn new() -> Self {
        let world = World::new().await;
        let faulty = Faulty::start(&world.url).await;
        write_scanner(world.folder.path());
        let service = Service::start(world.folder.path(), &faulty.url, &settings()).await;
        service.expect_errors("links that lead nowhere are what is looked at");
        let folder = tempfile::tempdir().expect("a folder");
        let more = "usage: {mode: never}\nlimits: {per_client: {bad_links: 1/day}}";
        let clock = Clock::default();
        let limited = Service::start_at(folder.path(), &world.url, "", more, &clock).await;
        limited.get("/m/none").await;
        Self {
            world,
            faulty,
            service,
            limited,
            _folder: folder,
        }
    }

    pub async fn stop(self) {
        self.limited.stop().await;
        self.service.stop().await;
    }

    async fn link(&self, bytes: impl Into<Vec<u8>>, more: Value) -> Value {
        let (mxc, token) = self.world.upload(bytes, "text/plain").await;
        let mut body = json!({"mxc": mxc, "content_token": token, "room_id": self.world.room_id});
        for (key, value) in more.as_object().expect("an object") {
            body[key] = value.clone();
        }
        self.service.issue(body).await
    }

    pub async fn visits(&self) -> Vec<Value> {
        let mut visits = self.ended().await;
        visits.extend(self.withheld().await);
        visits.extend(self.faults().await);
        visits.extend(self.requests().await);
        visits
    }

    /// Links that have ended, each in its way.
    async fn ended(&self) -> Vec<Value> {
        // First, since it ends all links that there are.
        let orphan = self.link("a", json!({})).await;
        let process = Process::new(self.world.folder.path(), &self.faulty.url, &settings());
        assert!(process.run(&["keys", "revoke", "1"]).status.success());
        eventually("the next key", async || {
            (self.service.key_ring().active().id() != 1).then_some(())
        })
        .await;
        let expired = self.link("b", json!({"lifetime_ms": 1000})).await;
        self.service.clock.advance(5000);
        let revoked = self.link("c", json!({})).await;
        self.service.revoke(&revoked).await;
        let redacted = self.link("d", json!({"event_id": "$redacted"})).await;
        self.service.redact(&self.world.room_id, "$redacted").await;
        let spent = self.link("e", json!({"max_follows": 1})).await;
        assert_eq!(self.service.follow(&spent).await.status(), 200);
        [
            ("key-revoked", orphan, "This link is no longer valid"),
            ("expired", expired, "This link has expired"),
            ("revoked", revoked, "This link was withdrawn"),
            ("redacted", redacted, "The message was removed"),
            ("spent", spent, "This link was already used"),
        ]
        .map(|(name, link, title)| visit(name, &url(&link), 410, title))
        .to_vec()
    }

    /// Media that this service does not hand on.
    async fn withheld(&self) -> Vec<Value> {
        let denied = self.link("denied", json!({})).await;
        let unreadable = self.link("unreadable", json!({})).await;
        let large = self.link(vec![b'x'; SMALL + 1], json!({})).await;
        vec![
            visit("denied", &url(&denied), 403, "This is not available here"),
            visit(
                "not-scanned",
                &url(&unreadable),
                503,
                "The file could not be checked",
            ),
            visit("too-large", &url(&large), 502, "The file is too large"),
        ]
    }

    /// Media that the homeserver does not give.
    async fn faults(&self) -> Vec<Value> {
        let mut visits = Vec::new();
        for (name, fault, status, title) in [
            ("gone", error(404, "M_NOT_FOUND"), 404, "The file is gone"),
            (
                "not-yet",
                error(504, "M_NOT_YET_UPLOADED"),
                503,
                "The file is still on its way",
            ),
            (
                "slow",
                error(504, "M_UNKNOWN"),
                504,
                "Fetching the file took too long",
            ),
            (
                "away",
                Fault::DropBefore,
                502,
                "The file can’t be fetched right now",
            ),
        ] {
            let link = self.link(name, json!({})).await;
            let (_, media_id) = link["mxc"]
                .as_str()
                .expect("a URI")
                .rsplit_once('/')
                .expect("an ID");
            self.faulty.always(media_id, &fault);
            // Before, since what is told of media that is missing depends on how often it was.
            eventually("an answer that stays", async || {
                self.service.follow(&link).await;
                let is_settled =
                    name != "gone" || self.service.link(&link).await["state"] == "gone";
                is_settled.then_some(())
            })
            .await;
            visits.push(visit(name, &url(&link), status, title));
        }
        visits
    }

    /// Requests that mean nothing.
    async fn requests(&self) -> Vec<Value> {
        let public = &self.service.public;
        let link = self.link("f", json!({})).await;
        let token = url(&link).rsplit('/').next().expect("a token").to_owned();
        let mut method = visit(
            "method",
            &format!("{public}/"),
            405,
            "This link leads nowhere",
        );
        let mut report = visit(
            "report",
            &format!("{public}/r/{token}"),
            400,
            "This report could not be read",
        );
        for posted in [&mut method, &mut report] {
            posted["post"] = json!(true);
        }
        let thumbnail = format!("{public}/t/{token}?width=96&height=96");
        let size = format!("{public}/t/{token}?width=none");
        let limited = format!("{}/m/none", self.limited.public);
        vec![
            method,
            report,
            visit(
                "none",
                &format!("{public}/m/none"),
                404,
                "This link leads nowhere",
            ),
            visit(
                "no-thumbnail",
                &thumbnail,
                404,
                "There is no preview of this file",
            ),
            visit("size", &size, 400, "This is no size of a preview"),
            visit("limited", &limited, 429, "That was a lot at once"),
        ]
    }
}
