//! `inspect`: what a link says, whatever the time.

use std::{io::Read, process::ExitCode};

use serde_json::{Map, Value, json};

use crate::{
    config::Config,
    link::{LinkClaims, VerifiedLink},
    storage::links,
};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The link, or its token; `-` reads it from standard input, so that it is in no list of
    /// processes.
    link: String,
}

pub(super) async fn run(config: Config, arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let mut text = arguments.link.clone();
    if text == "-" {
        text.clear();
        std::io::stdin().take(1 << 16).read_to_string(&mut text)?;
    }
    let service = super::services(config).await?;
    let Ok(link) = service.keys.ring().verify(token_of(text.trim())) else {
        eprintln!("medialink: not a link of this service");
        return Ok(ExitCode::FAILURE);
    };
    let mut told = Map::new();
    let mut tell = |name: &str, value: Value| told.insert(name.to_owned(), value);
    tell("link_id", link.link_id().to_string().into());
    tell("key_id", link.key_id().into());
    tell("key_state", link.key_state().as_str().into());
    tell("issued_ts", (i64::from(link.issued_at_s()) * 1000).into());
    match &link {
        VerifiedLink::Short(_) => {
            tell("form", "short".into());
        }
        VerifiedLink::SelfContained(link) => {
            tell("form", "self_contained".into());
            tell("expires_ts", json!(link.expires_at_ms()));
            tell("says", claims(link.claims()));
        }
    }
    let row = links::find(service.database.reader(), &link.link_id().to_string()).await?;
    if let Some(row) = row {
        tell("bridge", row.bridge.clone().into());
        tell("says", claims(&row.claims));
        let mut view = serde_json::to_value(service.view(&row))?;
        // The URL is the secret that was given to us; it is not repeated.
        if let Some(view) = view.as_object_mut() {
            view.retain(|name, _| name != "url" && name != "page_url");
        }
        tell("recorded", view);
    } else {
        tell("recorded", Value::Null);
    }
    println!("{}", serde_json::to_string_pretty(&told)?);
    Ok(ExitCode::SUCCESS)
}

/// What a link promises; of secrets only whether they are there.
fn claims(claims: &LinkClaims) -> Value {
    json!({
        "room_id": claims.room_id, "event_id": claims.event_id, "mxc": claims.mxc,
        "has_content_token": claims.content_token.is_some(), "is_encrypted": claims.file.is_some(),
        "mimetype": claims.mimetype, "filename": claims.filename,
    })
}

/// The token inside a link: what follows `/m/`, `/v/` or `/t/`.
fn token_of(link: &str) -> &str {
    let path = link.split(['?', '#']).next().unwrap_or_default();
    let after = ["/m/", "/v/", "/t/"]
        .iter()
        .find_map(|route| path.split_once(route));
    match after {
        Some((_, rest)) => rest.split('/').next().unwrap_or_default(),
        None => path,
    }
}

#[cfg(test)]
mod tests {
    use super::token_of;

    #[test]
    fn links_and_tokens_are_understood() {
        for link in [
            "abc",
            "https://media.example.org/m/abc",
            "https://media.example.org/m/abc/cat.png",
            "https://media.example.org/path/v/abc/x?y#z",
            "/t/abc?width=9",
        ] {
            assert_eq!(token_of(link), "abc", "{link}");
        }
    }
}
