//! The API that bridges ask for links.

mod body;
pub(super) mod events;
mod fields;
pub(super) mod issue;
pub(super) mod issue_body;
pub(super) mod list;
pub(super) mod paste;
pub(super) mod revoke;

pub(super) use body::read_body;
pub use issue_body::issue_request;
