//! Connections for downloads: HTTP/1.1, kept open between requests. Each worker has connections of its
//! own, so that its requests never change threads.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http_body_util::{BodyExt, Empty};
use hyper::{
    Request, Response, Uri,
    body::{Body as _, Incoming},
    client::conn::http1::{self, SendRequest},
};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use tower_service::Service;

use super::{HomeserverError, redirects::Resolver};

/// The most connections to one origin that are kept open for later.
const MAX_IDLE: usize = 64;
/// The most bytes that a connection reads ahead, and the longest head of an answer.
const BUFFER_BYTES: usize = 48 << 10;

/// Makes connections; shared by all workers.
pub(crate) type Connector = HttpsConnector<HttpConnector<Resolver>>;
type Sender = SendRequest<Empty<Bytes>>;
/// Runs a connection until it ends.
pub(super) type Run = fn(BoxFuture<'static, ()>);

/// Makes connections to the addresses that the resolver gives.
pub(crate) fn connector(
    resolver: Resolver,
    within: Duration,
) -> Result<Connector, HomeserverError> {
    let mut http = HttpConnector::new_with_resolver(resolver);
    http.enforce_http(false);
    http.set_nodelay(true);
    http.set_connect_timeout(Some(within));
    Ok(HttpsConnectorBuilder::new()
        .try_with_platform_verifier()
        .map_err(|error| HomeserverError::Unreachable(error.to_string()))?
        .https_or_http()
        .enable_http1()
        .wrap_connector(http))
}

/// Connections, by scheme and authority.
pub(super) struct Connections {
    connector: Connector,
    /// How long connecting may take, TLS and all.
    within: Duration,
    run: Run,
    idle: Arc<Idle>,
}

#[derive(Default)]
struct Idle(Mutex<HashMap<String, Vec<Sender>>>);

impl Idle {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Vec<Sender>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, origin: &str) -> Option<Sender> {
        self.lock().get_mut(origin)?.pop()
    }

    fn put(&self, origin: &str, sender: Sender) {
        let mut idle = self.lock();
        if let Some(senders) = idle.get_mut(origin) {
            if senders.len() >= MAX_IDLE {
                senders.retain(|sender| !sender.is_closed());
            }
            if senders.len() < MAX_IDLE {
                senders.push(sender);
            }
            return;
        }
        // Origins whose connections are all closed are dropped.
        idle.retain(|_, senders| senders.iter().any(|sender| !sender.is_closed()));
        idle.insert(origin.to_owned(), vec![sender]);
    }
}

impl Connections {
    pub(super) fn new(connector: Connector, within: Duration, run: Run) -> Self {
        Self {
            connector,
            within,
            run,
            idle: Arc::default(),
        }
    }

    /// Sends a request to the origin of its target, over an idle connection if there is one.
    pub(super) async fn send(
        &self,
        uri: &Uri,
        request: Request<Empty<Bytes>>,
    ) -> Result<(Response<Incoming>, Lease), HomeserverError> {
        let origin = origin(uri)?;
        while let Some(mut sender) = self.idle.take(&origin) {
            // A connection that the homeserver has closed meanwhile is not ready.
            if sender.ready().await.is_err() {
                continue;
            }
            match sender.send_request(request.clone()).await {
                Ok(response) => return Ok((response, self.lease(origin, sender))),
                // It was closed just now: a request without effects is repeated (RFC 9112,
                // section 9.3.1).
                Err(error) if error.is_canceled() || error.is_incomplete_message() => {}
                Err(error) => return Err(HomeserverError::of_hyper(&error)),
            }
        }
        let mut sender = self.connect(uri).await?;
        let response = sender.send_request(request).await;
        let response = response.map_err(|error| HomeserverError::of_hyper(&error))?;
        Ok((response, self.lease(origin, sender)))
    }

    async fn connect(&self, uri: &Uri) -> Result<Sender, HomeserverError> {
        let mut connector = self.connector.clone();
        let connecting = async {
            let unreachable = |error: &dyn std::error::Error| {
                HomeserverError::Unreachable(HomeserverError::last_cause(error))
            };
            let stream = connector
                .call(uri.clone())
                .await
                .map_err(|error| unreachable(error.as_ref()))?;
            let (sender, connection) = http1::Builder::new()
                .max_buf_size(BUFFER_BYTES)
                .handshake(stream)
                .await
                .map_err(|error| unreachable(&error))?;
            // An error of the connection is also reported to the request that uses it.
            (self.run)(Box::pin(async { drop(connection.await) }));
            Ok(sender)
        };
        tokio::time::timeout(self.within, connecting)
            .await
            .unwrap_or_else(|_| {
                Err(HomeserverError::Unreachable(
                    "it took too long to connect".to_owned(),
                ))
            })
    }

    fn lease(&self, origin: String, sender: Sender) -> Lease {
        Lease {
            origin,
            sender,
            idle: Arc::clone(&self.idle),
        }
    }
}

fn origin(uri: &Uri) -> Result<String, HomeserverError> {
    match (uri.scheme_str(), uri.authority()) {
        (Some(scheme), Some(authority)) => Ok(format!("{scheme}://{authority}")),
        _ => Err(HomeserverError::InvalidResponse(
            "redirect target has no host",
        )),
    }
}

/// A connection in use. It is closed, unless it is given back after the whole answer.
pub(super) struct Lease {
    origin: String,
    sender: Sender,
    idle: Arc<Idle>,
}

impl Lease {
    fn give_back(self) {
        self.idle.put(&self.origin, self.sender);
    }
}

/// The body of an answer, which is read from its connection.
pub struct DownloadBody {
    body: Incoming,
    lease: Option<Lease>,
}

impl DownloadBody {
    /// An answer without a body (to `HEAD`, for one) needs its connection no more.
    pub(super) fn new(body: Incoming, lease: Lease) -> Self {
        let mut body = Self {
            body,
            lease: Some(lease),
        };
        body.give_back_if_ended();
        body
    }

    fn give_back_if_ended(&mut self) {
        if self.body.is_end_stream()
            && let Some(lease) = self.lease.take()
        {
            lease.give_back();
        }
    }

    /// The next piece; `None` at the end.
    ///
    /// # Errors
    /// If the connection breaks, or the body is not as long as its framing says.
    pub async fn next(&mut self) -> Result<Option<Bytes>, HomeserverError> {
        loop {
            let Some(frame) = self.body.frame().await else {
                if let Some(lease) = self.lease.take() {
                    lease.give_back();
                }
                return Ok(None);
            };
            let frame = frame.map_err(|error| {
                self.lease = None;
                HomeserverError::of_hyper(&error)
            })?;
            // Trailers of a chunked body (RFC 9112, section 7.1.2) are ignored.
            if let Ok(piece) = frame.into_data() {
                self.give_back_if_ended();
                return Ok(Some(piece));
            }
        }
    }
}
