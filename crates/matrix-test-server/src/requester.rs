//! Who makes a request.

use crate::transaction::TransactionScope;

/// The user on whose behalf a request is made.
#[derive(Debug)]
pub(super) struct Requester {
    pub user_id: String,
    pub device_id: Option<String>,
    /// The appservice that speaks for the user, by its place in the options.
    pub appservice: Option<usize>,
    /// Whose transaction IDs the request uses.
    pub scope: TransactionScope,
}
