//! The parties of the demo: an embedded homeserver, a person, a room, and the service.

use std::{collections::HashMap, net::TcpListener, time::Duration};

use anyhow::{Context, ensure};
use matrix_test_server::{Appservice, EmbeddedHomeserver, Options};
use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::{
    app::{Application, Listeners},
    clock::Clock,
    config::Config,
    random,
};

use super::samples::Sample;

const SERVER_NAME: &str = "demo.example";
const BOT: &str = "@medialink:demo.example";

/// The running homeserver and service, and the secrets to speak to them.
pub(super) struct Stage {
    homeserver: EmbeddedHomeserver,
    client: Client,
    public: String,
    internal: String,
    api_token: String,
    as_token: String,
    alice: String,
    pub(super) room_id: String,
    stop: CancellationToken,
    service: JoinHandle<anyhow::Result<()>>,
    _folder: tempfile::TempDir,
}

/// Media on the homeserver.
pub(super) struct Uploaded {
    pub mxc: String,
    pub content_token: String,
    pub event_id: String,
}

impl Stage {
    /// Starts everything.
    pub(super) async fn start() -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let listeners = Listeners {
            public: TcpListener::bind("127.0.0.1:0")?,
            internal: TcpListener::bind("127.0.0.1:0")?,
            metrics: None,
        };
        let public = format!("http://{}", listeners.public.local_addr()?);
        let internal = format!("http://{}", listeners.internal.local_addr()?);
        let (api_token, as_token, hs_token) = (random::id(), random::id(), random::id());
        let homeserver = start_homeserver(&as_token, &hs_token, &internal).await?;
        let configuration = json!({
            "listen": {"public": "127.0.0.1:0", "internal": "127.0.0.1:0"},
            "public_url": public,
            "database": "sqlite:medialink.db",
            "key_file": "link-keys.yaml",
            "homeserver": {"url": homeserver.url(), "server_name": SERVER_NAME},
            "bridges": [{"id": "irc", "network": "Libera.Chat", "api_token": api_token,
                "as_token": as_token, "hs_token": hs_token, "user_id": BOT}],
            "usage": {"batch_window": "500ms"},
        });
        let config = Config::parse(&configuration.to_string(), HashMap::new(), folder.path())?;
        let application = Application::build(config, listeners, Clock::default()).await?;
        let stop = CancellationToken::new();
        let service = tokio::spawn(application.run_until_stopped(stop.clone()));
        #[expect(
            clippy::disallowed_methods,
            reason = "the demo plays the bridge and the people too"
        )]
        let client = Client::builder()
            .no_proxy()
            .timeout(Duration::from_secs(20))
            .build()?;
        let mut stage = Self {
            homeserver,
            client,
            public,
            internal,
            api_token,
            as_token,
            alice: String::new(),
            room_id: String::new(),
            stop,
            service,
            _folder: folder,
        };
        stage.make_room().await?;
        Ok(stage)
    }

    /// Alice registers and invites the bridge's user into a room.
    async fn make_room(&mut self) -> anyhow::Result<()> {
        let register = self.client.post(self.at_homeserver("/_matrix/client/v3/register")).json(
            &json!({"username": "alice", "password": random::id(), "auth": {"type": "m.login.dummy"}}),
        );
        self.alice = text(&answer(register).await?, "access_token")?;
        let create = self.as_alice(Method::POST, "/_matrix/client/v3/createRoom");
        let room = answer(create.json(&json!({"name": "Demo", "invite": [BOT]}))).await?;
        self.room_id = text(&room, "room_id")?;
        // The service accepts the invite by itself.
        let members = format!("/_matrix/client/v3/rooms/{}/joined_members", self.room_id);
        eventually("the bridge's user to join", async || {
            let joined = answer(self.as_alice(Method::GET, &members)).await?;
            Ok(joined["joined"].get(BOT).map(drop))
        })
        .await
    }

    pub(super) fn homeserver_url(&self) -> String {
        self.homeserver.url()
    }

    pub(super) fn public_url(&self) -> &str {
        &self.public
    }

    pub(super) fn internal_url(&self) -> &str {
        &self.internal
    }

    fn at_homeserver(&self, path: &str) -> String {
        format!("{}{path}", self.homeserver.url())
    }

    fn as_alice(&self, method: Method, path: &str) -> RequestBuilder {
        self.client
            .request(method, self.at_homeserver(path))
            .bearer_auth(&self.alice)
    }

    /// Alice uploads a file and sends it into the room.
    pub(super) async fn share(&self, sample: &Sample) -> anyhow::Result<Uploaded> {
        let upload = self
            .as_alice(Method::POST, "/_matrix/media/v3/upload")
            .query(&[("filename", sample.name)])
            .header("Content-Type", sample.content_type)
            .body(sample.bytes.clone());
        let media = answer(upload).await?;
        let (mxc, content_token) = (text(&media, "content_uri")?, text(&media, "content_token")?);
        let kind = sample.content_type.split('/').next().unwrap_or_default();
        let msgtype = if kind == "text" {
            "m.file".to_owned()
        } else {
            format!("m.{kind}")
        };
        // Alice's own event would count as a usage as well: this demo shows ours alone, so her
        // message goes without the content token, as an encrypted one would.
        let content = json!({"msgtype": msgtype, "body": sample.name, "url": mxc});
        let event_id = self.send(content).await?;
        Ok(Uploaded {
            mxc,
            content_token,
            event_id,
        })
    }

    /// Alice sends a message into the room; its event ID.
    pub(super) async fn send(&self, content: Value) -> anyhow::Result<String> {
        let path = format!(
            "/_matrix/client/v3/rooms/{}/send/m.room.message/{}",
            self.room_id,
            random::id()
        );
        let send = self.as_alice(Method::PUT, &path).json(&content);
        text(&answer(send).await?, "event_id")
    }

    /// Downloads media at the homeserver, as the bridge but without the content token.
    pub(super) async fn download_without_token(&self, mxc: &str) -> anyhow::Result<u16> {
        let path = format!(
            "/_matrix/client/v1/media/download/{}",
            mxc.trim_start_matches("mxc://")
        );
        let request = self
            .client
            .get(self.at_homeserver(&path))
            .query(&[("user_id", BOT)])
            .bearer_auth(&self.as_token);
        Ok(request.send().await?.status().as_u16())
    }

    /// The number of events that the homeserver counts for media, and whether it still has it.
    pub(super) async fn counted(&self, mxc: &str) -> anyhow::Result<(i64, bool)> {
        let path = format!("/_demo/media/{}", mxc.trim_start_matches("mxc://"));
        let media = answer(self.client.get(self.at_homeserver(&path))).await?;
        let references = media["references"].as_i64().context("no count")?;
        Ok((references, media["deleted"] != json!(true)))
    }

    /// Makes the homeserver delete media that nothing refers to.
    pub(super) async fn clean_up(&self) -> anyhow::Result<()> {
        answer(self.client.post(self.at_homeserver("/_demo/cleanup")))
            .await
            .map(drop)
    }

    /// Asks the bridge API.
    pub(super) async fn api(
        &self,
        method: Method,
        path: &str,
        body: Value,
    ) -> anyhow::Result<Value> {
        let request = self
            .client
            .request(method, format!("{}{path}", self.internal));
        answer(request.bearer_auth(&self.api_token).json(&body)).await
    }

    /// Follows a link like somebody without any account.
    pub(super) async fn follow(&self, url: &str) -> anyhow::Result<Response> {
        Ok(self.client.get(url).send().await?)
    }

    /// Stops everything.
    pub(super) async fn stop(self) -> anyhow::Result<()> {
        self.stop.cancel();
        self.service.await??;
        self.homeserver.stop().await;
        Ok(())
    }
}

/// A homeserver with content tokens and one appservice, whose transactions go to `url`.
async fn start_homeserver(
    as_token: &str,
    hs_token: &str,
    url: &str,
) -> std::io::Result<EmbeddedHomeserver> {
    let appservice = Appservice {
        id: "medialink".to_owned(),
        as_token: as_token.to_owned(),
        hs_token: hs_token.to_owned(),
        url: Some(url.to_owned()),
        sender: BOT.to_owned(),
        users: vec![],
    };
    EmbeddedHomeserver::start(Options {
        server_name: SERVER_NAME.to_owned(),
        appservices: vec![appservice],
        ..Options::default()
    })
    .await
}

async fn answer(request: RequestBuilder) -> anyhow::Result<Value> {
    let response = request.send().await.map_err(reqwest::Error::without_url)?;
    let status = response.status();
    let body: Value = response.json().await.map_err(reqwest::Error::without_url)?;
    ensure!(status.is_success(), "answered {status}: {body}");
    Ok(body)
}

pub(super) fn text(value: &Value, name: &str) -> anyhow::Result<String> {
    Ok(value[name]
        .as_str()
        .with_context(|| format!("an answer without {name}"))?
        .to_owned())
}

/// Asks again until there is an answer, ten seconds at most.
pub(super) async fn eventually<T>(
    goal: &str,
    mut ask: impl AsyncFnMut() -> anyhow::Result<Option<T>>,
) -> anyhow::Result<T> {
    for _ in 0..200 {
        if let Some(found) = ask().await? {
            return Ok(found);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    anyhow::bail!("waited in vain for {goal}")
}
