//! The public listener: from the path of a request to whoever answers it. The paths are few and
//! people guess many, so they are taken apart here and not by patterns.

use actix_web::{
    HttpMessage, HttpRequest, HttpResponse,
    http::Method,
    web::{self, ServiceConfig},
};

use crate::{
    legacy::{LegacyLinks, LegacyPath, stripped},
    media::MediaProxy,
};

use super::{
    media_response::preflight,
    public_link, public_page, public_thumbnail,
    refusal::{Told, method_not_allowed},
    request_log::LogRoute,
    state::AppState,
};

/// Where a path leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place<'a> {
    /// `/m/{token}[/{name}]`.
    Media(&'a str),
    /// `/t/{token}`.
    Thumbnail(&'a str),
    /// `/v/{token}[/{name}]`.
    Page(&'a str),
    /// `/robots.txt`.
    Robots,
}

impl<'a> Place<'a> {
    /// Every pattern.
    const PATTERNS: [&'static str; 4] = ["/m/{token}", "/t/{token}", "/v/{token}", "/robots.txt"];

    /// Reads a path; `prefix`: the path of `public_url`, which a reverse proxy may strip or not.
    fn parse(path: &'a str, prefix: &str) -> Option<Self> {
        stripped(path, prefix)
            .and_then(Self::at_root)
            .or_else(|| Self::at_root(path))
    }

    fn at_root(path: &'a str) -> Option<Self> {
        if path == "/robots.txt" {
            return Some(Self::Robots);
        }
        let (kind, rest) = path.strip_prefix('/')?.split_once('/')?;
        let (token, name) = match rest.split_once('/') {
            Some((token, name)) => (token, Some(name)),
            None => (rest, None),
        };
        if token.is_empty() || name.is_some_and(|name| name.contains('/')) {
            return None;
        }
        match kind {
            "m" => Some(Self::Media(token)),
            "v" => Some(Self::Page(token)),
            "t" if name.is_none() => Some(Self::Thumbnail(token)),
            _ => None,
        }
    }

    fn pattern(self) -> &'static str {
        let [media, thumbnail, page, robots] = Self::PATTERNS;
        match self {
            Self::Media(_) => media,
            Self::Thumbnail(_) => thumbnail,
            Self::Page(_) => page,
            Self::Robots => robots,
        }
    }
}

/// Where a path leads: to a route of ours, or to an entry of `legacy_links`.
enum Target<'a> {
    Ours(Place<'a>),
    Legacy(LegacyPath<'a>),
}

impl<'a> Target<'a> {
    fn find(path: &'a str, prefix: &str, legacy: &'a LegacyLinks) -> Option<Self> {
        if let Some(place) = Place::parse(path, prefix) {
            return Some(Self::Ours(place));
        }
        legacy.find_below(prefix, path).map(Self::Legacy)
    }

    fn route(&self) -> &'static str {
        match self {
            Self::Ours(place) => place.pattern(),
            Self::Legacy(path) => path.route(),
        }
    }
}

/// The methods and paths of this listener, but for those of `legacy_links`.
pub(super) fn table() -> Vec<(Method, String)> {
    let methods = [Method::GET, Method::HEAD];
    let all = Place::PATTERNS.iter().flat_map(|pattern| {
        methods
            .iter()
            .map(|method| (method.clone(), (*pattern).to_owned()))
    });
    all.collect()
}

/// Registers the public listener.
pub fn configure_public(config: &mut ServiceConfig) {
    config.default_service(web::to(answer));
}

async fn answer(
    request: HttpRequest,
    state: web::Data<AppState>,
    media: web::Data<MediaProxy>,
) -> HttpResponse {
    let config = state.config();
    let (path, prefix) = (request.match_info().as_str(), config.public_url.path());
    let Some(target) = Target::find(path, prefix, &config.legacy_links) else {
        return Told::not_found().respond(&request);
    };
    request.extensions_mut().insert(LogRoute(target.route()));
    match *request.method() {
        Method::GET | Method::HEAD => {}
        Method::OPTIONS => return preflight(),
        _ => return method_not_allowed(&request),
    }
    let answered = match target {
        Target::Ours(Place::Media(token)) => {
            public_link::answer(&request, token, &state, &media).await
        }
        Target::Ours(Place::Thumbnail(token)) => {
            public_thumbnail::answer(&request, token, &state, &media).await
        }
        Target::Ours(Place::Page(token)) => {
            public_page::answer(&request, token, &state, &media).await
        }
        Target::Ours(Place::Robots) => Ok(public_page::robots()),
        Target::Legacy(path) => public_link::answer_legacy(&request, path, &state, &media).await,
    };
    answered.unwrap_or_else(|told| told.respond(&request))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_leads_to_one_place_or_to_none() {
        for (path, place) in [
            ("/m/abc", Some(Place::Media("abc"))),
            ("/m/abc/", Some(Place::Media("abc"))),
            ("/m/abc/cat.png", Some(Place::Media("abc"))),
            ("/v/abc/cat.png", Some(Place::Page("abc"))),
            ("/t/abc", Some(Place::Thumbnail("abc"))),
            ("/robots.txt", Some(Place::Robots)),
            ("/t/abc/cat.png", None),
            ("/m/abc/cat/png", None),
            ("/m/", None),
            ("/m//cat.png", None),
            ("/m", None),
            ("/x/abc", None),
            ("m/abc", None),
            ("/", None),
            ("", None),
            ("/robots.txt/", None),
        ] {
            assert_eq!(Place::parse(path, "/"), place, "{path}");
            assert_eq!(Place::parse(path, "/some/path"), place, "{path}");
            let under = format!("/some/path{path}");
            if path.starts_with('/') {
                assert_eq!(Place::parse(&under, "/some/path"), place, "{path}");
                assert_eq!(Place::parse(&under, "/some/path/"), place, "{path}");
            }
            assert_eq!(Place::parse(&under, "/some"), None, "{path}");
        }
        assert_eq!(Place::parse("/m/m/abc", "/m"), Some(Place::Media("abc")));
        assert_eq!(Place::parse("/m/abc", "/m"), Some(Place::Media("abc")));
        assert_eq!(Place::parse("/media/m/abc", "/med"), None);
    }

    #[test]
    fn every_place_has_its_pattern() {
        for pattern in Place::PATTERNS {
            let path = pattern.replace("{token}", "abc");
            let place = Place::parse(&path, "/");
            assert_eq!(place.map(Place::pattern), Some(pattern));
        }
    }
}
