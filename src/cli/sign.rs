//! `sign`: makes a link as the API would.

use std::{io::Read, process::ExitCode, sync::Arc};

use anyhow::{Context, bail};
use serde_json::json;
use zeroize::Zeroizing;

use crate::{
    app::Stores,
    clock::Clock,
    config::{Config, Settings},
    denials::Denials,
    homeserver::Homeserver,
    http::issue_request,
    limits::Limits,
    links::Links,
    storage::Opener,
};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The media: `mxc://server/id`.
    #[arg(long)]
    mxc: String,
    /// The room in which it was shared.
    #[arg(long)]
    room: String,
    /// The event that shared it.
    #[arg(long)]
    event: Option<String>,
    /// The bridge that the link belongs to; the first one if left out.
    #[arg(long)]
    bridge: Option<String>,
    /// How long it is to live: a duration such as 90s or 14d, or never.
    #[arg(long)]
    lifetime: Option<String>,
    /// short or `self_contained`.
    #[arg(long)]
    form: Option<String>,
    /// The file's name, for people.
    #[arg(long)]
    name: Option<String>,
    /// Reads the content token from standard input.
    #[arg(long)]
    content_token_stdin: bool,
    /// Prints the link as the API shows it, as one JSON object.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(config: Config, arguments: Arguments) -> anyhow::Result<ExitCode> {
    let Some(bridge) = (match &arguments.bridge {
        Some(id) => config.bridge(id),
        None => config.bridges.first(),
    }) else {
        bail!("there is no such bridge in the configuration");
    };
    let bridge = Arc::clone(bridge);
    let lifetime_ms = arguments.lifetime.as_deref().map(lifetime_ms).transpose()?;
    let content_token = match arguments.content_token_stdin {
        false => None,
        true => Some(text_from_stdin()?),
    };
    let body = json!({
        "mxc": arguments.mxc, "room_id": arguments.room, "event_id": arguments.event,
        "content_token": content_token.as_deref(), "filename": arguments.name,
        "lifetime_ms": lifetime_ms, "form": arguments.form,
    });
    let request = issue_request(body, config.links.max_lifetime).map_err(anyhow::Error::msg)?;
    let homeserver = Arc::new(Homeserver::new(config.homeserver.clone())?);
    let clock = Clock::default();
    let Stores {
        database,
        keys,
        features,
    } = Stores::open(&config, Opener::Command, &clock).await?;
    let config = Settings::from(config);
    let limits = Limits::none(&clock);
    let denials = Denials::new(&config.abuse.deny);
    denials.refresh(&database).await?;
    let links = Links::new(database, keys, config, clock, features, homeserver, limits);
    let links = links.with_denials(denials);
    for issued in links.issue(&bridge, vec![request]).await? {
        let view = links.view(&issued?.link);
        if arguments.json {
            println!("{}", serde_json::to_string(&view)?);
            continue;
        }
        println!(
            "{}",
            view.url
                .context("the key of this link is not in the key ring")?
        );
    }
    Ok(ExitCode::SUCCESS)
}

/// A lifetime in milliseconds, as the API takes it: 0 for never.
fn lifetime_ms(text: &str) -> anyhow::Result<u64> {
    if text == "never" {
        return Ok(0);
    }
    let span = humantime::parse_duration(text).with_context(|| {
        format!("--lifetime: found {text:?}; allowed are never and durations such as 90s or 14d")
    })?;
    Ok(u64::try_from(span.as_millis()).unwrap_or(u64::MAX).max(1))
}

fn text_from_stdin() -> anyhow::Result<Zeroizing<String>> {
    let mut text = Zeroizing::new(String::new());
    std::io::stdin().take(1024).read_to_string(&mut text)?;
    Ok(Zeroizing::new(text.trim().to_owned()))
}
