//! A service from its start to its end, and what it may not leave behind.

use std::{collections::HashMap, net::TcpListener, path::Path, sync::OnceLock, time::Duration};

use medialink::{
    app::{Application, Listeners},
    clock::Clock,
    config::{Config, DatabaseConfig},
    storage::soundness,
};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::inside::Inside;
use crate::{
    client::client,
    database::{database_url, is_postgres, root_secret_file},
    leftovers,
    process::binary,
    settings::config_text,
    waiting::eventually,
};

/// How often the outbox is looked at before it is said to hold something.
const FINISH_ROUNDS: u32 = 800;
/// How far the clock is set forward between the first looks. It doubles, since some work waits for
/// milliseconds and some for days.
const FINISH_STEP_MS: i64 = 250;
/// After how many looks it doubles, and how often at most.
const FINISH_DOUBLING: (u32, u32) = (8, 20);

/// A running service. A test that is through with it calls [`Service::stop`], which fails if it
/// leaves something behind.
pub struct Service {
    pub public: String,
    pub internal: String,
    pub clock: Clock,
    pub client: reqwest::Client,
    pub(super) inside: Inside,
    /// Why the test means to leave work undone.
    unfinished: OnceLock<&'static str>,
    /// Why errors in the log are what the test is about.
    errors_expected: OnceLock<&'static str>,
    /// Why rows are not as the service would have left them.
    damage_expected: OnceLock<&'static str>,
    database: DatabaseConfig,
    stop: CancellationToken,
    running: Option<JoinHandle<anyhow::Result<()>>>,
}

impl Service {
    /// Starts a service whose files are in `folder`.
    pub async fn start(folder: &Path, homeserver: &str, more: &str) -> Self {
        Self::start_at(folder, homeserver, "", more, &Clock::default()).await
    }

    /// The same, with a path in its public URL, and with a clock.
    pub async fn start_at(
        folder: &Path,
        homeserver: &str,
        path: &str,
        more: &str,
        clock: &Clock,
    ) -> Self {
        Self::start_edited(folder, homeserver, path, more, clock, |text| text).await
    }

    /// The same, on a database of a PostgreSQL server that the test looks after.
    pub async fn start_on(database: &str, folder: &Path, homeserver: &str, more: &str) -> Self {
        let mine = format!("database: {}\n", database_url(folder));
        let mut theirs = format!("database: {database}\n");
        if !is_postgres() {
            root_secret_file(folder);
            theirs.push_str("root_secret_file: root-secret\n");
        }
        let edit = |text: String| text.replacen(&mine, &theirs, 1);
        Self::start_edited(folder, homeserver, "", more, &Clock::default(), edit).await
    }

    /// The same, with a last word on the text of the configuration.
    pub async fn start_edited(
        folder: &Path,
        homeserver: &str,
        path: &str,
        more: &str,
        clock: &Clock,
        edit: impl FnOnce(String) -> String,
    ) -> Self {
        leftovers::watch();
        let bind = || TcpListener::bind("127.0.0.1:0").expect("a port");
        let listeners = Listeners {
            public: bind(),
            internal: bind(),
            metrics: None,
        };
        let public = format!(
            "http://{}{path}",
            listeners.public.local_addr().expect("bound")
        );
        let internal = format!("http://{}", listeners.internal.local_addr().expect("bound"));
        let text = edit(config_text(folder, homeserver, &public, more));
        let mut config =
            Config::parse(&text, HashMap::new(), folder).expect("a valid configuration");
        // This program is the tests.
        config.media.thumbnail_program = binary();
        let database = config.database.clone();
        let application = Application::build(config, listeners, clock.clone())
            .await
            .expect("builds");
        let inside = Inside::of(&application);
        let stop = CancellationToken::new();
        let running = tokio::spawn(application.run_until_stopped(stop.clone()));
        Self {
            public,
            internal,
            clock: clock.clone(),
            client: client(),
            inside,
            unfinished: OnceLock::new(),
            errors_expected: OnceLock::new(),
            damage_expected: OnceLock::new(),
            database,
            stop,
            running: Some(running),
        }
    }

    /// Says that the outbox may hold something when this service stops, and why.
    pub fn leave_unfinished(&self, reason: &'static str) {
        self.unfinished.get_or_init(|| reason);
    }

    /// Says that the log may have errors, and why.
    pub fn expect_errors(&self, reason: &'static str) {
        self.errors_expected.get_or_init(|| reason);
    }

    /// Says that the database may be unsound, since the test has written into it, and why.
    pub fn expect_damage(&self, reason: &'static str) {
        self.damage_expected.get_or_init(|| reason);
    }

    /// Waits until nothing waits to be sent, redacted or looked at.
    pub async fn drained(&self) {
        eventually("an empty outbox", async || {
            (self.count_waiting().await == 0).then_some(())
        })
        .await;
    }

    /// Stops it like a signal would, waits for its end, and fails if it leaves something behind:
    /// work in its outbox, an error in its log, a task that has panicked, a database that is not sound.
    pub async fn stop(mut self) {
        let running = self.running.take().expect("it is stopped once");
        let ended_early = running.is_finished();
        let unfinished = match self.unfinished.get() {
            None => self.finish().await,
            Some(_) => None,
        };
        self.stop.cancel();
        running.await.expect("no panic").expect("a clean end");
        assert!(!ended_early, "the service ended before it was stopped");
        let reports = leftovers::take();
        assert!(reports.panics.is_empty(), "{:#?}", reports.panics);
        assert!(
            reports.errors.is_empty() || self.errors_expected.get().is_some(),
            "the service reports errors: {:#?}\nif the test is about them, it says so by expect_errors",
            reports.errors
        );
        if let Some(left) = unfinished {
            panic!(
                "left in the outbox: {left}\nif the test means it, it says so by leave_unfinished"
            );
        }
        is_sound(
            &self.database,
            self.damage_expected.get(),
            self.clock.now_ms(),
        )
        .await;
    }

    /// Ends all that it does at once, as kill -9 would: what it has begun stays as it is.
    pub async fn abandon(mut self) {
        let running = self.running.take().expect("it runs");
        running.abort();
        let ended = running.await.expect_err("it was cut off");
        assert!(ended.is_cancelled(), "{ended}");
    }

    /// Waits for its end, which comes by itself; the reason.
    pub async fn ended(mut self) -> String {
        let running = self.running.take().expect("it is awaited once");
        let ended = running.await.expect("no panic of its own");
        let reason = ended.expect_err("it ends with a reason");
        // They are a part of the reason.
        leftovers::take();
        format!("{reason:#}")
    }

    /// Waits for the end of all work, and skips the times between attempts; what is left after 20
    /// seconds.
    async fn finish(&self) -> Option<String> {
        let (every, most) = FINISH_DOUBLING;
        for round in 0..FINISH_ROUNDS {
            if self.count_waiting().await == 0 {
                return None;
            }
            self.clock
                .advance(FINISH_STEP_MS << (round / every).min(most));
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        Some(format!("{:#?}", self.newest_meta_events(20).await))
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // Its runtime may go on, and with it what nobody waits for any more.
        self.stop.cancel();
        assert!(
            self.running.is_none() || std::thread::panicking(),
            "a service was dropped without being stopped, so nobody has seen what it left behind"
        );
    }
}

/// Fails if a database is not sound; one that the test has taken away says nothing.
async fn is_sound(database: &DatabaseConfig, expected: Option<&&str>, now: i64) {
    if expected.is_none()
        && let Ok(soundness) = soundness::check(database, now).await
    {
        let findings = soundness.findings;
        assert!(
            findings.is_empty(),
            "the database is not sound: {findings:#?}\nif the test has written into it, it says so by expect_damage"
        );
    }
}
