//! Whom and what the operator gives no link or no service: the list of the configuration and that of the database, in
//! which commands write.

mod list;
mod service;

pub use list::{DenyList, Subject};
pub use service::{Denials, Denied};
