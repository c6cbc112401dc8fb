//! From a Matrix room to an IRC channel: Synapse, the service, heisenbridge and ngircd.

use serde_json::{Value, json};
use support::{HS_TOKEN, patiently};

use crate::{
    heisenbridge::Side,
    ircd::{IrcUser, Ngircd},
};

const CHANNEL: &str = "#cats";

/// A channel, in which Alice is by way of Matrix and Bob by way of IRC.
struct Channel {
    side: Side,
    /// The room of the channel.
    room: String,
    bob: IrcUser,
    _ircd: Ngircd,
}

impl Channel {
    /// With a bridge that may administer the homeserver, or not.
    async fn new(is_admin: bool) -> Option<Self> {
        let ngircd = Ngircd::find()?;
        let links =
            format!("legacy_links: [{{format: heisenbridge, bridge: irc, key: {HS_TOKEN}}}]");
        let side = Side::with(&links, is_admin).await?;
        let ircd = Ngircd::start(&ngircd).await;
        let bob = IrcUser::join(&ircd, "bob", CHANNEL).await;

        let control = side.control_room().await;
        let address = format!("ADDSERVER testnet 127.0.0.1 {}", ircd.port);
        for (command, answer) in [
            ("ADDNETWORK testnet", "Network added"),
            (&address, "Server added"),
            ("MAXLINES 3", "Max lines default is 3"),
            ("PASTEBIN --enable", "Pastebin is enabled"),
            ("OPEN testnet", "You have been invited to testnet"),
        ] {
            command_of(&side, &control, command, answer).await;
        }
        let network = accept(&side, "testnet").await;
        command_of(&side, &network, "NICK alice", "Nickname set to alice").await;
        command_of(&side, &network, "CONNECT", "End of MOTD").await;
        let join = json!({"msgtype": "m.text", "body": format!("JOIN {CHANNEL}")});
        let sent = side.alice.send(&network, "m.room.message", &join).await;
        sent.expect("sent");
        let room = accept(&side, &format!("{CHANNEL} (testnet)")).await;
        Some(Self {
            side,
            room,
            bob,
            _ircd: ircd,
        })
    }

    async fn say(&self, content: &Value) -> String {
        let sent = self.side.alice.send(&self.room, "m.room.message", content);
        sent.await.expect("sent")
    }

    /// The link in what Bob hears from Alice.
    async fn link_in(&self, words: &str) -> String {
        let line = patiently("the line to arrive", async || {
            self.bob.heard("alice", CHANNEL, words)
        })
        .await;
        let mut words = line.split_whitespace();
        let link = words.find(|word| word.starts_with("http"));
        link.expect("a link").to_owned()
    }

    async fn follow(&self, link: &str) -> reqwest::Response {
        let response = self.side.process.client.get(link).send().await;
        response.expect("an answer")
    }

    /// Redacts a message, and waits until a link answers with this status.
    async fn redact(&self, event_id: &str, link: &str, status: u16) {
        let redacted = self.side.alice.redact(&self.room, event_id).await;
        redacted.expect("redacted");
        patiently("the link to end", async || {
            (self.follow(link).await.status() == status).then_some(())
        })
        .await;
    }
}

/// Says a command, and waits for what heisenbridge says to it.
async fn command_of(side: &Side, room: &str, command: &str, answer: &str) {
    let content = json!({"msgtype": "m.text", "body": command});
    let sent = side.alice.send(room, "m.room.message", &content).await;
    sent.expect("sent");
    patiently(&format!("heisenbridge to say: {answer}"), async || {
        (side.said(room, answer).await > 0).then_some(())
    })
    .await;
}

/// Accepts the invite into a room of this name.
async fn accept(side: &Side, name: &str) -> String {
    let room = patiently(&format!("an invite into {name}"), async || {
        side.alice.invited_to(name).await.expect("synced")
    })
    .await;
    side.alice.join(&room).await.expect("joined");
    room
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_arrives_on_irc_as_a_link_that_opens_and_ends_with_its_message() {
    let Some(channel) = Channel::new(false).await else {
        return;
    };
    let alice = &channel.side.alice;
    let mut picture = b"\x89PNG\r\n\x1a\n".to_vec();
    picture.extend((0..100_000_u32).map(|n| n.to_le_bytes()[1]));
    let mxc = alice.upload(picture.clone(), "image/png", "cat.png").await;
    let mxc = mxc.expect("uploaded");
    let image = json!({"msgtype": "m.image", "body": "my cat.png", "url": mxc});
    let event_id = channel.say(&image).await;
    let link = channel.link_in("my%20cat.png").await;
    let path = mxc.trim_start_matches("mxc://");
    let wanted = format!(
        "{}/_heisenbridge/media/{path}/",
        channel.side.process.public
    );
    assert!(link.starts_with(&wanted), "{link}");

    let response = channel.follow(&link).await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "image/png");
    assert_eq!(response.bytes().await.expect("whole"), picture);
    channel.redact(&event_id, &link, 410).await;
    // On IRC, it is as if nothing had happened.
    channel
        .say(&json!({"msgtype": "m.text", "body": "still here"}))
        .await;
    patiently("the next line to arrive", async || {
        channel.bob.heard("alice", CHANNEL, "still here")
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_message_arrives_on_irc_as_a_link_that_opens_and_ends_with_its_message() {
    // heisenbridge alone knows which message its upload is of. It withdraws it where it may.
    let Some(channel) = Channel::new(true).await else {
        return;
    };
    let lines: Vec<String> = (1..=9).map(|n| format!("line {n}")).collect();
    let text = lines.join("\n");
    let event_id = channel
        .say(&json!({"msgtype": "m.text", "body": text}))
        .await;
    let link = channel.link_in("long message truncated").await;
    let wanted = format!(
        "{}/_heisenbridge/media/localhost/",
        channel.side.process.public
    );
    assert!(link.starts_with(&wanted), "{link}");

    let response = channel.follow(&link).await;
    assert_eq!(response.status(), 200);
    assert_eq!(
        response.headers()["content-type"],
        "text/plain; charset=utf-8"
    );
    assert_eq!(response.text().await.expect("whole"), text);
    channel.redact(&event_id, &link, 404).await;
}
