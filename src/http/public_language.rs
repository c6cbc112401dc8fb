//! The language of an answer: as `?lang=` says, or as `Accept-Language` does.

use actix_web::http::header;

use crate::{
    config::Config,
    languages::{self, Language},
    pages::{Frame, PageLogo},
};

use super::public_request::PublicRequest;

/// What the answers depend on that are pages or JSON.
pub(super) const VARY: &str = "Accept, Accept-Language";

/// What is around a page that answers a request.
pub(super) fn frame(request: &PublicRequest, config: &Config) -> Frame {
    let asked = languages::of_query(request.query());
    let language = asked.unwrap_or_else(|| wanted(request));
    Frame {
        texts: config.languages.of(language),
        // A switch replaces the whole query.
        is_switchable: request.query().is_empty() || is_only_language(request.query()),
        look: config.look.clone(),
        logo: logo(config),
    }
}

/// The operator's logo, by its whole address: pages are also reached by other hosts and paths.
fn logo(config: &Config) -> Option<PageLogo> {
    let (width, height) = config.look.logo()?.sides();
    let public_url = config.public_url.as_str().trim_end_matches('/');
    Some(PageLogo {
        url: format!("{public_url}/logo"),
        width,
        height,
    })
}

/// The address of another page of this site, which stays in a language that was asked for in the address.
pub(super) fn kept(request: &PublicRequest, url: String) -> String {
    match languages::of_query(request.query()) {
        None => url,
        Some(language) => format!("{url}?lang={language}"),
    }
}

fn is_only_language(query: &str) -> bool {
    query.starts_with("lang=") && !query.contains('&')
}

fn wanted(request: &PublicRequest) -> Language {
    let lines = request.headers().get_all(header::ACCEPT_LANGUAGE);
    languages::of_header(lines.filter_map(|line| line.to_str().ok()))
}
