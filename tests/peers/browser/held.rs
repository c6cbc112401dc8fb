//! What readers see while the database is away, and while no more thumbnails can be made: both last as long as the
//! browser looks.

use std::{sync::Arc, time::Duration};

use medialink::clock::Clock;
use serde_json::{Value, json};
use support::{
    PostgresServer, Service, World, client,
    encrypted::{described, encrypted},
    eventually,
    raw::{Plan, RawServer, say_all},
    url,
};
use tokio::{sync::Semaphore, task::JoinSet};

use super::{errors::visit, media::picture};

/// How many thumbnails are made or waited for at once.
const AT_ONCE: usize = 32;
const LONG: Duration = Duration::from_secs(3600);

pub struct Stage {
    /// `None`: there is no server that could be away.
    away: Option<Away>,
    busy: Busy,
}

impl Stage {
    pub async fn new() -> Self {
        Self {
            away: Away::new().await,
            busy: Busy::new().await,
        }
    }

    pub fn visits(&self) -> Vec<Value> {
        let away = self.away.iter().map(Away::visit);
        away.chain([self.busy.visit()]).collect()
    }

    pub async fn stop(self) {
        // Its errors, which it expects, are those of the whole test.
        if let Some(away) = self.away {
            away.stop().await;
        }
        self.busy.stop().await;
    }
}

/// A service whose database was killed before anybody followed its link.
struct Away {
    _world: World,
    server: PostgresServer,
    service: Service,
    link: Value,
}

impl Away {
    async fn new() -> Option<Self> {
        let server = PostgresServer::find()?;
        let world = World::new().await;
        let more = "usage: {mode: never, touch: never}\nmedia: {cache: null}";
        let folder = world.folder.path();
        let service = Service::start_on(&server.url(), folder, &world.url, more).await;
        service.expect_errors("the database is away for a while");
        let (mxc, token) = world.upload("a", "text/plain").await;
        let link = json!({"mxc": mxc, "content_token": token, "room_id": world.room_id});
        let away = Self {
            link: service.issue(link).await,
            _world: world,
            server,
            service,
        };
        away.server.kill();
        away.is_ready(503).await;
        Some(away)
    }

    fn visit(&self) -> Value {
        let title = "This service is taking a short break";
        visit("database-away", &url(&self.link), 503, title)
    }

    /// Waits until `/ready` is answered by this status.
    async fn is_ready(&self, status: u16) {
        eventually("the state of the database", async || {
            let ready = self
                .service
                .client
                .get(format!("{}/ready", self.service.internal));
            let ready = ready.send().await.expect("an answer");
            (ready.status() == status).then_some(())
        })
        .await;
    }

    async fn stop(self) {
        self.server.restart();
        self.is_ready(200).await;
        assert_eq!(self.service.follow(&self.link).await.status(), 200);
        self.service.stop().await;
    }
}

/// A service that makes as many thumbnails as it can, of images that do not come before the gate is open.
struct Busy {
    gate: Arc<Semaphore>,
    _homeserver: RawServer,
    service: Service,
    waiting: JoinSet<u16>,
    link: Value,
    _folder: tempfile::TempDir,
}

impl Busy {
    async fn new() -> Self {
        let (ciphertext, gate) = (encrypted(&picture(300, 200)), Arc::new(Semaphore::new(0)));
        let (image, opens) = (ciphertext.clone(), Arc::clone(&gate));
        let homeserver = RawServer::start(move |_| match say_all("200 OK", &image) {
            Plan::Say(all) => Plan::SayInTwo(Vec::new(), Arc::clone(&opens), all),
            other => other,
        })
        .await;
        let folder = tempfile::tempdir().expect("a folder");
        let more = "usage: {mode: never, touch: never}";
        let edit = |text: String| text.replacen("first_byte: 5s", "first_byte: 1h", 1);
        let (at, clock) = (folder.path(), Clock::default());
        let service = Service::start_edited(at, &homeserver.url, "", more, &clock, edit).await;
        let issued = async |n: usize| {
            let file = described(&format!("mxc://example.org/image{n}"), &ciphertext);
            let link = json!({"file": file, "room_id": "!r:example.org", "mimetype": "image/png"});
            service.issue(link).await
        };
        let mut waiting = JoinSet::new();
        for n in 0..AT_ONCE {
            let asked = client().get(thumbnail(&issued(n).await)).timeout(LONG);
            waiting.spawn(async move { asked.send().await.expect("an answer").status().as_u16() });
        }
        eventually("all downloads", async || {
            (homeserver.heads().len() == AT_ONCE).then_some(())
        })
        .await;
        let link = issued(AT_ONCE).await;
        Self {
            gate,
            _homeserver: homeserver,
            service,
            waiting,
            link,
            _folder: folder,
        }
    }

    fn visit(&self) -> Value {
        let title = "There are too many previews to make";
        visit("busy", &thumbnail(&self.link), 503, title)
    }

    async fn stop(mut self) {
        assert!(self.waiting.try_join_next().is_none(), "it was not busy");
        self.gate.add_permits(AT_ONCE);
        while let Some(told) = self.waiting.join_next().await {
            assert_eq!(told.expect("no panic"), 200);
        }
        self.service.stop().await;
    }
}

fn thumbnail(link: &Value) -> String {
    let url = url(link).replace("/m/", "/t/");
    let (before, token) = url.split_once("/t/").expect("a link");
    let token = token.split('/').next().expect("a token");
    format!("{before}/t/{token}?width=96&height=96")
}
