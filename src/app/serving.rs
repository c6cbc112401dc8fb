//! A listener answers with an app, over connections whose readers have to take something now and
//! then.

use std::{fmt, future::ready, io, net::TcpListener, time::Duration};

use actix_http::{ConnectionType, HttpService, Request, Response};
use actix_service::{
    IntoServiceFactory, Service, ServiceFactory, ServiceFactoryExt as _, fn_service, map_config,
};
use actix_web::{
    Error,
    body::MessageBody,
    dev::{AppConfig, Server},
};
use tokio::net::TcpStream;

use crate::http::{Connections, SendDeadline};

/// How long open answers may take to end once the service stops, in seconds.
const SHUTDOWN_S: u64 = 30;
/// How long a connection may take to send the head of a request.
const REQUEST_WITHIN: Duration = Duration::from_secs(5);
/// How long a connection may take to close.
const CLOSE_WITHIN: Duration = Duration::from_secs(1);
/// How many threads of each worker may wait for the disk. Each has memory of its own.
const BLOCKING_THREADS: usize = 8;

/// How a listener is served.
pub(super) struct Serving {
    /// Its name in names of threads and logs.
    pub(super) name: &'static str,
    /// How many workers it has; `None`: one for each core.
    pub(super) workers: Option<usize>,
    /// The longest time in which a reader takes nothing.
    pub(super) send_timeout: Duration,
    /// Where its connections are counted.
    pub(super) connections: Connections,
}

impl Serving {
    /// Serves a listener; each worker makes an app of its own.
    pub(super) fn start<F, I, S, B>(self, listener: TcpListener, app: F) -> io::Result<Server>
    where
        F: Fn() -> I + Clone + Send + 'static,
        I: IntoServiceFactory<S, Request>,
        S: ServiceFactory<Request, Config = AppConfig> + 'static,
        S::Error: Into<Error> + 'static,
        S::InitError: fmt::Debug,
        S::Response: Into<Response<B>> + 'static,
        S::Service: 'static,
        <S::Service as Service<Request>>::Future: 'static,
        B: MessageBody + 'static,
    {
        let (address, within) = (listener.local_addr()?, self.send_timeout);
        let builder = Server::build()
            .disable_signals()
            .worker_max_blocking_threads(BLOCKING_THREADS)
            .shutdown_timeout(SHUTDOWN_S);
        let builder = match self.workers {
            Some(workers) => builder.workers(workers),
            None => builder,
        };
        let stopping = builder.graceful_shutdown_signal();
        let service = move || {
            let (stopping, connections) = (stopping.clone(), self.connections.clone());
            let left = connections.clone();
            let app = app().into_factory().map(move |response| {
                let mut response: Response<B> = response.into();
                if left.are_left() {
                    let head = response.head_mut();
                    head.set_connection_type(ConnectionType::Close);
                }
                response
            });
            let app = app.map_err(|error| error.into().error_response());
            let http = HttpService::build()
                .graceful_shutdown_signal(move || {
                    let stopping = stopping.clone();
                    async move { stopping.notified().await }
                })
                .client_request_timeout(REQUEST_WITHIN)
                .client_disconnect_timeout(CLOSE_WITHIN)
                .local_addr(address)
                .h1(map_config(app, |()| AppConfig::default()));
            fn_service(move |stream: TcpStream| {
                let peer = stream.peer_addr().ok();
                let stream = SendDeadline::new(stream, connections.open(), within);
                ready(Ok((stream, peer)))
            })
            .and_then(http)
        };
        Ok(builder.listen(self.name, listener, service)?.run())
    }
}
