//! A service runs, with everything that it does in the background.

use std::{sync::Arc, time::Duration};

use actix_web::dev::{Server, ServerHandle};
use anyhow::Context;
use futures_util::{TryStreamExt, stream::FuturesUnordered};
use tokio_util::sync::CancellationToken;

use crate::{
    config::Lifetime,
    homeserver::MediaClient,
    http::Connections,
    pastes::PasteDeleter,
    reports::ReportTeller,
    storage::{
        StorageError,
        leases::{self, Lease},
    },
    usage::{FeatureWatch, FollowCounter, QuarantineFollower, Reconciler, Toucher, UsageWorker},
};

use super::{
    application::Application,
    gauges::Gauges,
    keys::KeyWatch,
    manager,
    reload::Reloader,
    rotation::Rotation,
    supervisor::Supervisor,
    tasks::{
        ask_for_ping, ask_rooms, flush_follows, share_limits, share_limits_once, tidy_metrics,
        watch_clock,
    },
};

/// How often the last follows are tried to be written, and how long to wait in between.
const LAST_ATTEMPTS: usize = 3;
const LAST_WAIT: Duration = Duration::from_millis(500);
/// How long connections have to be left by an answer before they are closed where nothing is sent on them.
const LEAVE_WITHIN: Duration = Duration::from_secs(1);

impl Application {
    /// Runs until `stop` is cancelled; then takes no new requests, ends those that are open, and
    /// writes what is in memory. It stops in the same way if something ends that it cannot do without.
    ///
    /// # Errors
    /// If a listener fails, or the writer of the database or a background task ends early.
    pub async fn run_until_stopped(self, stop: CancellationToken) -> anyhow::Result<()> {
        let mut tasks = Supervisor::new();
        self.start_usage(&mut tasks);
        self.start_others(&mut tasks);
        self.start_followers(&mut tasks);
        self.purges.start(&mut tasks);
        if let Some(every) = manager::watchdog_every() {
            tasks.keep("watchdog", |stop| manager::keep_alive(every, stop));
        }
        tracing::info!(public = %self.public_address, internal = %self.internal_address, "Medialink runs");
        manager::tell_ready();

        let mut handles = vec![self.public.handle(), self.internal.handle()];
        handles.extend(self.metrics.as_ref().map(Server::handle));
        let connections = self.state.connections.clone();
        let writer = self.state.database.writer();
        let stopper = async {
            let failure = tokio::select! {
                () = stop.cancelled() => None,
                early = tasks.early_end() => Some(anyhow::Error::new(early)),
                end = writer.ended() => Some(anyhow::Error::new(end)),
            };
            match &failure {
                None => tracing::info!("stopping"),
                Some(reason) => {
                    tracing::error!(%reason, "stopping, since the service cannot go on")
                }
            }
            manager::tell_stopping();
            stop_listening(&handles, &connections).await;
            failure
        };
        let servers = async {
            let metrics = self.metrics.into_iter().collect::<FuturesUnordered<_>>();
            let metrics = metrics.try_collect::<Vec<()>>();
            let ended = tokio::try_join!(self.public, self.internal, metrics);
            stop.cancel();
            ended
        };
        let (ended, failure) = tokio::join!(servers, stopper);
        let finished = tasks.finish().await;
        let flushed = write_last_follows(&self.state.follows).await;
        share_limits_once(&self.state.limits, &self.state.database).await;
        if let Err(error) = self.state.links.flush_handed_on().await {
            tracing::warn!(%error, "it could not be noted that bridges have transactions");
        }
        if let Err(error) = leases::release_all(&self.state.database).await {
            tracing::warn!(%error, "leases could not be released; they run out");
        }
        if let Some(reason) = failure {
            return Err(reason.context("the service cannot go on"));
        }
        ended.context("a listener failed")?;
        finished?;
        Ok(flushed?)
    }

    /// Starts the tasks that have media counted as used.
    fn start_usage(&self, tasks: &mut Supervisor) {
        let state = &self.state;
        let homeserver = || Arc::clone(&state.homeserver);
        let config = || state.config.clone();
        let (database, clock) = (&state.database, &state.clock);
        let worker = UsageWorker::new(
            state.links.clone(),
            database.clone(),
            config(),
            clock.clone(),
            self.features.clone(),
            homeserver(),
        );
        tasks.keep("usage", |stop| worker.run(stop));
        let watch = FeatureWatch::new(
            database.clone(),
            config(),
            clock.clone(),
            self.features.clone(),
            homeserver(),
        );
        tasks.keep("features", |stop| watch.run(stop));
        if let Lifetime::For(every) = state.config.usage.reconcile {
            let reconciler =
                Reconciler::new(database.clone(), config(), clock.clone(), homeserver());
            tasks.keep("reconcile", |stop| reconciler.run(every, stop));
        }
        let toucher = Toucher::new(
            database.clone(),
            MediaClient::new(homeserver()),
            state.presence.clone(),
            config(),
            clock.clone(),
        );
        tasks.keep("touch", |stop| toucher.run(stop));
        if let Some(admin_token) = state.config.homeserver.admin_token.clone() {
            let follower =
                QuarantineFollower::new(homeserver(), state.presence.clone(), admin_token);
            tasks.keep("quarantine", |stop| follower.run(stop));
        }
    }

    fn start_others(&self, tasks: &mut Supervisor) {
        let state = &self.state;
        let deleter = PasteDeleter::new(
            state.database.clone(),
            Arc::clone(&state.homeserver),
            state.config.clone(),
            self.features.clone(),
            state.clock.clone(),
        );
        tasks.keep("pastes", |stop| deleter.run(stop));
        let teller = ReportTeller::new(state.reports.clone(), Arc::clone(&state.homeserver));
        tasks.keep("reports", |stop| teller.run(stop));
        for bridge in &state.config.bridges {
            tasks.run("ping", |stop| {
                let (homeserver, bridge) = (Arc::clone(&state.homeserver), Arc::clone(bridge));
                ask_for_ping(homeserver, bridge, Arc::clone(&state.own_ping), stop)
            });
        }
        let links = &state.links;
        tasks.keep("follows", |stop| flush_follows(state.follows.clone(), stop));
        let asker = state.incoming.asker().clone();
        tasks.keep("questions", |stop| asker.run(stop));
        let lease = Lease::new(&state.database, &state.clock, "policies");
        tasks.keep("transactions", |stop| {
            let links = links.clone();
            async move { links.note_handed_on_transactions(stop).await }
        });
        tasks.keep("rooms", |stop| ask_rooms(links.clone(), lease, stop));
        tasks.keep("metrics", |stop| tidy_metrics(state.metrics.clone(), stop));
        let gauges = Gauges {
            database: state.database.clone(),
            clock: state.clock.clone(),
            cache: self.cache.clone(),
        };
        tasks.keep("gauges", |stop| gauges.run(stop));
        tasks.keep("clock", |stop| watch_clock(state.clock.clone(), stop));
    }

    /// Starts the tasks that follow what others change: the operator, time, and other services on the database.
    fn start_followers(&self, tasks: &mut Supervisor) {
        let state = &self.state;
        let keys = KeyWatch {
            links: state.links.clone(),
            keys: self.keys.clone(),
            config: state.config.clone(),
            database: state.database.clone(),
            clock: state.clock.clone(),
        };
        tasks.keep("keys", |stop| keys.run(stop));
        let rotation = Rotation {
            keys: self.keys.clone(),
            config: state.config.clone(),
            database: state.database.clone(),
            clock: state.clock.clone(),
        };
        tasks.keep("rotation", |stop| rotation.run(stop));
        tasks.keep("limits", |stop| {
            share_limits(state.limits.clone(), state.database.clone(), stop)
        });
        if let Some(path) = self.source.clone() {
            let reloader = Reloader::new(path, state.clone());
            tasks.keep("reload", |stop| reloader.run(stop));
        }
        let (denials, database) = (state.denials.clone(), state.database.clone());
        tasks.keep("denials", |stop| denials.follow(database, stop));
    }
}

/// Lets nobody new in, and ends connections where no request is on its way.
async fn stop_listening(handles: &[ServerHandle], connections: &Connections) {
    // Who comes now is let in by the next service that has the sockets.
    for handle in handles {
        handle.pause().await;
    }
    let left = tokio::time::timeout(LEAVE_WITHIN, connections.leave());
    if left.await.is_err() {
        tracing::debug!("connections are open on which an answer is sent, or nothing");
    }
    for handle in handles {
        handle.stop(true).await;
    }
}

/// Writes what is in memory; a connection may have broken off just before.
async fn write_last_follows(follows: &FollowCounter) -> Result<(), StorageError> {
    for _ in 1..LAST_ATTEMPTS {
        match follows.flush().await {
            Err(error) if error.is_outage() => tokio::time::sleep(LAST_WAIT).await,
            ended => return ended,
        }
    }
    follows.flush().await
}
