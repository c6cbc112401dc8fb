//! A real Synapse for a test: a child process with a database and a media store of its own, on
//! loopback, which never talks to another host and is gone when the test is.

use std::{
    fs::{self, File},
    io::Write as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Once,
    time::Duration,
};

use anyhow::{Context as _, bail};
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use support::process::free_port;
use tempfile::TempDir;

use super::{
    configuration::{configuration, write_registrations},
    requests::REQUEST_DEADLINE,
};

/// How long Synapse may take until it answers. It takes two seconds on an idle machine.
pub const START_DEADLINE: Duration = Duration::from_secs(120);

/// How long Synapse may take to end after it was asked to.
pub const STOP_DEADLINE: Duration = Duration::from_secs(20);

/// How often a process or a port is looked at while waiting for it.
pub const POLL: Duration = Duration::from_millis(20);

/// Runs Synapse until its standard input is closed. The pipe is closed by [`Synapse::stop`], and
/// by the operating system when the tests are killed, so that no Synapse outlives them.
pub const LAUNCHER: &str = "\
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
    pub child: Option<Child>,
    pub python: PathBuf,
    pub directory: TempDir,
    pub url: String,
    pub client: Client,
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
        let port = free_port();
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

    /// The end of Synapse's log.
    pub fn log_tail(&self) -> String {
        let log = fs::read(self.log_path()).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(40)..].join("\n")
    }

    pub fn log_path(&self) -> PathBuf {
        self.directory.path().join("synapse.log")
    }

    pub async fn launch(&mut self) -> anyhow::Result<()> {
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

    pub async fn wait_until_healthy(&mut self) -> anyhow::Result<()> {
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
