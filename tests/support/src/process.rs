//! The real binary, as an operator runs it.

use std::{
    collections::HashMap,
    io::Write,
    net::TcpListener,
    os::fd::OwnedFd,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Output, Stdio},
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use matrix_test_server::EmbeddedHomeserver;
use medialink::{
    config::Config,
    storage::{Database, Opener, meta_events::count_waiting},
};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::{
    client::{answer, client},
    database::database_url,
    settings::{API_TOKEN, config_text},
    waiting::{eventually, patiently},
};

/// Ports below those that the system gives to whoever asks for any: none of these is taken by a connection or by
/// another test before it is used.
const PORTS: std::ops::Range<usize> = 10_240..32_000;

/// A port that nobody listens on now. No other call of this process gets it.
pub fn free_port() -> u16 {
    static TRIED: AtomicUsize = AtomicUsize::new(0);
    // Not the ports of the process before this one, which may wait for their last connections to end.
    let first = std::process::id() as usize * 101;
    (0..PORTS.len())
        .map(|_| first.wrapping_add(TRIED.fetch_add(1, Ordering::Relaxed)) % PORTS.len())
        .filter_map(|at| u16::try_from(PORTS.start + at).ok())
        .find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .expect("a port")
}

/// Where the binary is that belongs to the tests which run.
pub fn binary() -> PathBuf {
    std::env::var_os("CARGO_BIN_EXE_medialink").map_or_else(
        || {
            // Without cargo, it is one folder above the tests.
            let tests = std::env::current_exe().expect("a path");
            let built = tests.ancestors().nth(2).expect("a folder");
            built.join("medialink")
        },
        PathBuf::from,
    )
}

/// A configuration file, and the service that runs by it, or not.
pub struct Process {
    pub folder: PathBuf,
    /// Of its configuration file and its log.
    names: [&'static str; 2],
    pub public: String,
    pub internal: String,
    pub client: reqwest::Client,
    child: Option<Child>,
}

impl Process {
    /// Writes a configuration file into a folder.
    pub fn new(folder: &Path, homeserver: &str, more: &str) -> Self {
        Self::named(folder, ["bridge.yaml", "serve.log"], homeserver, more)
    }

    /// The same with these names for the configuration file and the log, for one of several in a folder.
    pub fn named(folder: &Path, names: [&'static str; 2], homeserver: &str, more: &str) -> Self {
        let (public, internal) = (free_port(), free_port());
        let public_url = format!("http://127.0.0.1:{public}");
        let text = config_text(folder, homeserver, &public_url, more)
            .replacen(
                "public: 127.0.0.1:0",
                &format!("public: 127.0.0.1:{public}"),
                1,
            )
            .replacen(
                "internal: 127.0.0.1:0",
                &format!("internal: 127.0.0.1:{internal}"),
                1,
            );
        std::fs::write(folder.join(names[0]), text).expect("written");
        Self {
            folder: folder.to_owned(),
            names,
            public: public_url,
            internal: format!("http://127.0.0.1:{internal}"),
            client: client(),
            child: None,
        }
    }

    /// Changes the homeserver's URL in the file.
    pub fn point_at(&self, homeserver: &str) {
        self.edit("http://127.0.0.1:1'", &format!("{homeserver}'"));
    }

    /// Has it use the database behind this URL.
    pub fn use_database(&self, url: &str) {
        let mine = database_url(&self.folder);
        self.edit(
            &format!("database: {mine}\n"),
            &format!("database: {url}\n"),
        );
    }

    /// Has its configuration name other addresses to listen on.
    pub fn listen_at(&self, public: &str, internal: &str) {
        let address = |url: &str| url.trim_start_matches("http://").to_owned();
        self.edit(
            &format!("public: {}", address(&self.public)),
            &format!("public: {public}"),
        );
        self.edit(
            &format!("internal: {}", address(&self.internal)),
            &format!("internal: {internal}"),
        );
    }

    /// Has it answer whoever watches it at an address of its own.
    pub fn watch_at(&self, address: &str) {
        self.edit("listen: {", &format!("listen: {{metrics: \"{address}\", "));
    }

    /// Has it read the homeserver's list of quarantined media as this administrator.
    pub fn read_quarantine_with(&self, admin_token: &str) {
        let token = format!("homeserver: {{admin_token: '{admin_token}', ");
        self.edit("homeserver: {", &token);
    }

    /// Replaces the first occurrence of a text in its configuration.
    pub fn edit(&self, old: &str, new: &str) {
        let text = self.config_text().replacen(old, new, 1);
        std::fs::write(self.folder.join(self.names[0]), text).expect("written");
    }

    fn config_text(&self) -> String {
        std::fs::read_to_string(self.folder.join(self.names[0])).expect("reads")
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(binary());
        command
            .arg("--config")
            .arg(self.folder.join(self.names[0]))
            .args(arguments)
            .stdin(Stdio::null());
        command
    }

    /// Runs a command to its end.
    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().expect("the command runs")
    }

    /// Runs a command with these variables in its environment.
    pub fn run_with_environment(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Output {
        let mut command = self.command(arguments);
        let variables = environment.iter().copied();
        command.envs(variables).output().expect("the command runs")
    }

    /// Runs a command that reads this text.
    pub fn run_with_input(&self, arguments: &[&str], input: &str) -> Output {
        let mut command = self.command(arguments);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().expect("starts");
        child
            .stdin
            .take()
            .expect("a pipe")
            .write_all(input.as_bytes())
            .expect("written");
        child.wait_with_output().expect("the command runs")
    }

    /// Starts `serve`; its log goes into `serve.log`, one start after the other.
    pub fn spawn(&mut self) {
        self.spawn_with("info");
    }

    fn spawn_with(&mut self, log_level: &str) {
        let mut command = self.command(&["serve"]);
        command.env("RUST_LOG", log_level);
        self.launch(command);
    }

    fn launch(&mut self, mut command: Command) {
        command.stdout(Stdio::null());
        self.launch_with_output(command);
    }

    fn launch_with_output(&mut self, mut command: Command) {
        let path = self.folder.join(self.names[1]);
        let log = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(path)
            .expect("a log");
        command.stderr(log);
        self.child = Some(command.spawn().expect("starts"));
    }

    /// Starts `serve` and waits until it answers.
    pub async fn start(&mut self) {
        self.spawn();
        self.healthy().await;
    }

    /// The same, with these variables in its environment.
    pub async fn start_with_environment(&mut self, environment: &[(&str, &str)]) {
        let mut command = self.command(&["serve"]);
        command.envs(environment.iter().copied());
        self.launch(command);
        self.healthy().await;
    }

    /// Starts a program that becomes `serve`, and waits until that answers. The program is given before the command.
    pub async fn start_through(&mut self, launcher: &[&str]) {
        let mut command = self.command_through(launcher);
        command.stdin(Stdio::null());
        self.launch(command);
        self.healthy().await;
    }

    /// The same, with these sockets as standard input and output of the program.
    pub async fn start_with_sockets(&mut self, launcher: &[&str], sockets: [OwnedFd; 2]) {
        let [input, output] = sockets.map(Stdio::from);
        let mut command = self.command_through(launcher);
        command.stdin(input).stdout(output);
        self.launch_with_output(command);
        self.healthy().await;
    }

    fn command_through(&self, launcher: &[&str]) -> Command {
        let serve = self.command(&["serve"]);
        let mut command = Command::new(launcher[0]);
        command
            .args(&launcher[1..])
            .arg(serve.get_program())
            .args(serve.get_args());
        command
    }

    /// The same, with as much in its log as can be.
    pub async fn start_with_log_level(&mut self, log_level: &str) {
        self.spawn_with(log_level);
        self.healthy().await;
    }

    pub async fn healthy(&self) {
        let url = format!("{}/health", self.internal);
        eventually("the service to answer", async || {
            self.client.get(&url).send().await.ok().map(drop)
        })
        .await;
    }

    pub fn pid(&self) -> u32 {
        self.child.as_ref().expect("running").id()
    }

    /// kill -9.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("killed");
            child.wait().expect("ended");
        }
    }

    /// A signal, by the system's kill.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill")
            .args([format!("-{name}"), self.pid().to_string()])
            .status();
        assert!(sent.expect("kill runs").success());
    }

    /// Waits for its end.
    pub async fn ended(&mut self) -> ExitStatus {
        let mut child = self.child.take().expect("running");
        for _ in 0..600 {
            if let Some(status) = child.try_wait().expect("a child") {
                return status;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        self.child = Some(child);
        panic!("waited in vain for the end of the process");
    }

    /// Whether it runs.
    pub fn is_running(&mut self) -> bool {
        let child = self.child.as_mut().expect("started");
        child.try_wait().expect("a child").is_none()
    }

    /// SIGTERM; then its end.
    pub async fn terminate(&mut self) -> ExitStatus {
        self.signal("TERM");
        self.ended().await
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.join(self.names[1])).unwrap_or_default()
    }

    /// Asks the API; `None`: there was no answer.
    pub async fn call(
        &self,
        method: Method,
        path: &str,
        body: &Value,
    ) -> Option<(StatusCode, Value)> {
        let request = self
            .client
            .request(method, format!("{}{path}", self.internal))
            .bearer_auth(API_TOKEN)
            .json(body);
        let response = request.send().await.ok()?;
        let status = response.status();
        Some((status, response.json().await.ok()?))
    }

    pub async fn issue(&self, body: Value) -> Value {
        let (status, link) = self
            .call(Method::POST, "/v1/links", &body)
            .await
            .expect("an answer");
        assert!(status.is_success(), "{status} {link}");
        link
    }

    /// Waits until nothing waits to be sent, redacted or looked at.
    pub async fn drained(&self) {
        let database = self.database().await;
        // What a killed service had claimed on PostgreSQL is free once its claim has run out.
        patiently("an empty outbox", async || {
            (count_waiting(database.reader()).await.expect("counts") == 0).then_some(())
        })
        .await;
    }

    /// The database that it is configured for, opened beside it.
    pub async fn database(&self) -> Database {
        let config = Config::parse(&self.config_text(), HashMap::new(), &self.folder);
        let config = config.expect("a valid configuration").database;
        Database::open(&config, Opener::Command)
            .await
            .expect("opens")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            let log = self.log();
            let tail: Vec<&str> = log.lines().rev().take(20).collect();
            eprintln!(
                "the service's last words, newest first:\n{}",
                tail.join("\n")
            );
        }
    }
}

/// Media whose bytes the homeserver makes up while they are asked for: URI and content token.
pub async fn generate(
    homeserver: &EmbeddedHomeserver,
    size: u64,
    content_type: &str,
) -> (String, String) {
    let request = client()
        .post(format!("{}/_demo/generate", homeserver.url()))
        .query(&[
            ("size", size.to_string().as_str()),
            ("content_type", content_type),
        ])
        .json(&json!({}));
    let (status, media) = answer(request).await;
    assert_eq!(status, 200, "{media}");
    let text = |name: &str| media[name].as_str().unwrap_or_default().to_owned();
    (text("content_uri"), text("content_token"))
}
