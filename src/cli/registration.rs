//! `registration`: how the homeserver gets to know us.

use std::{process::ExitCode, sync::Arc};

use anyhow::{Context as _, bail};
use zeroize::Zeroizing;

use crate::config::{BridgeConfig, Config};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The bridge whose registration it is; needed if there is more than one.
    #[arg(long)]
    bridge: Option<String>,
    /// Where the homeserver reaches the internal listener; its address if left out.
    #[arg(long)]
    url: Option<String>,
    /// Prints it as JSON, which homeservers read as well.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(config: &Config, arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let bridge = named(config, arguments.bridge.as_deref())?;
    let url = match &arguments.url {
        Some(url) => url.clone(),
        None => format!("http://{}", config.internal_listen),
    };
    let registration = Registration {
        id: &bridge.appservice_id,
        url: &url,
        as_token: bridge.as_token.expose(),
        hs_token: bridge.hs_token.expose(),
        sender_localpart: bridge.user_id.localpart(),
    };
    if arguments.json {
        println!("{}", registration.json());
    } else {
        print!("{}", *registration.text());
    }
    Ok(ExitCode::SUCCESS)
}

/// What the homeserver has to know of a bridge that has no registration of its own.
pub(super) struct Registration<'a> {
    pub(super) id: &'a str,
    /// Where the homeserver reaches the internal listener.
    pub(super) url: &'a str,
    pub(super) as_token: &'a str,
    pub(super) hs_token: &'a str,
    pub(super) sender_localpart: &'a str,
}

impl Registration<'_> {
    fn json(&self) -> serde_json::Value {
        serde_json::json!({
            "id": self.id, "url": self.url, "as_token": self.as_token, "hs_token": self.hs_token,
            "sender_localpart": self.sender_localpart, "rate_limited": false, "io.element.msc4190": true,
            "namespaces": {"users": [], "aliases": [], "rooms": []},
        })
    }

    /// The file, of which the tokens are secrets.
    pub(super) fn text(&self) -> Zeroizing<String> {
        // Texts are written as JSON, which YAML reads as well.
        let quoted = |text: &str| serde_json::Value::from(text).to_string();
        Zeroizing::new(format!(
            "# Registration of Medialink for the homeserver: put the path of this file into\n\
             # app_service_config_files of homeserver.yaml (Synapse), and restart it.\n\
             id: {}\nurl: {}\nas_token: {}\nhs_token: {}\nsender_localpart: {}\nrate_limited: false\n\
             # Devices, so that no event is sent twice across a restart of the homeserver\n\
             # (MSC4190; Synapse has them without asking since 1.141).\n\
             io.element.msc4190: true\n\
             namespaces: {{users: [], aliases: [], rooms: []}}\n",
            quoted(self.id),
            quoted(self.url),
            quoted(self.as_token),
            quoted(self.hs_token),
            quoted(self.sender_localpart),
        ))
    }
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
