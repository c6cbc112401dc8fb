//! A request of the public listener.

use std::cell::OnceCell;

use actix_http::{Request, RequestHead};
use actix_web::http::{Method, header::HeaderMap};
use medialink_link::LinkId;

/// A request of the public listener, which needs no router: see [`super::public`].
pub(super) struct PublicRequest {
    request: Request,
    /// The link that it is about, for its log line.
    link_id: OnceCell<String>,
}

impl PublicRequest {
    pub(super) fn new(request: Request) -> Self {
        Self {
            request,
            link_id: OnceCell::new(),
        }
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
