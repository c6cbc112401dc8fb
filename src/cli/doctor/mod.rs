//! `doctor`: from the configuration to a followed link, what is tried, what is found and what is to be mended.

mod bridges;
mod certificate;
mod client;
mod database;
mod files;
mod finding;
mod follow;
mod homeserver;
mod link;
mod probe;
mod reach;
mod rooms;
mod service;

use std::{path::Path, process::ExitCode, sync::Arc};

use anyhow::Context as _;

use crate::{
    clock::Clock,
    config::{BridgeConfig, Config},
    homeserver::{Features, Homeserver, Uploaded},
};

use super::{check, health::reachable};
use finding::Findings;
use probe::Probe;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The bridge as which a link is made and followed; the first whose token is good if left out.
    #[arg(long)]
    bridge: Option<String>,
    /// Prints each finding as a JSON object on a line of its own.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(
    path: &Path,
    config: &Config,
    arguments: &Arguments,
) -> anyhow::Result<ExitCode> {
    if let Some(id) = &arguments.bridge {
        config
            .bridge(id)
            .with_context(|| format!("there is no bridge {id:?} in the configuration"))?;
    }
    let mut findings = Findings::new(arguments.json);
    let clock = Clock::default();
    files::look(path, config, &mut findings);
    database::look(config, &clock, &mut findings).await;
    let homeserver = Homeserver::new(config.homeserver.clone())?;
    let round = Round {
        config,
        probe: Probe::new()?,
        homeserver,
        internal: format!("http://{}", reachable(config.internal_listen)),
    };
    let features = homeserver::look(&round.homeserver, config, &clock, &mut findings).await;
    let runs = service::look(&round.probe, &round.internal, config, &mut findings).await;
    let media = match &features {
        Some(features) => {
            round
                .look_at_bridges(features, arguments.bridge.as_deref(), runs, &mut findings)
                .await
        }
        None => None,
    };
    let is_reached = reach::look(&round.probe, config, &clock, runs, &mut findings).await;
    if let Some(media) = &media {
        if runs {
            round.follow(media, is_reached, &mut findings).await;
        }
        let (bridge, features) = (&media.bridge, &media.features);
        link::delete(
            &round.homeserver,
            bridge,
            features,
            &media.uploaded,
            &mut findings,
        )
        .await;
    }
    findings.conclude();
    Ok(if findings.is_sound() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// What all checks need.
struct Round<'a> {
    config: &'a Config,
    probe: Probe,
    homeserver: Homeserver,
    /// Where the internal listener is reached from here.
    internal: String,
}

/// A medium that was uploaded to be followed, and as whom.
struct Media {
    bridge: Arc<BridgeConfig>,
    features: Features,
    uploaded: Uploaded,
}

impl Round<'_> {
    /// Looks at all bridges; the medium that one of them has uploaded.
    async fn look_at_bridges(
        &self,
        features: &Features,
        chosen: Option<&str>,
        runs: bool,
        findings: &mut Findings,
    ) -> Option<Media> {
        let mut media: Option<Media> = None;
        for bridge in &self.config.bridges {
            if !bridges::look(&self.homeserver, bridge, findings).await {
                continue;
            }
            bridges::look_at_ping(&self.homeserver, bridge, self.config, runs, findings).await;
            if media.is_none() && chosen.is_none_or(|chosen| chosen == bridge.id) {
                let uploaded = link::upload(&self.homeserver, bridge, features, findings).await;
                media = uploaded.map(|uploaded| Media {
                    bridge: Arc::clone(bridge),
                    features: features.clone(),
                    uploaded,
                });
            }
            let has_tokens = media
                .as_ref()
                .is_some_and(|media| media.uploaded.content_token.is_some());
            let counts = features.links_media() || has_tokens;
            rooms::look(&self.homeserver, bridge, self.config, counts, findings).await;
        }
        self.look_at_fallback_room(findings).await;
        media
    }

    async fn look_at_fallback_room(&self, findings: &mut Findings) {
        let Some(room_id) = &self.config.usage.fallback_room else {
            return;
        };
        let problem = check::fallback_room(self.config).await;
        let trial = findings.of(
            "fallback_room",
            format_args!("usage.fallback_room, {room_id}"),
        );
        match problem {
            None => trial.ok("invite-only, and not federated"),
            Some(problem) => trial.fault(
                problem,
                "make an invite-only room that is not federated, and invite the bridge's user: content tokens are sent \
                 there",
            ),
        }
    }

    /// Has the service make a link, follows it, and revokes it.
    async fn follow(&self, media: &Media, is_reached: bool, findings: &mut Findings) {
        let (probe, internal) = (&self.probe, self.internal.as_str());
        let (bridge, uploaded) = (&media.bridge, &media.uploaded);
        let issued = link::issue(probe, internal, bridge, uploaded, self.config, findings).await;
        let Some(link) = issued else {
            return;
        };
        let listener = format!("http://{}", reachable(self.config.public_listen));
        let direct = follow::at_listener(probe, &listener, &link, findings).await;
        if is_reached {
            follow::through_proxy(probe, &link, direct.as_ref(), findings).await;
            client::look(probe, bridge, &link, self.config, findings).await;
        }
        link.revoke(probe, internal, bridge, findings).await;
        if is_reached {
            let is_told = !self.config.purge.is_empty();
            follow::after_end(probe, &link, is_told, findings).await;
        }
    }
}
