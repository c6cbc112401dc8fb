//! One log line per request, once its answer has gone out; docs/operators.md lists its fields. Paths
//! hold secrets, so the line names the route and the link ID instead.

use std::{
    borrow::Cow,
    cell::RefCell,
    collections::HashMap,
    future::{Future, Ready, ready},
    net::IpAddr,
    pin::Pin,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use actix_web::{
    Error, HttpMessage, HttpRequest,
    body::{BodySize, MessageBody},
    dev::{RequestHead, Service, ServiceRequest, ServiceResponse, Transform, forward_ready},
    http::{Method, StatusCode},
};
use bytes::Bytes;
use metrics::{Counter, Histogram};

use crate::{
    telemetry,
    traces::{self, RequestSpan},
};

use super::listener::Listener;

/// The route of a request that no route answers.
pub(super) const NO_ROUTE: &str = "none";

/// The link that a request is about.
#[derive(Debug, Clone)]
pub(super) struct LogLink(pub String);

impl LogLink {
    /// Notes the link that a request is about.
    pub(super) fn note(request: &HttpRequest, link_id: &str) {
        request.extensions_mut().insert(Self(link_id.to_owned()));
    }
}

/// The route of a request that the router of the framework does not know by a pattern.
#[derive(Debug, Clone, Copy)]
pub(super) struct LogRoute(pub &'static str);
/// The bridge that makes a request.
#[derive(Debug, Clone)]
pub(super) struct LogBridge(pub String);

/// Middleware that logs and counts every request of a listener.
#[derive(Debug, Clone, Copy)]
pub struct RequestLog(pub Listener);

impl<S, B> Transform<S, ServiceRequest> for RequestLog
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: MessageBody + Unpin + 'static,
{
    type Response = ServiceResponse<LoggedBody<B>>;
    type Error = Error;
    type Transform = RequestLogService<S>;
    type InitError = ();
    type Future = Ready<Result<Self::Transform, ()>>;

    fn new_transform(&self, service: S) -> Self::Future {
        ready(Ok(RequestLogService {
            service,
            listener: self.0,
        }))
    }
}

/// The service behind [`RequestLog`].
#[derive(Debug)]
pub struct RequestLogService<S> {
    service: S,
    listener: Listener,
}

impl<S, B> Service<ServiceRequest> for RequestLogService<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: MessageBody + Unpin + 'static,
{
    type Response = ServiceResponse<LoggedBody<B>>;
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Error>>>>;

    forward_ready!(service);

    fn call(&self, request: ServiceRequest) -> Self::Future {
        let started = Instant::now();
        let span = begin_span(request.head());
        let (work, listener) = (self.service.call(request), self.listener);
        Box::pin(async move {
            let response = match &span {
                None => work.await?,
                Some(span) => span.during(work).await?,
            };
            let request = response.request();
            let extensions = request.extensions();
            let route = match extensions.get::<LogRoute>() {
                Some(LogRoute(route)) => Cow::Borrowed(*route),
                None => request
                    .match_pattern()
                    .map_or(Cow::Borrowed(NO_ROUTE), Cow::Owned),
            };
            let status = response.status();
            let mut line = RequestLine::new(listener, request.head(), route, status, started);
            line.link_id = extensions.get::<LogLink>().map(|link| link.0.clone());
            line.bridge = extensions.get::<LogBridge>().map(|bridge| bridge.0.clone());
            line.span = span;
            drop(extensions);
            Ok(response.map_body(|_, body| LoggedBody::new(body, line)))
        })
    }
}

/// The fields of the line, which is written when this is dropped.
pub(super) struct RequestLine {
    listener: Listener,
    method: Method,
    route: Cow<'static, str>,
    status: u16,
    pub(super) link_id: Option<String>,
    bridge: Option<String>,
    peer: Option<IpAddr>,
    started: Instant,
    /// From the request to the head of its answer.
    answered_after: Duration,
    bytes: u64,
    complete: bool,
    pub(super) span: Option<RequestSpan>,
}

/// Begins the span of a request, if there are traces.
pub(super) fn begin_span(request: &RequestHead) -> Option<RequestSpan> {
    traces::begin(request.method.as_str(), |name| {
        request.headers.get(name)?.to_str().ok()
    })
}

impl RequestLine {
    /// The line of a request that has been answered and is about no link.
    pub(super) fn new(
        listener: Listener,
        request: &RequestHead,
        route: Cow<'static, str>,
        status: StatusCode,
        started: Instant,
    ) -> Self {
        Self {
            listener,
            method: request.method.clone(),
            route,
            status: status.as_u16(),
            link_id: None,
            bridge: None,
            peer: request.peer_addr.map(|address| address.ip()),
            started,
            answered_after: started.elapsed(),
            bytes: 0,
            complete: false,
            span: None,
        }
    }
}

impl Drop for RequestLine {
    fn drop(&mut self) {
        let duration_ms = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let listener = self.listener.as_str();
        macro_rules! line {
            ($level:ident) => {
                tracing::$level!(
                    target: telemetry::REQUEST_TARGET,
                    listener,
                    method = self.method.as_str(),
                    route = &*self.route,
                    status = self.status,
                    link_id = self.link_id,
                    bridge = self.bridge,
                    peer = self.peer.map(tracing::field::display),
                    bytes = self.bytes,
                    complete = self.complete,
                    duration_ms,
                    "request"
                )
            };
        }
        match self.status {
            500.. => line!(error),
            _ => line!(info),
        }
        if let Some(span) = &self.span {
            span.end(self.method.as_str(), &self.route, self.status, self.bytes);
        }
        count(self);
    }
}

/// The counters of requests and of sent bytes, and the times to their answers.
type Counters = (Counter, Counter, Histogram);
/// Their labels: listener, route and status.
type Labels = (Listener, Cow<'static, str>, u16);

thread_local! {
    /// The counters that this worker has used: looking them up by their labels costs more than
    /// counting.
    static COUNTERS: RefCell<HashMap<Labels, Counters>> = RefCell::default();
}

fn count(line: &RequestLine) {
    let listener = line.listener.as_str();
    COUNTERS.with_borrow_mut(|counters| {
        let key = (line.listener, line.route.clone(), line.status);
        let (requests, sent, first_byte) = counters.entry(key).or_insert_with(|| {
            let requests = metrics::counter!("medialink_requests_total", "listener" => listener,
                "route" => line.route.to_string(), "status" => line.status.to_string());
            let sent = metrics::counter!("medialink_sent_bytes_total", "listener" => listener);
            let first_byte = metrics::histogram!("medialink_first_byte_seconds", "listener" => listener,
                "route" => line.route.to_string());
            (requests, sent, first_byte)
        });
        first_byte.record(line.answered_after);
        requests.increment(1);
        sent.increment(line.bytes);
    });
}

/// A body that counts the bytes it sends; the line is written at its end.
pub struct LoggedBody<B> {
    body: B,
    line: RequestLine,
}

impl<B> LoggedBody<B> {
    pub(super) fn new(body: B, line: RequestLine) -> Self {
        Self { body, line }
    }
}

impl<B: MessageBody + Unpin> MessageBody for LoggedBody<B> {
    type Error = B::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let next = Pin::new(&mut self.body).poll_next(context);
        match &next {
            Poll::Ready(Some(Ok(bytes))) => self.line.bytes += bytes.len() as u64,
            Poll::Ready(None) => self.line.complete = true,
            _ => {}
        }
        // A body of a known size is complete with its last byte: it is not polled for its end.
        if let BodySize::Sized(size) = self.body.size() {
            self.line.complete |= size == self.line.bytes;
        }
        next
    }
}
