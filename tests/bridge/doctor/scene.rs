//! A service that the homeserver reaches, with a reverse proxy before it that does what a test wants.

use std::{collections::HashSet, sync::Arc};

use matrix_test_server::Options;
use serde_json::Value;
use support::{API_TOKEN, AS_TOKEN, HS_TOKEN, Process, World, appservice, process::free_port};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// What the command says.
pub struct Said {
    pub code: Option<i32>,
    pub lines: Vec<Value>,
    pub text: String,
}

impl Said {
    /// The checks of this level.
    pub fn of_level(&self, level: &str) -> HashSet<&str> {
        let lines = self.lines.iter().filter(|line| line["level"] == level);
        lines
            .map(|line| line["check"].as_str().expect("a name"))
            .collect()
    }

    /// What a check has found, and what it says to do.
    pub fn of(&self, check: &str) -> String {
        let line = self.lines.iter().find(|line| line["check"] == check);
        let line = line.unwrap_or_else(|| panic!("no {check}: {}", self.text));
        format!(
            "{}: {} {}",
            line["level"].as_str().expect("a level"),
            line["found"].as_str().expect("a text"),
            line["todo"].as_str().unwrap_or_default()
        )
    }

    /// There is this fault and no other one, and its line has all of these words.
    pub fn has_fault(&self, check: &str, words: &[&str]) {
        assert_eq!(self.code, Some(1), "{}", self.text);
        assert_eq!(
            self.of_level("fault"),
            HashSet::from([check]),
            "{}",
            self.text
        );
        let told = self.of(check);
        assert!(told.starts_with("fault: "), "{told}");
        for word in words {
            assert!(told.contains(word), "{word}: {told}");
        }
    }
}

pub struct Scene {
    pub world: World,
    pub process: Process,
}

impl Scene {
    /// With these lines in the configuration; the service does not run yet.
    pub async fn new(more: &str) -> Self {
        Self::reached(more, |internal| format!("http://{internal}")).await
    }

    /// The homeserver looks for the service at the URL that `url` makes of the internal listener.
    pub async fn reached(more: &str, url: impl FnOnce(&str) -> String) -> Self {
        let internal = format!("127.0.0.1:{}", free_port());
        let world = World::with(Options {
            appservices: vec![appservice(Some(url(&internal)))],
            ..Options::default()
        })
        .await;
        let mut process = Process::new(world.folder.path(), &world.url, more);
        let public = process.public.trim_start_matches("http://").to_owned();
        process.listen_at(&public, &internal);
        process.internal = format!("http://{internal}");
        process.edit("{id: irc,", "{id: irc, appservice_id: medialink,");
        Self { world, process }
    }

    /// Nothing is wrong yet, and the service runs.
    pub async fn running() -> Self {
        let mut scene = Self::new("").await;
        scene.process.start().await;
        scene
    }

    /// Has it be reached through this URL.
    pub fn publish_at(&self, url: &str) {
        let own = format!("public_url: {}\n", self.process.public);
        self.process.edit(&own, &format!("public_url: {url}\n"));
    }

    /// Runs the command, which says no secret.
    pub fn doctor(&self) -> Said {
        let output = tokio::task::block_in_place(|| self.process.run(&["doctor", "--json"]));
        let stdout = String::from_utf8(output.stdout).expect("text");
        let text = format!("{stdout}{}", String::from_utf8_lossy(&output.stderr));
        for secret in [API_TOKEN, AS_TOKEN, HS_TOKEN] {
            assert!(!text.contains(secret), "{text}");
        }
        let read = |line: &str| serde_json::from_str::<Value>(line).expect("JSON");
        let lines: Vec<Value> = stdout.lines().map(read).collect();
        for line in lines.iter().filter(|line| line["level"] != "ok") {
            assert!(line["todo"].as_str().expect("a text").len() > 15, "{line}");
        }
        Said {
            code: output.status.code(),
            lines,
            text,
        }
    }
}

/// What a proxy makes of a head.
type Edit = dyn Fn(String) -> String + Send + Sync;

/// A reverse proxy, which tells whom it answers.
pub struct Proxy {
    pub url: String,
    task: JoinHandle<()>,
}

impl Proxy {
    /// `request` is given the head of each request, `answer` that of each answer.
    pub async fn start(
        target: &str,
        request: impl Fn(String) -> String + Send + Sync + 'static,
        answer: impl Fn(String) -> String + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("bound"));
        let target = target.trim_start_matches("http://").to_owned();
        let edits: (Arc<Edit>, Arc<Edit>) = (Arc::new(request), Arc::new(answer));
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (target, edits) = (target.clone(), edits.clone());
                tokio::spawn(async move {
                    // Whoever hangs up has heard enough.
                    let _ = hand_on(stream, &target, &*edits.0, &*edits.1).await;
                });
            }
        });
        Self { url, task }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Hands one request on, as the only one of its connection.
async fn hand_on(
    mut client: TcpStream,
    target: &str,
    request: &Edit,
    answer: &Edit,
) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(client.read_u8().await?);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let closing = head.replacen("\r\n", "\r\nconnection: close\r\n", 1);
    let mut upstream = TcpStream::connect(target).await?;
    upstream.write_all(request(closing).as_bytes()).await?;
    let mut bytes = Vec::new();
    upstream.read_to_end(&mut bytes).await?;
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n");
    let (head, body) = bytes.split_at(end.map_or(bytes.len(), |end| end + 4));
    let head = answer(String::from_utf8_lossy(head).into_owned());
    client.write_all(head.as_bytes()).await?;
    client.write_all(body).await?;
    client.shutdown().await
}

/// A head without the lines of this header.
pub fn without(head: String, name: &str) -> String {
    let prefix = format!("{name}:");
    let lines = head.split_inclusive("\r\n");
    lines
        .filter(|line| !line.to_lowercase().starts_with(&prefix))
        .collect()
}

/// A head with another line.
pub fn with(head: String, line: &str) -> String {
    head.replacen("\r\n", &format!("\r\n{line}\r\n"), 1)
}

/// What a proxy does that tells whom it answers.
pub fn told(head: String) -> String {
    with(
        without(head, "x-forwarded-for"),
        "X-Forwarded-For: 198.51.100.7",
    )
}
