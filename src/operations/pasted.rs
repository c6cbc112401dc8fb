//! A link as people paste it: a URL of any route, with its file name, in angle brackets or without, its
//! token alone, or its ID.

use url::Url;

use crate::{config::Config, key_store::KeyStore, legacy::LegacyLink};
use medialink_link::{LinkId, VerifiedLink};

/// The routes whose next segment is a token.
const ROUTES: [&str; 4] = ["m", "v", "t", "r"];

/// A link that was pasted.
pub enum PastedLink {
    /// One that our keys have signed.
    Signed(VerifiedLink),
    /// One that a bridge has made by itself.
    Legacy(LegacyLink),
    /// Only its ID.
    Id(LinkId),
}

impl PastedLink {
    /// Reads it; `None`: it is no link of this service.
    #[must_use]
    pub fn read(text: &str, keys: &KeyStore, config: &Config) -> Option<Self> {
        let mut readings = readings(text);
        readings.find_map(|text| Self::read_bare(text, keys, config))
    }

    fn read_bare(text: &str, keys: &KeyStore, config: &Config) -> Option<Self> {
        let path = path_of(text);
        let ring = keys.ring();
        let verified = tokens_of(&path).find_map(|token| ring.verify(token).ok());
        if let Some(link) = verified {
            return Some(Self::Signed(link));
        }
        let legacy = &config.legacy_links;
        let legacy = legacy.find_below(config.public_url.path(), &path);
        if let Some(link) = legacy.and_then(|path| path.verify().ok()) {
            return Some(Self::Legacy(link));
        }
        LinkId::parse(text).map(Self::Id)
    }

    /// Its ID.
    #[must_use]
    pub fn link_id(&self) -> String {
        match self {
            Self::Signed(link) => link.link_id().to_string(),
            Self::Legacy(link) => link.link_id().to_string(),
            Self::Id(link_id) => link_id.to_string(),
        }
    }
}

/// Whether a text is the ID of a link, with what people put around it or without.
#[must_use]
pub fn is_link_id(text: &str) -> bool {
    readings(text).any(|id| LinkId::parse(id).is_some())
}

/// A pasted text without what people and programs put around it: brackets alone, then all punctuation.
/// A name of a file, which the signature of a bridge may cover, can end in punctuation as well.
fn readings(text: &str) -> impl Iterator<Item = &str> {
    let bare = text.trim_matches(|c: char| c.is_whitespace() || "<>\"'`(),;".contains(c));
    let barer = bare.trim_matches(|c: char| !(c.is_ascii_alphanumeric() || "_-/".contains(c)));
    [bare, barer].into_iter()
}

/// The path of a URL, or a bare path, decoded as the public listener does it.
fn path_of(link: &str) -> String {
    if !link.contains('/') {
        return link.to_owned();
    }
    let path = match Url::parse(link) {
        Ok(url) => url.path().to_owned(),
        Err(_) => link.split(['?', '#']).next().unwrap_or_default().to_owned(),
    };
    match path.parse() {
        Ok(uri) => actix_web::dev::Url::new(uri).path().to_owned(),
        Err(_) => path,
    }
}

/// What may be a token in a path: the segments after a route, and a path that is none.
fn tokens_of(path: &str) -> impl Iterator<Item = &str> {
    let segments = path.split('/').zip(path.split('/').skip(1));
    let after_routes = segments
        .filter(|(route, _)| ROUTES.contains(route))
        .map(|(_, token)| token);
    after_routes.chain([path])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_found_in_whatever_is_pasted() {
        for link in [
            "abc",
            " <abc>\n",
            "https://media.example.org/m/abc",
            "https://media.example.org/m/abc/cat.png",
            "<https://media.example.org/m/abc/cat.png>,",
            "https://media.example.org/m/a%62c/cat.png",
            "https://media.example.org/path/v/abc/x?y#z",
            "https://media.example.org/m/m/abc",
            "media.example.org/t/abc?width=9",
            "localhost:8480/v/abc#L5",
            "/t/abc?width=9",
            "abc.",
            "https://media.example.org/m/abc.",
            "(https://media.example.org/m/abc).",
            "[https://media.example.org/m/abc]: ",
            "**https://media.example.org/m/abc**!",
            "“https://media.example.org/m/abc…”",
            "\u{200e}https://media.example.org/m/abc\u{200b}",
        ] {
            let has_token = |text| tokens_of(&path_of(text)).any(|token| token == "abc");
            assert!(readings(link).any(has_token), "{link}");
        }
        for link in ["https://media.example.org/a/b/c?d#e", "/a/b/c?d"] {
            assert_eq!(path_of(link), "/a/b/c", "{link}");
        }
        assert_eq!(path_of("/%61/%2F%25b"), "/a/%2F%25b");
    }
}
