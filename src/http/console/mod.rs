//! The operator's console: pages on the internal listener, drawn by the server. Whatever changes something is a form
//! with a token of its session, and goes by the functions of the command line.

mod audit;
mod denials;
mod entry;
mod errand;
mod error;
mod form;
mod guard;
mod key_end;
mod keys;
mod links;
mod login;
mod now;
mod page;
mod policy;
mod reports;
mod revocation;
mod rooms;
mod routes;
mod search;
mod secret;
mod session;
mod usage;

pub use guard::LoginGuard;
pub(super) use routes::configure;
pub use secret::ConsoleSecret;
