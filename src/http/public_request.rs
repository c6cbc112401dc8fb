//! A request of the public listener.

use std::{
    cell::{Cell, OnceCell},
    net::{IpAddr, Ipv4Addr},
};

use actix_http::{Payload, Request, RequestHead};
use actix_web::http::{Method, header::HeaderMap};
use medialink_link::LinkId;

use crate::limits::{ClientNetwork, Limited, Limits};

/// A request of the public listener, which needs no router: see [`super::public`].
pub(super) struct PublicRequest {
    request: Request,
    /// The link that it is about, for its log line.
    link_id: OnceCell<String>,
    /// The network that it comes from.
    client: ClientNetwork,
    /// The limit that the client has reached by it.
    limited: Cell<Option<Limited>>,
    /// What was sent with it, if anything may be.
    payload: Cell<Option<Box<Payload>>>,
}

impl PublicRequest {
    pub(super) fn new(mut request: Request, limits: &Limits) -> Self {
        let is_sent = request.head().method == Method::POST;
        let payload = is_sent.then(|| Box::new(request.take_payload()));
        let client = client(request.head(), limits, limits.client_header());
        Self {
            client,
            request,
            link_id: OnceCell::new(),
            limited: Cell::new(None),
            payload: Cell::new(payload),
        }
    }

    /// What was sent with it, once.
    pub(super) fn take_payload(&self) -> Option<Box<Payload>> {
        self.payload.take()
    }

    /// The network that it comes from, whether anything is counted by clients or not.
    pub(super) fn reader(&self, limits: &Limits) -> ClientNetwork {
        client(self.head(), limits, Some(limits.proxy_header()))
    }

    /// The network that it comes from.
    pub(super) fn client(&self) -> ClientNetwork {
        self.client
    }

    /// Counts it as a request of its client. It is refused only once its link has proved to be live: dead links
    /// are told as what they are.
    pub(super) fn count(&self, limits: &Limits) {
        self.limited.set(limits.request(self.client).err());
    }

    /// The limit that the client has reached by it.
    pub(super) fn limited(&self) -> Option<Limited> {
        self.limited.get()
    }

    pub(super) fn head(&self) -> &RequestHead {
        self.request.head()
    }

    pub(super) fn method(&self) -> &Method {
        &self.head().method
    }

    pub(super) fn headers(&self) -> &HeaderMap {
        &self.head().headers
    }

    /// The query; empty where there is none.
    pub(super) fn query(&self) -> &str {
        self.head().uri.query().unwrap_or_default()
    }

    /// Notes the link that it is about. The first one counts.
    pub(super) fn is_about(&self, link_id: &LinkId) {
        self.link_id.get_or_init(|| link_id.to_string());
    }

    /// The link that it is about, where it is known.
    pub(super) fn into_link_id(self) -> Option<String> {
        self.link_id.into_inner()
    }
}

/// The network that a request to another listener comes from.
pub(super) fn network(head: &RequestHead, limits: &Limits) -> ClientNetwork {
    client(head, limits, Some(limits.proxy_header()))
}

/// The network that a request comes from, as a proxy's header says.
fn client(head: &RequestHead, limits: &Limits, header: Option<&'static str>) -> ClientNetwork {
    // Only a test has no connection.
    let peer = head.peer_addr.map(|address| address.ip());
    let peer = peer.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
    let Some(header) = header else {
        return peer.into();
    };
    let lines: Vec<&str> = head
        .headers
        .get_all(header)
        .filter_map(|line| line.to_str().ok())
        .collect();
    limits.client(peer, lines.into_iter())
}
