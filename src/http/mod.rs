//! HTTP: thin handlers over the services. Two listeners, nothing of one answers on the other.

mod appservice;
mod auth;
mod bridge_api;
mod docs;
mod error;
mod health;
mod media_response;
mod openapi;
mod public;
mod public_link;
mod public_page;
mod public_paste;
mod public_thumbnail;
mod refusal;
mod request_log;
mod routes;
mod state;

pub use bridge_api::issue_request;
pub use openapi::openapi;
pub use public::configure_public;
pub use request_log::RequestLog;
pub use routes::{Listener, configure_internal, routes_of};
pub use state::{AppState, places};
