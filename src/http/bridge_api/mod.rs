//! The API that bridges ask for links.

pub(super) mod events;
pub(super) mod issue;
pub(super) mod list;
pub(super) mod paste;
pub(super) mod request;
pub(super) mod revoke;
pub use request::issue_request;
pub(super) use request::read_body;
