//! The requests by which answers are purged.

use std::{fmt, time::Duration};

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http_body_util::Empty;
use hyper::{Request, StatusCode, Uri};
use hyper_util::{client::legacy::Client, rt::TokioExecutor};

use crate::{
    config::PurgeHook,
    homeserver::{Connector, HomeserverError, Resolver, connector},
    telemetry::ForeignText,
};

/// How long connecting may take.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// How long an answer may take.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// How many requests are made at once.
const AT_ONCE: usize = 8;

/// Asks the hooks of a configuration.
pub(super) struct Hooks {
    hooks: Vec<PurgeHook>,
    client: Client<Connector, Empty<Bytes>>,
}

/// A link that has ended, as others know it. It opens nothing any more, and is shown to nobody all the same.
pub(super) struct EndedLink {
    pub(super) token: String,
    pub(super) paths: Vec<String>,
}

/// Why a hook has not purged.
#[derive(Debug)]
pub(super) enum HookError {
    Unreachable(ForeignText),
    Slow,
    Refused(StatusCode),
    NoUrl,
}

impl fmt::Display for HookError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable(why) => write!(f, "it cannot be reached: {why}"),
            Self::Slow => f.write_str("it was too slow to answer"),
            Self::Refused(status) => write!(f, "it answered {status}"),
            Self::NoUrl => f.write_str("its template makes no URL"),
        }
    }
}

impl Hooks {
    /// Prepares connections; makes none yet.
    pub(super) fn new(hooks: Vec<PurgeHook>) -> Result<Self, HomeserverError> {
        let connector = connector(Resolver::Any, CONNECT_WITHIN)?;
        #[expect(clippy::disallowed_methods, reason = "the client for what is in front")]
        let client = Client::builder(TokioExecutor::new()).build(connector);
        Ok(Self { hooks, client })
    }

    /// Has all of them purge the answers about links; the first failure, with the number of its hook.
    pub(super) async fn purge(&self, links: &[EndedLink]) -> Result<(), (usize, HookError)> {
        let asked = self.hooks.iter().enumerate().flat_map(|(number, hook)| {
            let links = links.iter();
            let urls = links.flat_map(move |link| hook.urls(&link.token, &link.paths));
            urls.map(move |url| (number, hook, url))
        });
        let asked: Vec<_> = asked
            .map(|(number, hook, url)| async move {
                let asked = self.ask(hook, &url).await;
                asked.map_err(|error| (number, error))
            })
            .collect();
        let mut asked = stream::iter(asked).buffer_unordered(AT_ONCE);
        let mut outcome = Ok(());
        while let Some(purged) = asked.next().await {
            outcome = outcome.and(purged);
        }
        outcome
    }

    async fn ask(&self, hook: &PurgeHook, url: &str) -> Result<(), HookError> {
        let uri: Uri = url.parse().map_err(|_| HookError::NoUrl)?;
        let mut request = Request::new(Empty::new());
        *request.method_mut() = hook.method.clone();
        *request.uri_mut() = uri;
        if let Some((name, value)) = &hook.header {
            request.headers_mut().insert(name, value.clone());
        }
        let asked = tokio::time::timeout(ANSWER_WITHIN, self.client.request(request)).await;
        let answer = asked
            .map_err(|_| HookError::Slow)?
            .map_err(|error| HookError::Unreachable(HomeserverError::last_cause(&error)))?;
        match answer.status() {
            // What it does not have is purged.
            StatusCode::NOT_FOUND => Ok(()),
            status if status.is_success() => Ok(()),
            status => Err(HookError::Refused(status)),
        }
    }
}
