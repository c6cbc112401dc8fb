//! A Synapse with a room and a medium, and the service beside it.

use reqwest::Method;
use serde_json::{Value, json};
use support::{BOT, Process, eventually, url};

use crate::{
    homeserver_facts::installed,
    synapse::{Synapse, User},
};

pub const META_EVENT: &str = "org.matrix.msc3910.media_reference";

/// Synapse, registered with the output of our own command, and the service beside it.
pub struct Side {
    pub synapse: Synapse,
    pub process: Process,
    pub alice: User,
    pub bob: User,
    pub room_id: String,
    pub _folder: tempfile::TempDir,
}

impl Side {
    pub async fn new(usage: &str) -> Option<Self> {
        let python = installed()?;
        let folder = tempfile::tempdir().expect("a folder");
        // Synapse's port is known once it runs, so the registration is made before.
        let mut process = Process::new(folder.path(), "http://127.0.0.1:1", usage);
        let registration = process.run(&["registration"]);
        assert!(registration.status.success());
        let registration = String::from_utf8(registration.stdout).expect("UTF-8");
        let synapse = Synapse::start(&python, "example.org", &[registration])
            .await
            .expect("Synapse starts");
        process.point_at(synapse.url());
        process.start().await;
        let alice = synapse.register_user("alice").await.expect("alice");
        let bob = synapse.register_user("bob").await.expect("bob");
        let mut side = Self {
            synapse,
            process,
            alice,
            bob,
            room_id: String::new(),
            _folder: folder,
        };
        side.room_id = side.room_with_bot().await;
        let (room_id, bob) = (&side.room_id, &side.bob);
        let invited = side.alice.invite(room_id, &bob.user_id).await;
        invited.expect("invited");
        bob.join(room_id).await.expect("joined");
        Some(side)
    }

    /// A room of Alice's that the bridge's user has joined; its ID.
    pub async fn room_with_bot(&self) -> String {
        let alice = &self.alice;
        let room_id = alice
            .create_room(&json!({"preset": "private_chat"}))
            .await
            .expect("a room");
        alice.invite(&room_id, BOT).await.expect("invited");
        // The service accepts the pushed invite by itself.
        let path = [
            "_matrix",
            "client",
            "v3",
            "rooms",
            &room_id,
            "joined_members",
        ];
        eventually("the bridge's user to join", async || {
            let request = alice.request(Method::GET, &path).expect("a request");
            let members = crate::synapse::succeed(request).await.expect("members");
            members["joined"].get(BOT).map(drop)
        })
        .await;
        room_id
    }

    pub async fn link(&self, link: &Value) -> Value {
        let path = format!("/v1/links/{}", link["link_id"].as_str().expect("ID"));
        self.process
            .call(Method::GET, &path, &json!({}))
            .await
            .expect("an answer")
            .1
    }

    pub async fn wait_for(&self, link: &Value, state: &str) -> Value {
        eventually(&format!("usage {state}"), async || {
            let link = self.link(link).await;
            (link["usage"]["state"] == state).then_some(link)
        })
        .await
    }

    pub async fn status(&self, link: &Value) -> u16 {
        self.process
            .client
            .get(url(link))
            .send()
            .await
            .expect("an answer")
            .status()
            .as_u16()
    }
}

pub const ALWAYS: &str = "usage: {mode: always, batch_window: 100ms}";
