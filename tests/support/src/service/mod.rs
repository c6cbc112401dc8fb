//! The service in this process, as an operator would start it: a configuration, listeners,
//! everything over HTTP.

mod api;
mod inside;
mod running;

pub use inside::{POLICY_EVENT_TYPE, signed_elsewhere};
pub use running::Service;
