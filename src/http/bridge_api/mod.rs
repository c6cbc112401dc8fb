//! The API that bridges ask for links.

pub(super) mod issue;
pub(super) mod list;
pub(super) mod request;
pub(super) mod revoke;
pub(super) use request::read_json;
