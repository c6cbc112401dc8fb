//! The homeserver itself: how it starts, and how it goes.

use matrix_test_server::{Appservice, EmbeddedHomeserver, Options};
use serde_json::json;
use tokio::task::JoinHandle;

use crate::{
    client::{answer, client},
    service::Service,
    settings::{AS_TOKEN, BOT, HS_TOKEN},
};

/// An embedded homeserver with a room, in which the bridge's user and Alice are.
pub struct World {
    pub homeserver: EmbeddedHomeserver,
    pub url: String,
    pub room_id: String,
    pub alice: String,
    pub client: reqwest::Client,
    pub folder: tempfile::TempDir,
}

/// The appservice of the harness.
pub fn appservice(url: Option<String>) -> Appservice {
    Appservice {
        id: "medialink".to_owned(),
        as_token: AS_TOKEN.to_owned(),
        hs_token: HS_TOKEN.to_owned(),
        url,
        sender: BOT.to_owned(),
        users: vec![],
    }
}

/// The port of a homeserver that has gone: whoever connects is hung up on, and no other test gets
/// the port.
#[must_use]
pub struct Gone(JoinHandle<()>);

impl Drop for Gone {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl World {
    /// Stops the homeserver; it is gone as long as the answer is held.
    pub async fn stop_homeserver(&self) -> Gone {
        self.homeserver.stop().await;
        let address = self.url.trim_start_matches("http://");
        let listener = tokio::net::TcpListener::bind(address).await;
        let listener = listener.expect("its port");
        Gone(tokio::spawn(async move {
            while listener.accept().await.is_ok() {}
        }))
    }

    /// With content tokens.
    pub async fn new() -> Self {
        Self::with(Options::default()).await
    }

    /// Without content tokens, as homeservers are today.
    pub async fn without_content_tokens() -> Self {
        Self::with(Options {
            content_tokens: false,
            ..Options::default()
        })
        .await
    }

    /// With these options; the appservice is that of the harness, unless others are named.
    pub async fn with(mut options: Options) -> Self {
        options.server_name = "example.org".to_owned();
        if options.appservices.is_empty() {
            options.appservices = vec![appservice(None)];
        }
        let homeserver = EmbeddedHomeserver::start(options)
            .await
            .expect("a homeserver");
        let client = client();
        let url = homeserver.url();
        let register = client
            .post(format!("{url}/_matrix/client/v3/register"))
            .json(
                &json!({"username": "alice", "password": "x", "auth": {"type": "m.login.dummy"}}),
            );
        let (status, account) = answer(register).await;
        assert_eq!(status, 200, "{account}");
        let alice = account["access_token"]
            .as_str()
            .expect("a token")
            .to_owned();
        let folder = tempfile::tempdir().expect("a folder");
        let mut world = Self {
            homeserver,
            url,
            room_id: String::new(),
            alice,
            client,
            folder,
        };
        world.room_id = world.new_room().await;
        world
    }

    /// A service beside it, with these lines in its configuration.
    pub async fn service(&self, more: &str) -> Service {
        Service::start(self.folder.path(), &self.url, more).await
    }
}
