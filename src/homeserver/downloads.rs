//! Downloads over connections of their own, redirects followed.

use std::time::Duration;

use actix_web::rt;
use bytes::Bytes;
use http_body_util::Empty;
use hyper::{
    Method, Request, StatusCode, Uri,
    header::{self, HeaderMap},
};
use url::Url;

use crate::{config::HomeserverConfig, telemetry::Masker};

use super::{
    Homeserver, HomeserverError,
    client::{MAX_ANSWER_BYTES, parse_refusal},
    connections::{Connections, Connector, DownloadBody, Run},
    error::count,
    media_request::{MediaRequest, headers},
    redirects::{is_downgrade, url_is_allowed},
};

/// The most redirects that are followed.
const MAX_REDIRECTS: usize = 3;

/// The longest body that is read only to use its connection again, and how long it may take.
const DRAINED_BYTES: usize = 16 << 10;
const DRAINED_WITHIN: Duration = Duration::from_millis(500);

/// An answer whose body is still to be read.
pub struct Download {
    /// 200, 206, 304 or 416.
    pub status: StatusCode,
    /// The headers of the answer.
    pub headers: HeaderMap,
    /// The body, piece by piece.
    pub body: DownloadBody,
}

/// Sends requests for media, and follows redirects.
pub(super) struct Downloader {
    config: HomeserverConfig,
    direct: Connections,
    redirected: Connections,
}

impl Downloader {
    /// For any thread; makes no connections yet.
    pub(super) fn new(homeserver: &Homeserver) -> Self {
        Self::running(homeserver, |connection| drop(tokio::spawn(connection)))
    }

    /// For one worker of a listener, whose tasks never leave its thread.
    pub(super) fn of_worker(homeserver: &Homeserver) -> Self {
        Self::running(homeserver, |connection| drop(rt::spawn(connection)))
    }

    fn running(homeserver: &Homeserver, run: Run) -> Self {
        let within = homeserver.config.timeouts.connect;
        let connections = |connector: &Connector| {
            Connections::new(connector.clone(), within, run, homeserver.away.clone())
        };
        Self {
            config: homeserver.config.clone(),
            direct: connections(&homeserver.connector),
            redirected: connections(&homeserver.redirected),
        }
    }

    /// Sends a request and follows its redirects, without credentials.
    pub(super) async fn get(
        &self,
        first: String,
        credentials: HeaderMap,
        request: &MediaRequest<'_>,
    ) -> Result<Download, HomeserverError> {
        count("media", self.follow(first, credentials, request).await)
    }

    async fn follow(
        &self,
        first: String,
        credentials: HeaderMap,
        request: &MediaRequest<'_>,
    ) -> Result<Download, HomeserverError> {
        let mut answer = self
            .send(&self.direct, &first, credentials, request)
            .await?;
        let mut url = None;
        for _ in 0..MAX_REDIRECTS {
            if !is_redirect(answer.status) {
                break;
            }
            let from = match url {
                Some(url) => url,
                None => Url::parse(&first).map_err(|_| {
                    HomeserverError::InvalidResponse("URL of a redirected request cannot be parsed")
                })?,
            };
            let next = target(&from, &answer)?;
            let connections = self.connections(&from, &next)?;
            drain(&mut answer.body).await;
            answer = self
                .send(connections, next.as_str(), HeaderMap::new(), request)
                .await?;
            url = Some(next);
        }
        self.checked(answer, request).await
    }

    /// The answer, if it is one to a download.
    async fn checked(
        &self,
        mut answer: Download,
        request: &MediaRequest<'_>,
    ) -> Result<Download, HomeserverError> {
        match answer.status {
            StatusCode::OK | StatusCode::PARTIAL_CONTENT | StatusCode::NOT_MODIFIED => Ok(answer),
            StatusCode::RANGE_NOT_SATISFIABLE => {
                drain(&mut answer.body).await;
                Ok(answer)
            }
            status if is_redirect(status) => Err(HomeserverError::InvalidResponse(
                "more than three redirects in a row",
            )),
            status if status.is_success() || status.is_redirection() => Err(
                HomeserverError::InvalidResponse("status is not 200, 206, 304 or 416"),
            ),
            _ => {
                // An error whose body never ends is as slow as no answer.
                let refusal =
                    tokio::time::timeout(self.config.timeouts.stall, refusal(answer, request));
                Err(refusal.await.unwrap_or(HomeserverError::Slow))
            }
        }
    }

    /// The connections over which the target of a redirect is requested.
    fn connections(&self, from: &Url, target: &Url) -> Result<&Connections, HomeserverError> {
        if is_downgrade(from, target) {
            Err(HomeserverError::InvalidResponse(
                "it redirects from https to http",
            ))
        } else if target.origin() == self.config.url.origin() {
            Ok(&self.direct)
        } else if url_is_allowed(target, &self.config.redirect_networks) {
            Ok(&self.redirected)
        } else {
            Err(HomeserverError::InvalidResponse(
                "it redirects to an address that is neither public nor in homeserver.redirect_networks",
            ))
        }
    }

    async fn send(
        &self,
        connections: &Connections,
        url: &str,
        credentials: HeaderMap,
        request: &MediaRequest<'_>,
    ) -> Result<Download, HomeserverError> {
        let uri: Uri = url
            .parse()
            .map_err(|_| HomeserverError::InvalidResponse("redirect target is not a URI"))?;
        let mut message = Request::new(Empty::<Bytes>::new());
        if request.head_only {
            *message.method_mut() = Method::HEAD;
        }
        let path = uri.path_and_query().cloned();
        *message.uri_mut() = path.map_or_else(Uri::default, Uri::from);
        *message.headers_mut() = headers(credentials, &uri, request)?;
        let sent = connections.send(&uri, message);
        let (response, lease) = tokio::time::timeout(self.config.timeouts.first_byte, sent)
            .await
            .map_err(|_| HomeserverError::Slow)??;
        let (head, body) = response.into_parts();
        Ok(Download {
            status: head.status,
            headers: head.headers,
            body: DownloadBody::new(body, lease),
        })
    }
}

/// Reads a body of no interest if it is short, so that its connection can be used again. To close a
/// connection costs less than a long or slow body.
async fn drain(body: &mut DownloadBody) {
    let mut left = DRAINED_BYTES;
    let read = async {
        while let Ok(Some(piece)) = body.next().await {
            match left.checked_sub(piece.len()) {
                Some(rest) => left = rest,
                None => break,
            }
        }
    };
    // A body that is not read to its end closes its connection.
    drop(tokio::time::timeout(DRAINED_WITHIN, read).await);
}

/// Reads the Matrix error out of an answer.
async fn refusal(mut answer: Download, request: &MediaRequest<'_>) -> HomeserverError {
    let mut body = Vec::new();
    while let Ok(Some(piece)) = answer.body.next().await
        && body.len() + piece.len() <= MAX_ANSWER_BYTES
    {
        body.extend_from_slice(&piece);
    }
    let masker = Masker::of(request.content_token.map(|token| token.expose()));
    parse_refusal(answer.status, &answer.headers, &body, &masker)
}

fn is_redirect(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT
    )
}

/// The URL that a redirect leads to.
fn target(from: &Url, answer: &Download) -> Result<Url, HomeserverError> {
    let location = answer.headers.get(header::LOCATION);
    let mut url = location
        .and_then(|value| value.to_str().ok())
        .and_then(|location| from.join(location).ok())
        .ok_or(HomeserverError::InvalidResponse(
            "redirect without a valid Location header",
        ))?;
    if url.origin() == from.origin() {
        // Within one origin it may name a user, which is none of its business.
        url.set_username("")
            .and_then(|()| url.set_password(None))
            .map_err(|()| HomeserverError::InvalidResponse("redirect target has no host"))?;
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use std::{collections::HashMap, path::Path};

    use crate::config::Config;

    use super::*;

    #[test]
    fn no_redirect_leaves_tls_wherever_it_leads() {
        let example = include_str!("../../bridge.example.yaml")
            .replace("change-me", "made-up")
            .replace("url: http://127.0.0.1:8008", "url: https://hs.example.org")
            .replace("redirect_networks: []", "redirect_networks: [10.0.0.0/8]");
        let config = Config::parse(&example, HashMap::new(), Path::new("")).expect("valid");
        let homeserver = Homeserver::new(config.homeserver).expect("a client");
        let downloader = Downloader::new(&homeserver);
        let leads = |from: &str, to: &str| {
            let [from, to] = [from, to].map(|url| Url::parse(url).expect("a URL"));
            downloader.connections(&from, &to).map(drop)
        };
        let refused = Err(HomeserverError::InvalidResponse(
            "it redirects from https to http",
        ));
        for host in ["hs.example.org", "cdn.example.org", "8.8.8.8", "10.0.0.1"] {
            let (kept, left) = (format!("https://{host}/b"), format!("http://{host}/b"));
            for from in ["https://hs.example.org/a", "https://cdn.example.org/a"] {
                assert_eq!(leads(from, &left), refused, "{from} {left}");
                assert_eq!(leads(from, &kept), Ok(()), "{from} {kept}");
            }
        }
        assert!(leads("https://hs.example.org/a", "https://192.168.0.1/").is_err());
    }
}
