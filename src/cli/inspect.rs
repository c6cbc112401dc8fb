//! `inspect`: the content of a link, whatever the time.

use std::{io::Read, process::ExitCode};

use serde_json::{Map, Value, json};

use crate::{
    app::Stores,
    clock::Clock,
    config::Config,
    legacy::LegacyLink,
    links::LinkViews,
    operations::PastedLink,
    storage::{
        Database, Opener,
        links::{self, LinkRow},
    },
};
use medialink_link::{LinkClaims, LinkId, VerifiedLink};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The link, its token, or its ID; `-` reads it from standard input, so that it is in no list of
    /// processes.
    link: String,
}

pub(super) async fn run(config: &Config, arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let mut text = arguments.link.clone();
    if text == "-" {
        text.clear();
        std::io::stdin().take(1 << 16).read_to_string(&mut text)?;
    }
    let clock = Clock::default();
    let Stores { database, keys, .. } = Stores::open(config, Opener::Command, &clock).await?;
    let Some(pasted) = PastedLink::read(&text, &keys, config) else {
        eprintln!("medialink: not a link of this service");
        return Ok(ExitCode::FAILURE);
    };
    let views = LinkViews::new(keys, config, clock);
    let recorded = Recorded { database, views };
    let fields = match &pasted {
        PastedLink::Signed(link) => fields_of(link, &recorded).await?,
        PastedLink::Legacy(link) => fields_of_legacy(link, &recorded).await?,
        PastedLink::Id(link_id) => match fields_of_id(link_id, &recorded).await? {
            Some(fields) => fields,
            None => {
                eprintln!("medialink: no link of this service has the ID {link_id}");
                return Ok(ExitCode::FAILURE);
            }
        },
    };
    println!("{}", serde_json::to_string_pretty(&fields)?);
    Ok(ExitCode::SUCCESS)
}

/// The content of a link that our keys have signed.
async fn fields_of(link: &VerifiedLink, recorded: &Recorded) -> anyhow::Result<Map<String, Value>> {
    let mut fields = Map::new();
    let mut add = |name: &str, value: Value| fields.insert(name.to_owned(), value);
    add("link_id", link.link_id().to_string().into());
    add("key_id", link.key_id().into());
    add("key_state", link.key_state().as_str().into());
    add("issued_ts", (i64::from(link.issued_at_s()) * 1000).into());
    match link {
        VerifiedLink::Short(_) => {
            add("form", "short".into());
        }
        VerifiedLink::SelfContained(link) => {
            add("form", "self_contained".into());
            add("expires_ts", json!(link.expires_at_ms()));
            add("says", claims(link.claims()));
        }
    }
    match recorded.find(&link.link_id().to_string()).await? {
        Some((row, view)) => {
            add("bridge", row.bridge.clone().into());
            add("says", claims(&row.claims));
            add("recorded", view);
        }
        None => {
            add("recorded", Value::Null);
        }
    }
    Ok(fields)
}

/// The content of a link that a bridge has made by itself.
async fn fields_of_legacy(
    link: &LegacyLink,
    recorded: &Recorded,
) -> anyhow::Result<Map<String, Value>> {
    let found = recorded.find(&link.link_id().to_string()).await?;
    let mut fields = Map::new();
    let mut add = |name: &str, value: Value| fields.insert(name.to_owned(), value);
    add("form", "legacy".into());
    add("link_id", link.link_id().to_string().into());
    add("bridge", link.bridge().into());
    add("is_signed", link.is_signed().into());
    add("expires_ts", json!(link.expires_at_ms()));
    add("says", json!({"mxc": link.mxc()}));
    add("recorded", found.map_or(Value::Null, |(_, view)| view));
    Ok(fields)
}

/// A link of which only the ID is known.
async fn fields_of_id(
    link_id: &LinkId,
    recorded: &Recorded,
) -> anyhow::Result<Option<Map<String, Value>>> {
    let link_id = link_id.to_string();
    let Some((row, view)) = recorded.find(&link_id).await? else {
        return Ok(None);
    };
    let mut fields = Map::new();
    let mut add = |name: &str, value: Value| fields.insert(name.to_owned(), value);
    add("link_id", link_id.into());
    add("form", view["form"].clone());
    add("bridge", row.bridge.clone().into());
    add("says", claims(&row.claims));
    add("recorded", view);
    Ok(Some(fields))
}

/// Links as the database has them.
struct Recorded {
    database: Database,
    views: LinkViews,
}

impl Recorded {
    /// A link, and how the API shows it, without its URL.
    async fn find(&self, link_id: &str) -> anyhow::Result<Option<(LinkRow, Value)>> {
        let Some(row) = links::find(self.database.reader(), link_id).await? else {
            return Ok(None);
        };
        let mut view = serde_json::to_value(self.views.view(&row))?;
        // The URL is the secret that was given to us; it is not repeated.
        if let Some(view) = view.as_object_mut() {
            view.retain(|name, _| name != "url" && name != "page_url");
        }
        Ok(Some((row, view)))
    }
}

/// The claims of a link; of secrets only whether they are there.
fn claims(claims: &LinkClaims) -> Value {
    json!({
        "room_id": claims.room_id, "event_id": claims.event_id, "mxc": claims.mxc,
        "has_content_token": claims.content_token.is_some(), "is_encrypted": claims.file.is_some(),
        "mimetype": claims.mimetype, "filename": claims.filename,
    })
}
