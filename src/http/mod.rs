//! HTTP: thin handlers over the services, on two listeners, and a third one for metrics where it is wanted. Nothing of
//! one answers on the other.

mod appservice;
mod auth;
mod bridge_answer;
mod bridge_api;
mod conditions;
mod connections;
mod console;
mod docs;
mod error;
mod health;
mod listener;
mod media_response;
mod openapi;
mod probe;
mod public;
mod public_error;
mod public_headers;
mod public_language;
mod public_link;
mod public_page;
mod public_paste;
mod public_preview;
mod public_report;
mod public_request;
mod public_site;
mod public_thumbnail;
mod request_log;
mod routes;
mod send_deadline;
mod state;

pub use bridge_api::issue_request;
pub use connections::Connections;
pub use console::{ConsoleSecret, LoginGuard};
pub use listener::Listener;
pub use openapi::openapi;
pub use probe::{PROBE, SEEN, proof};
pub use public::public_service;
pub use request_log::RequestLog;
pub use routes::{configure_internal, configure_metrics, routes_of};
pub use send_deadline::SendDeadline;
pub use state::{AppState, TransactionPlaces, transaction_places};
