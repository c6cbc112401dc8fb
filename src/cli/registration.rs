//! `registration`: how the homeserver gets to know us.

use std::{process::ExitCode, sync::Arc};

use anyhow::{Context as _, bail};

use crate::config::{BridgeConfig, Config};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The bridge whose registration it is; needed if there is more than one.
    #[arg(long)]
    bridge: Option<String>,
    /// Where the homeserver reaches the internal listener; its address if left out.
    #[arg(long)]
    url: Option<String>,
}

pub(super) fn run(config: &Config, arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let bridge = named(config, arguments.bridge.as_deref())?;
    let url = match &arguments.url {
        Some(url) => url.clone(),
        None => format!("http://{}", config.internal_listen),
    };
    // Texts are written as JSON, which YAML reads as well.
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    println!("# Registration of Medialink for the homeserver: put the path of this file into");
    println!("# app_service_config_files of homeserver.yaml (Synapse), and restart it.");
    println!("id: {}", quoted(&bridge.appservice_id));
    println!("url: {}", quoted(&url));
    println!("as_token: {}", quoted(bridge.as_token.expose()));
    println!("hs_token: {}", quoted(bridge.hs_token.expose()));
    println!("sender_localpart: {}", quoted(bridge.user_id.localpart()));
    println!("rate_limited: false");
    println!("# Devices, so that no event is sent twice across a restart of the homeserver");
    println!("# (MSC4190; Synapse has them without asking since 1.141).");
    println!("io.element.msc4190: true");
    println!("namespaces: {{users: [], aliases: [], rooms: []}}");
    Ok(ExitCode::SUCCESS)
}

/// The bridge with this ID, or the only one.
pub(super) fn named<'a>(
    config: &'a Config,
    id: Option<&str>,
) -> anyhow::Result<&'a Arc<BridgeConfig>> {
    let ids = || {
        config
            .bridges
            .iter()
            .map(|bridge| bridge.id.as_str())
            .collect::<Vec<_>>()
            .join(", ")
    };
    match (id, config.bridges.as_slice()) {
        (Some(id), _) => config
            .bridge(id)
            .with_context(|| format!("there is no bridge {id:?}; there are {}", ids())),
        (None, [bridge]) => Ok(bridge),
        (None, _) => bail!(
            "there are several bridges ({}); name one by --bridge",
            ids()
        ),
    }
}
