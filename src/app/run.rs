//! A service runs, with everything that it does in the background.

use std::sync::Arc;

use anyhow::Context;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    homeserver::MediaClient,
    media::Purger,
    pastes::PasteDeleter,
    usage::{FeatureWatch, Reconciler, Toucher, UsageWorker},
};

use super::{
    application::Application,
    keys::watch_keys,
    tasks::{ask_for_ping, ask_rooms, flush_follows, tidy_metrics},
};

impl Application {
    /// Runs until `stop` is cancelled; then takes no new requests, ends those that are open, and
    /// writes what is in memory.
    ///
    /// # Errors
    /// If a listener fails.
    pub async fn run_until_stopped(mut self, stop: CancellationToken) -> anyhow::Result<()> {
        let tasks = TaskTracker::new();
        let background = CancellationToken::new();
        let purger = self.purger.take();
        self.start_usage(&tasks, &background);
        self.start_others(&tasks, &background, purger);
        tasks.close();
        tracing::info!(public = %self.public_address, internal = %self.internal_address, "Medialink runs");

        let handles = [self.public.handle(), self.internal.handle()];
        let stopper = async {
            stop.cancelled().await;
            tracing::info!("stopping");
            for handle in &handles {
                handle.stop(true).await;
            }
        };
        let servers = async {
            let ended = tokio::try_join!(self.public, self.internal);
            stop.cancel();
            ended
        };
        let (ended, ()) = tokio::join!(servers, stopper);
        background.cancel();
        tasks.wait().await;
        self.state.follows.flush().await?;
        ended.map(drop).context("a listener failed")
    }

    /// Starts the tasks that have media counted as used.
    fn start_usage(&self, tasks: &TaskTracker, stop: &CancellationToken) {
        let state = &self.state;
        let homeserver = || Arc::clone(&state.homeserver);
        let config = || Arc::clone(&state.config);
        let (database, clock) = (&state.database, &state.clock);
        let worker = UsageWorker::new(
            state.links.clone(),
            database.clone(),
            config(),
            clock.clone(),
            self.features.clone(),
            homeserver(),
        );
        tasks.spawn(worker.run(stop.clone()));
        let watch = FeatureWatch::new(
            database.clone(),
            config(),
            clock.clone(),
            self.features.clone(),
            homeserver(),
        );
        tasks.spawn(watch.run(stop.clone()));
        let reconciler = Reconciler::new(database.clone(), config(), clock.clone(), homeserver());
        tasks.spawn(reconciler.run(stop.clone()));
        let toucher = Toucher::new(
            database.clone(),
            MediaClient::new(homeserver()),
            config(),
            clock.clone(),
        );
        tasks.spawn(toucher.run(stop.clone()));
    }

    fn start_others(&self, tasks: &TaskTracker, stop: &CancellationToken, purger: Option<Purger>) {
        let state = &self.state;
        if let Some(purger) = purger {
            tasks.spawn(purger.run(stop.clone()));
        }
        let deleter = PasteDeleter::new(
            state.database.clone(),
            Arc::clone(&state.homeserver),
            Arc::clone(&state.config),
            self.features.clone(),
            state.clock.clone(),
        );
        tasks.spawn(deleter.run(stop.clone()));
        for bridge in &state.config.bridges {
            tasks.spawn(ask_for_ping(
                Arc::clone(&state.homeserver),
                Arc::clone(bridge),
                Arc::clone(&state.own_ping),
                stop.clone(),
            ));
        }
        let links = &state.links;
        tasks.spawn(watch_keys(links.clone(), self.keys.clone(), stop.clone()));
        tasks.spawn(flush_follows(state.follows.clone(), stop.clone()));
        tasks.spawn(ask_rooms(links.clone(), stop.clone()));
        tasks.spawn(tidy_metrics(state.metrics.clone(), stop.clone()));
    }
}
