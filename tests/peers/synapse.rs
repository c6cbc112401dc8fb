//! A real Synapse for a test: a child process with a database and a media store of its own, on
//! loopback, which never talks to another host and is gone when the test is.
//!
//! It is installed by `tests/setup-synapse.sh`.

use std::{
    fs::{self, File},
    io::Write as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Once,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
    time::Duration,
};

use anyhow::{Context as _, bail, ensure};
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode, Url};
use serde_json::{Value, json};
use sqlx::{ConnectOptions as _, sqlite::SqliteConnectOptions};
use tempfile::TempDir;

/// How long Synapse may take until it answers. It takes two seconds on an idle machine.
const START_DEADLINE: Duration = Duration::from_secs(120);

/// How long Synapse may take to end after it was asked to.
const STOP_DEADLINE: Duration = Duration::from_secs(20);

/// How long one request of a test may take; longer than Synapse waits for a pending upload.
const REQUEST_DEADLINE: Duration = Duration::from_secs(60);

/// How often a process or a port is looked at while waiting for it.
const POLL: Duration = Duration::from_millis(20);

/// Runs Synapse until its standard input is closed. The pipe is closed by [`Synapse::stop`], and
/// by the operating system when the tests are killed, so that no Synapse outlives them.
const LAUNCHER: &str = "\
import os, signal, threading

def stop_when_the_pipe_closes():
    os.read(0, 1)
    os.kill(os.getpid(), signal.SIGTERM)

threading.Thread(target=stop_when_the_pipe_closes, daemon=True).start()
from synapse.app.homeserver import main
main()
";

/// A running Synapse. Dropping it kills the process and removes its files; when a test panics,
/// the end of its log is printed first.
pub struct Synapse {
    child: Option<Child>,
    python: PathBuf,
    directory: TempDir,
    url: String,
    client: Client,
}

impl Synapse {
    /// The Python that has Synapse installed: the one named by the environment variable
    /// `SYNAPSE_PYTHON`, or `target/synapse/bin/python` (both relative to the package). `None`,
    /// with the reason printed once, if it is not there.
    pub fn find() -> Option<PathBuf> {
        let wanted = std::env::var_os("SYNAPSE_PYTHON")
            .filter(|value| !value.is_empty())
            .map_or_else(|| PathBuf::from("target/synapse/bin/python"), PathBuf::from);
        let python = Path::new(env!("CARGO_MANIFEST_DIR")).join(wanted);
        if python.is_file() {
            return Some(python);
        }
        static SAID: Once = Once::new();
        SAID.call_once(|| {
            // Past the test runner, which shows what it captures of failed tests only.
            let _ = writeln!(
                std::io::stderr(),
                "no Synapse to test against: {} is missing; run tests/setup-synapse.sh, or set SYNAPSE_PYTHON",
                python.display()
            );
        });
        None
    }

    /// Starts a Synapse with these appservice registrations (the texts of their YAML files), and
    /// waits until it answers. An error shows the end of Synapse's log.
    pub async fn start(
        python: &Path,
        server_name: &str,
        appservice_registrations: &[String],
    ) -> anyhow::Result<Self> {
        Self::start_with(python, server_name, appservice_registrations, json!({})).await
    }

    /// Like [`Synapse::start`]; the top-level keys of `settings` are added to `homeserver.yaml`,
    /// or replace what is there.
    pub async fn start_with(
        python: &Path,
        server_name: &str,
        appservice_registrations: &[String],
        settings: Value,
    ) -> anyhow::Result<Self> {
        let directory = TempDir::with_prefix("medialink-synapse-")?;
        let port = free_port()?;
        let registrations = write_registrations(directory.path(), appservice_registrations)?;
        let mut configuration = configuration(directory.path(), server_name, port, &registrations);
        for (key, value) in settings.as_object().context("settings is no object")? {
            configuration[key] = value.clone();
        }
        // JSON is YAML, too.
        fs::write(
            directory.path().join("homeserver.yaml"),
            serde_json::to_vec_pretty(&configuration)?,
        )?;

        let client = Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(REQUEST_DEADLINE)
            .build()?;
        let mut synapse = Self {
            child: None,
            python: python.to_owned(),
            directory,
            url: format!("http://127.0.0.1:{port}"),
            client,
        };
        synapse.launch().await?;
        Ok(synapse)
    }

    /// Its base URL, without a slash at the end.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Asks Synapse to end, as an operator would, and waits until it has. Requests are refused
    /// until [`Synapse::restart`].
    pub async fn stop(&mut self) -> anyhow::Result<()> {
        let Some(child) = &mut self.child else {
            return Ok(());
        };
        drop(child.stdin.take());
        tokio::time::timeout(STOP_DEADLINE, async {
            while child.try_wait()?.is_none() {
                tokio::time::sleep(POLL).await;
            }
            anyhow::Ok(())
        })
        .await
        .context("Synapse does not stop")??;
        self.child = None;
        Ok(())
    }

    /// Stops Synapse if it runs and starts it again, with the same data on the same port.
    pub async fn restart(&mut self) -> anyhow::Result<()> {
        self.stop().await?;
        self.launch().await
    }

    /// Registers a user of this server, who is logged in with a device.
    pub async fn register_user(&self, localpart: &str) -> anyhow::Result<User> {
        let answer = self
            .register(
                None,
                &json!({
                    "username": localpart,
                    "password": localpart,
                    "auth": {"type": "m.login.dummy"},
                }),
            )
            .await?;
        Ok(self.user(
            text(&answer, "user_id")?,
            text(&answer, "access_token")?,
            false,
        ))
    }

    /// Registers a user of an appservice's namespace, and is that user through the appservice's
    /// token. The sender of the appservice needs no registration: see [`Synapse::appservice_user`].
    pub async fn register_appservice_user(
        &self,
        as_token: &str,
        localpart: &str,
    ) -> anyhow::Result<User> {
        let answer = self
            .register(
                Some(as_token),
                &json!({
                    "type": "m.login.application_service",
                    "username": localpart,
                    "inhibit_login": true,
                }),
            )
            .await?;
        Ok(self.appservice_user(as_token, &text(&answer, "user_id")?))
    }

    /// A user whom an appservice controls, as the appservice: each request names the user in
    /// `user_id=`. Nothing is sent.
    pub fn appservice_user(&self, as_token: &str, user_id: &str) -> User {
        self.user(user_id.to_owned(), as_token.to_owned(), true)
    }

    /// Makes a user an administrator, as an operator does who has nobody to ask yet.
    pub async fn make_admin(&self, user_id: &str) -> anyhow::Result<()> {
        let options = SqliteConnectOptions::new()
            .filename(self.directory.path().join("homeserver.db"))
            .busy_timeout(REQUEST_DEADLINE);
        let mut database = options.connect().await?;
        let changed = sqlx::query("UPDATE users SET admin = 1 WHERE name = $1")
            .bind(user_id)
            .execute(&mut database)
            .await?;
        ensure!(changed.rows_affected() == 1, "there is no {user_id}");
        Ok(())
    }

    /// The end of Synapse's log.
    pub fn log_tail(&self) -> String {
        let log = fs::read(self.log_path()).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(40)..].join("\n")
    }

    fn log_path(&self) -> PathBuf {
        self.directory.path().join("synapse.log")
    }

    fn user(&self, user_id: String, access_token: String, is_appservice: bool) -> User {
        User {
            user_id,
            access_token,
            device_id: None,
            is_appservice,
            url: self.url.clone(),
            client: self.client.clone(),
        }
    }

    async fn register(&self, as_token: Option<&str>, body: &Value) -> anyhow::Result<Value> {
        let url = format!("{}/_matrix/client/v3/register", self.url);
        let mut request = self.client.post(url).json(body);
        if let Some(token) = as_token {
            request = request.bearer_auth(token);
        }
        succeed(request).await.context("cannot register a user")
    }

    async fn launch(&mut self) -> anyhow::Result<()> {
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.log_path())?;
        let mut command = Command::new(&self.python);
        command
            .args(["-c", LAUNCHER, "--config-path", "homeserver.yaml"])
            .current_dir(self.directory.path())
            .stdin(Stdio::piped())
            .stdout(log.try_clone()?)
            .stderr(log);
        for variable in ["http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"] {
            command.env_remove(variable);
        }
        let child = command
            .spawn()
            .with_context(|| format!("cannot run {}", self.python.display()))?;
        self.child = Some(child);
        match tokio::time::timeout(START_DEADLINE, self.wait_until_healthy()).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(error.context(format!("Synapse's log:\n{}", self.log_tail()))),
            Err(_) => bail!(
                "Synapse does not answer. Synapse's log:\n{}",
                self.log_tail()
            ),
        }
    }

    async fn wait_until_healthy(&mut self) -> anyhow::Result<()> {
        let health = format!("{}/health", self.url);
        loop {
            if let Some(child) = &mut self.child
                && let Some(status) = child.try_wait()?
            {
                bail!("Synapse ended at its start, {status}");
            }
            if let Ok(response) = self.client.get(&health).send().await
                && response.status() == StatusCode::OK
            {
                return Ok(());
            }
            tokio::time::sleep(POLL).await;
        }
    }
}

impl Drop for Synapse {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            // Fails only for a process that has ended.
            let _ = child.kill();
            let _ = child.wait();
        }
        if std::thread::panicking() {
            eprintln!("Synapse's log:\n{}", self.log_tail());
        }
    }
}

/// A user of a [`Synapse`], with the calls that tests make as somebody's client. Each method
/// fails on an answer that is not a success, unless it returns the status.
#[derive(Clone)]
pub struct User {
    /// The full user ID.
    pub user_id: String,
    /// The user's access token, or the token of the appservice that acts as this user.
    pub access_token: String,
    /// The device that an appservice acts as, for this user.
    pub device_id: Option<String>,
    is_appservice: bool,
    url: String,
    client: Client,
}

impl User {
    /// A request with this user's authorization. The segments of the path are encoded here.
    pub fn request(&self, method: Method, path: &[&str]) -> anyhow::Result<RequestBuilder> {
        let mut url = Url::parse(&self.url)?;
        url.path_segments_mut()
            .ok()
            .context("the URL has no path")?
            .extend(path);
        let mut request = self
            .client
            .request(method, url)
            .bearer_auth(&self.access_token);
        if self.is_appservice {
            request = request.query(&[("user_id", &self.user_id)]);
        }
        if let Some(device_id) = &self.device_id {
            request = request.query(&[("device_id", device_id)]);
        }
        Ok(request)
    }

    /// Makes this device of an appservice's user, and returns the user as that device.
    pub async fn with_device(&self, device_id: &str) -> anyhow::Result<Self> {
        let path = ["_matrix", "client", "v3", "devices", device_id];
        succeed(self.request(Method::PUT, &path)?.json(&json!({}))).await?;
        let mut user = self.clone();
        user.device_id = Some(device_id.to_owned());
        Ok(user)
    }

    /// Creates a room, `options` being the body of the request; returns its room ID.
    pub async fn create_room(&self, options: &Value) -> anyhow::Result<String> {
        let path = ["_matrix", "client", "v3", "createRoom"];
        let answer = succeed(self.request(Method::POST, &path)?.json(options)).await?;
        text(&answer, "room_id")
    }

    /// Invites somebody to a room.
    pub async fn invite(&self, room_id: &str, user_id: &str) -> anyhow::Result<()> {
        self.in_room(room_id, "invite", &json!({"user_id": user_id}))
            .await
    }

    /// Joins a room.
    pub async fn join(&self, room_id: &str) -> anyhow::Result<()> {
        self.in_room(room_id, "join", &json!({})).await
    }

    /// The room of this name that the user is invited to.
    pub async fn invited_to(&self, name: &str) -> anyhow::Result<Option<String>> {
        let path = ["_matrix", "client", "v3", "sync"];
        let filter = json!({"room": {"timeline": {"limit": 0}}}).to_string();
        let request = self.request(Method::GET, &path)?;
        let synced = succeed(request.query(&[("timeout", "0"), ("filter", &filter)])).await?;
        let invites = synced["rooms"]["invite"].as_object().into_iter().flatten();
        let is_named = |events: &Value| {
            let mut events = events.as_array().into_iter().flatten();
            events.any(|event| event["type"] == "m.room.name" && event["content"]["name"] == name)
        };
        let mut room = invites
            .filter(|(_, room)| is_named(&room["invite_state"]["events"]))
            .map(|(room_id, _)| room_id.clone());
        Ok(room.next_back())
    }

    /// Leaves a room.
    pub async fn leave(&self, room_id: &str) -> anyhow::Result<()> {
        self.in_room(room_id, "leave", &json!({})).await
    }

    /// Uploads media; returns its mxc URI.
    pub async fn upload(
        &self,
        bytes: impl Into<Vec<u8>>,
        content_type: &str,
        filename: &str,
    ) -> anyhow::Result<String> {
        let request = self
            .request(Method::POST, &["_matrix", "media", "v3", "upload"])?
            .query(&[("filename", filename)])
            .header("Content-Type", content_type)
            .body(bytes.into());
        text(&succeed(request).await?, "content_uri")
    }

    /// Downloads media through the authenticated endpoint, whatever the answer is.
    pub async fn download(&self, mxc: &str) -> anyhow::Result<Response> {
        let (server_name, media_id) = mxc
            .strip_prefix("mxc://")
            .and_then(|rest| rest.split_once('/'))
            .context("no mxc URI")?;
        let path = [
            "_matrix",
            "client",
            "v1",
            "media",
            "download",
            server_name,
            media_id,
        ];
        Ok(self.request(Method::GET, &path)?.send().await?)
    }

    /// Sends an event, with a new transaction ID; returns its event ID.
    pub async fn send(
        &self,
        room_id: &str,
        event_type: &str,
        content: &Value,
    ) -> anyhow::Result<String> {
        let (status, answer) = self
            .send_as(room_id, event_type, &transaction_id(), content)
            .await?;
        ensure!(status.is_success(), "{status}: {answer}");
        text(&answer, "event_id")
    }

    /// Sends an event with this transaction ID, whatever the answer is.
    pub async fn send_as(
        &self,
        room_id: &str,
        event_type: &str,
        transaction_id: &str,
        content: &Value,
    ) -> anyhow::Result<(StatusCode, Value)> {
        let path = [
            "_matrix",
            "client",
            "v3",
            "rooms",
            room_id,
            "send",
            event_type,
            transaction_id,
        ];
        answer(self.request(Method::PUT, &path)?.json(content)).await
    }

    /// Redacts an event; returns the event ID of the redaction.
    pub async fn redact(&self, room_id: &str, event_id: &str) -> anyhow::Result<String> {
        let transaction_id = transaction_id();
        let path = [
            "_matrix",
            "client",
            "v3",
            "rooms",
            room_id,
            "redact",
            event_id,
            &transaction_id,
        ];
        let answer = succeed(self.request(Method::PUT, &path)?.json(&json!({}))).await?;
        text(&answer, "event_id")
    }

    /// All events of these types that the user can see in a room, oldest first. No types: all.
    pub async fn messages(&self, room_id: &str, types: &[&str]) -> anyhow::Result<Vec<Value>> {
        let filter = if types.is_empty() {
            json!({})
        } else {
            json!({"types": types})
        };
        let filter = filter.to_string();
        let path = ["_matrix", "client", "v3", "rooms", room_id, "messages"];
        let mut events = Vec::new();
        let mut from: Option<String> = None;
        loop {
            let mut request = self.request(Method::GET, &path)?.query(&[
                ("dir", "b"),
                ("limit", "100"),
                ("filter", &filter),
            ]);
            if let Some(from) = &from {
                request = request.query(&[("from", from)]);
            }
            let mut page = succeed(request).await?;
            if let Value::Array(chunk) = page["chunk"].take() {
                events.extend(chunk);
            }
            from = page["end"].as_str().map(str::to_owned);
            if from.is_none() {
                break;
            }
        }
        events.reverse();
        Ok(events)
    }

    /// One event as the user sees it, with the status of the answer.
    pub async fn event(
        &self,
        room_id: &str,
        event_id: &str,
    ) -> anyhow::Result<(StatusCode, Value)> {
        let path = [
            "_matrix", "client", "v3", "rooms", room_id, "event", event_id,
        ];
        answer(self.request(Method::GET, &path)?).await
    }

    async fn in_room(&self, room_id: &str, action: &str, body: &Value) -> anyhow::Result<()> {
        let path = ["_matrix", "client", "v3", "rooms", room_id, action];
        succeed(self.request(Method::POST, &path)?.json(body)).await?;
        Ok(())
    }
}

/// Sends a request; its answer must be JSON.
pub async fn answer(request: RequestBuilder) -> anyhow::Result<(StatusCode, Value)> {
    let response = request.send().await?;
    let status = response.status();
    let body = response.text().await?;
    let json =
        serde_json::from_str(&body).with_context(|| format!("{status}, not JSON: {body}"))?;
    Ok((status, json))
}

/// Sends a request that must succeed.
pub async fn succeed(request: RequestBuilder) -> anyhow::Result<Value> {
    let (status, json) = answer(request).await?;
    ensure!(status.is_success(), "{status}: {json}");
    Ok(json)
}

fn text(json: &Value, key: &str) -> anyhow::Result<String> {
    let text = json[key]
        .as_str()
        .with_context(|| format!("no {key} in {json}"))?;
    Ok(text.to_owned())
}

fn transaction_id() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    format!("test-{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

/// A port that is free and stays so while Synapse restarts: it is below the range from which the
/// operating system takes the ports of connections and of listeners on port 0.
fn free_port() -> anyhow::Result<u16> {
    const FIRST: u32 = 20_000;
    const COUNT: u32 = 12_000;
    static NEXT: AtomicU32 = AtomicU32::new(0);
    // Test processes that run beside each other begin at different places.
    let start = std::process::id().wrapping_mul(101);
    for _ in 0..COUNT {
        let step = NEXT.fetch_add(1, Ordering::Relaxed);
        let port = u16::try_from(FIRST + start.wrapping_add(step) % COUNT)?;
        if std::net::TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return Ok(port);
        }
    }
    bail!("no free port on 127.0.0.1")
}

fn write_registrations(directory: &Path, texts: &[String]) -> anyhow::Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for (number, text) in texts.iter().enumerate() {
        let path = directory.join(format!("registration-{number}.yaml"));
        fs::write(&path, text)?;
        paths.push(path);
    }
    Ok(paths)
}

/// What is in `homeserver.yaml`: nothing that waits, nothing that asks another host.
fn configuration(
    directory: &Path,
    server_name: &str,
    port: u16,
    registrations: &[PathBuf],
) -> Value {
    let generous = json!({"per_second": 10_000, "burst_count": 10_000});
    json!({
        "server_name": server_name,
        "listeners": [{
            "type": "http",
            "port": port,
            "bind_addresses": ["127.0.0.1"],
            // The media repository is part of it.
            "resources": [{"names": ["client"], "compress": false}],
        }],
        "database": {"name": "sqlite3", "args": {"database": directory.join("homeserver.db")}},
        "media_store_path": directory.join("media"),
        "pid_file": directory.join("synapse.pid"),
        "app_service_config_files": registrations,

        // Of this server and no other: it lives for one test.
        "signing_key": "ed25519 a_test TWVkaWFsaW5rIHRlc3RzOiBub3QgYSBzZWNyZXQuLi4",
        "macaroon_secret_key": "not a secret",
        "form_secret": "not a secret",

        "trusted_key_servers": [],
        "suppress_key_server_warning": true,
        "federation_domain_whitelist": [],
        "report_stats": false,
        "enable_authenticated_media": true,

        "enable_registration": true,
        "enable_registration_without_verification": true,
        "bcrypt_rounds": 4,
        // Asked again, it looks again.
        "caches": {"sync_response_cache_duration": 0},
        "presence": {"enabled": false},
        "push": {"enabled": false},
        "url_preview_enabled": false,

        "rc_message": generous,
        "rc_registration": generous,
        "rc_login": {"address": generous, "account": generous, "failed_attempts": generous},
        "rc_admin_redaction": generous,
        "rc_joins": {"local": generous, "remote": generous},
        "rc_joins_per_room": generous,
        "rc_invites": {"per_room": generous, "per_user": generous, "per_issuer": generous},
        "rc_media_create": generous,
        "rc_profile": generous,
        "rc_room_creation": generous,
    })
}
