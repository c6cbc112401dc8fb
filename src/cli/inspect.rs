//! `inspect`: what a link says, whatever the time.

use std::{io::Read, process::ExitCode};

use serde_json::{Map, Value, json};
use url::Url;

use crate::{
    config::Config,
    link_service::LinkService,
    storage::links::{self, LinkRow},
};
use medialink_link::{LinkClaims, VerifiedLink};

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
    let mut told = Map::new();
    let Ok(link) = service.keys.ring().verify(token_of(text.trim())) else {
        let path = path_of(text.trim());
        let legacy = &service.config.legacy_links;
        let legacy = legacy.find_below(service.config.public_url.path(), &path);
        let Some(link) = legacy.and_then(|path| path.verify().ok()) else {
            eprintln!("medialink: not a link of this service");
            return Ok(ExitCode::FAILURE);
        };
        told.insert("form".to_owned(), "legacy".into());
        told.insert("link_id".to_owned(), link.link_id().to_string().into());
        told.insert("bridge".to_owned(), link.bridge().into());
        told.insert("is_signed".to_owned(), link.is_signed().into());
        told.insert("expires_ts".to_owned(), json!(link.expires_at_ms()));
        told.insert("says".to_owned(), json!({"mxc": link.mxc()}));
        let recorded = recorded(&service, &link.link_id().to_string()).await?;
        told.insert(
            "recorded".to_owned(),
            recorded.map_or(Value::Null, |(_, view)| view),
        );
        println!("{}", serde_json::to_string_pretty(&told)?);
        return Ok(ExitCode::SUCCESS);
    };
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
    match recorded(&service, &link.link_id().to_string()).await? {
        Some((row, view)) => {
            tell("bridge", row.bridge.clone().into());
            tell("says", claims(&row.claims));
            tell("recorded", view);
        }
        None => {
            tell("recorded", Value::Null);
        }
    }
    println!("{}", serde_json::to_string_pretty(&told)?);
    Ok(ExitCode::SUCCESS)
}

/// What the database says of a link.
async fn recorded(
    service: &LinkService,
    link_id: &str,
) -> anyhow::Result<Option<(LinkRow, Value)>> {
    let Some(row) = links::find(service.database.reader(), link_id).await? else {
        return Ok(None);
    };
    let mut view = serde_json::to_value(service.view(&row))?;
    // The URL is the secret that was given to us; it is not repeated.
    if let Some(view) = view.as_object_mut() {
        view.retain(|name, _| name != "url" && name != "page_url");
    }
    Ok(Some((row, view)))
}

/// The path of a URL, or what was given as a path, decoded as the public listener does it.
fn path_of(link: &str) -> String {
    let path = match Url::parse(link) {
        Ok(url) => url.path().to_owned(),
        Err(_) => link.split(['?', '#']).next().unwrap_or_default().to_owned(),
    };
    match path.parse() {
        Ok(uri) => actix_web::dev::Url::new(uri).path().to_owned(),
        Err(_) => path,
    }
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
    use super::{path_of, token_of};

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
        for link in ["https://media.example.org/a/b/c?d#e", "/a/b/c?d"] {
            assert_eq!(path_of(link), "/a/b/c", "{link}");
        }
        assert_eq!(path_of("/%61/%2F%25b"), "/a/%2F%25b");
    }
}
