//! One line per request, once its answer has gone out: docs/operators.md tells its fields. Paths
//! hold secrets, so the line names the route and the link ID instead.

use std::{
    future::{Future, Ready, ready},
    pin::Pin,
    task::{Context, Poll},
    time::Instant,
};

use actix_web::{
    Error, HttpMessage,
    body::{BodySize, MessageBody},
    dev::{Service, ServiceRequest, ServiceResponse, Transform, forward_ready},
};
use bytes::Bytes;

use super::routes::Listener;

/// The link that a request is about.
#[derive(Debug, Clone)]
pub(super) struct LogLink(pub String);
/// The bridge that asks.
#[derive(Debug, Clone)]
pub(super) struct LogBridge(pub String);

/// Writes the line.
#[derive(Debug, Clone, Copy)]
pub struct RequestLog(pub Listener);

impl<S, B> Transform<S, ServiceRequest> for RequestLog
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: MessageBody + 'static,
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

/// The service that does it.
#[derive(Debug)]
pub struct RequestLogService<S> {
    service: S,
    listener: Listener,
}

impl<S, B> Service<ServiceRequest> for RequestLogService<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<LoggedBody<B>>;
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Error>>>>;

    forward_ready!(service);

    fn call(&self, request: ServiceRequest) -> Self::Future {
        let started = Instant::now();
        let listener = self.listener;
        let method = request.method().clone();
        let peer = request.peer_addr().map(|address| address.ip());
        let work = self.service.call(request);
        Box::pin(async move {
            let response = work.await?;
            let status = response.status().as_u16();
            let route = response
                .request()
                .match_pattern()
                .unwrap_or_else(|| "none".to_owned());
            let extensions = response.request().extensions();
            let line = Line {
                listener,
                method: method.to_string(),
                route,
                status,
                link_id: extensions.get::<LogLink>().map(|link| link.0.clone()),
                bridge: extensions.get::<LogBridge>().map(|bridge| bridge.0.clone()),
                peer: peer.map(|ip| ip.to_string()),
                started,
                bytes: 0,
                complete: false,
            };
            drop(extensions);
            Ok(response.map_body(|_, body| LoggedBody {
                body: Box::pin(body),
                line,
            }))
        })
    }
}

/// What the line says.
struct Line {
    listener: Listener,
    method: String,
    route: String,
    status: u16,
    link_id: Option<String>,
    bridge: Option<String>,
    peer: Option<String>,
    started: Instant,
    bytes: u64,
    complete: bool,
}

impl Drop for Line {
    fn drop(&mut self) {
        let duration_ms = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let listener = self.listener.as_str();
        macro_rules! line {
            ($level:ident) => {
                tracing::$level!(
                    target: "medialink::request",
                    listener,
                    method = self.method,
                    route = self.route,
                    status = self.status,
                    link_id = self.link_id,
                    bridge = self.bridge,
                    peer = self.peer,
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
        metrics::counter!("medialink_requests_total", "listener" => listener,
            "route" => self.route.clone(), "status" => self.status.to_string())
        .increment(1);
        metrics::counter!("medialink_sent_bytes_total", "listener" => listener)
            .increment(self.bytes);
    }
}

/// A body that counts what goes out, and has the line written at its end.
pub struct LoggedBody<B> {
    body: Pin<Box<B>>,
    line: Line,
}

impl<B: MessageBody> MessageBody for LoggedBody<B> {
    type Error = B::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let next = self.body.as_mut().poll_next(context);
        match &next {
            Poll::Ready(Some(Ok(bytes))) => self.line.bytes += bytes.len() as u64,
            Poll::Ready(None) => self.line.complete = true,
            _ => {}
        }
        // A body of a known size is complete with its last byte: nobody asks it for its end.
        if let BodySize::Sized(size) = self.body.size() {
            self.line.complete |= size == self.line.bytes;
        }
        next
    }
}
