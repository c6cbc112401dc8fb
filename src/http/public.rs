//! The public listener: from the path of a request to its handler. The paths are few and guesses are
//! many, so they are parsed here and not matched with patterns.

use std::{borrow::Cow, convert::Infallible, rc::Rc, time::Instant};

use actix_http::{Request, Response};
use actix_service::{ServiceFactory, fn_service};
use actix_web::{
    HttpResponse,
    body::BoxBody,
    dev::{AppConfig, Url},
    http::Method,
};

use crate::{
    config::DenyKind,
    denials::{Denied, DenyList},
    legacy::{LegacyLinks, LegacyPath},
    media::MediaProxy,
};

use super::{
    listener::Listener,
    media_response::preflight,
    public_error::{PublicError, method_not_allowed},
    public_link, public_oembed, public_page, public_report,
    public_request::PublicRequest,
    public_route::Route,
    public_site, public_thumbnail,
    request_log::{LoggedBody, NO_ROUTE, RequestLine, begin_span},
    state::AppState,
};

/// The destination of a path: a route of this listener, or an entry of `legacy_links`.
enum Target<'a> {
    Own(Route<'a>),
    Legacy(LegacyPath<'a>),
}

impl<'a> Target<'a> {
    fn find(path: &'a str, prefix: &str, legacy: &'a LegacyLinks) -> Option<Self> {
        if let Some(route) = Route::parse(path, prefix) {
            return Some(Self::Own(route));
        }
        legacy.find_below(prefix, path).map(Self::Legacy)
    }

    fn route(&self) -> &'static str {
        match self {
            Self::Own(route) => route.pattern(),
            Self::Legacy(path) => path.route(),
        }
    }
}

/// The methods and paths of this listener, but for those of `legacy_links`.
pub(super) fn table() -> Vec<(Method, String)> {
    let all = Route::PATTERNS.iter().flat_map(|pattern| {
        let is_form = pattern.starts_with("/r/");
        let methods = [Method::GET, Method::HEAD].into_iter();
        let methods = methods.chain(is_form.then_some(Method::POST));
        methods.map(|method| (method, (*pattern).to_owned()))
    });
    all.collect()
}

/// A worker of the public listener: it stands on the connections themselves, without the framework's
/// routes, middleware and shared data, none of which it needs.
pub fn public_service(
    state: AppState,
    media: MediaProxy,
) -> impl ServiceFactory<
    Request,
    Config = AppConfig,
    Response = Response<LoggedBody<BoxBody>>,
    Error = Infallible,
    InitError = (),
> {
    let shared = Rc::new((state, media));
    fn_service(move |request| {
        let shared = Rc::clone(&shared);
        Box::pin(async move {
            let (state, media) = &*shared;
            let request = PublicRequest::new(request, &state.limits);
            Ok(logged(request, state, media).await)
        })
    })
}

/// Answers a request, with its line in the log.
async fn logged(
    request: PublicRequest,
    state: &AppState,
    media: &MediaProxy,
) -> Response<LoggedBody<BoxBody>> {
    let started = Instant::now();
    let config = state.config();
    let (url, prefix) = (
        Url::new(request.head().uri.clone()),
        config.public_url.path(),
    );
    let span = begin_span(request.head());
    let (route, answer) = match Target::find(url.path(), prefix, &config.legacy_links) {
        Some(target) => {
            let route = target.route();
            let work = answer(&request, target, state, media);
            let answer = match &span {
                None => work.await,
                Some(span) => Box::pin(span.during(work)).await,
            };
            (route, answer)
        }
        None => (NO_ROUTE, PublicError::not_found().respond(&request, config)),
    };
    let route = Cow::Borrowed(route);
    let (head, status) = (request.head(), answer.status());
    let mut line = RequestLine::new(Listener::Public, head, route, status, started);
    line.link_id = request.into_link_id();
    line.span = span;
    Response::from(answer).map_body(|_, body| LoggedBody::new(body, line))
}

/// Only the way of a follow is a part of this future, which is made for each request: ways that are
/// rarer or wait for others have futures of their own.
async fn answer(
    request: &PublicRequest,
    target: Target<'_>,
    state: &AppState,
    media: &MediaProxy,
) -> HttpResponse {
    let config = state.config();
    match *request.method() {
        Method::GET | Method::HEAD => {}
        Method::POST if matches!(target, Target::Own(Route::Report(_))) => {}
        Method::OPTIONS => return preflight(),
        _ => return method_not_allowed(request, config),
    }
    if let Some(denials) = state.denials.list()
        && let Err(error) = admitted(request, &denials, state)
    {
        return error.respond(request, config);
    }
    request.count(&state.limits);
    let answered = match target {
        Target::Own(Route::Media(token)) => public_link::answer(request, token, state, media).await,
        Target::Own(Route::Thumbnail(token)) => {
            Box::pin(public_thumbnail::answer(request, token, state, media)).await
        }
        Target::Own(Route::Page(token)) => {
            Box::pin(public_page::answer(request, token, state, media)).await
        }
        Target::Own(Route::Report(token)) => {
            Box::pin(public_report::answer(request, token, state)).await
        }
        Target::Own(Route::Oembed) => Box::pin(public_oembed::answer(request, state, media)).await,
        Target::Own(Route::Robots) => Ok(public_site::robots()),
        Target::Own(Route::Start) => Ok(public_site::start(request, state)),
        Target::Own(Route::SecurityTxt) => Ok(public_site::security_txt(request, state)),
        Target::Own(Route::Favicon) => Ok(public_site::favicon()),
        Target::Own(Route::Logo) => Ok(public_site::logo(request, state)),
        Target::Legacy(path) => {
            Box::pin(public_link::answer_legacy(request, path, state, media)).await
        }
    };
    match answered {
        Ok(response) => response,
        Err(error) => refused(error, request, state).respond(request, config),
    }
}

/// Refuses a reader whose network is denied.
fn admitted(
    request: &PublicRequest,
    denials: &DenyList,
    state: &AppState,
) -> Result<(), PublicError> {
    let networks = denials.clients();
    if networks.is_empty() {
        return Ok(());
    }
    let reader = request.reader(&state.limits);
    match networks.iter().any(|network| reader.is_in(network)) {
        false => Ok(()),
        true => {
            Denied::counted(DenyKind::Client);
            Err(PublicError::denied())
        }
    }
}

/// The error as it is told: who asks for too many links that there are not is told to wait.
fn refused(error: PublicError, request: &PublicRequest, state: &AppState) -> PublicError {
    if !error.is_of_no_link() {
        return error;
    }
    match state.limits.bad_link(request.client()) {
        Ok(()) => error,
        Err(limited) => PublicError::limited(&limited),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The size of the future of a request.
    fn size<'a, F>(_: impl FnOnce(PublicRequest, &'a AppState, &'a MediaProxy) -> F) -> usize {
        size_of::<F>()
    }

    #[test]
    fn the_future_of_a_request_is_small() {
        let bytes = size(logged);
        assert!(bytes <= 4096, "{bytes}");
    }
}
