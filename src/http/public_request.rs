//! A request of the public listener.

use std::{
    cell::{Cell, OnceCell},
    net::{IpAddr, Ipv4Addr},
};

use actix_http::{Request, RequestHead};
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
}

impl PublicRequest {
    pub(super) fn new(request: Request, limits: &Limits) -> Self {
        let head = request.head();
        // Only a test has no connection.
        let peer = head.peer_addr.map(|address| address.ip());
        let peer = peer.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        let lines: Vec<&str> = limits
            .client_header()
            .into_iter()
            .flat_map(|name| head.headers.get_all(name))
            .filter_map(|line| line.to_str().ok())
            .collect();
        Self {
            client: limits.client(peer, lines.into_iter()),
            request,
            link_id: OnceCell::new(),
            limited: Cell::new(None),
        }
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
