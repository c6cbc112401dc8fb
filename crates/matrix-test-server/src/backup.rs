//! A backup of what happens in rooms.

use std::collections::HashMap;

use crate::access::Access;
use crate::room::Room;
use crate::transaction::TransactionKey;

/// The rooms as they were, and what came with them. Accounts, devices, the files of media and what
/// waits for appservices are no part of it.
#[derive(Debug, Clone)]
pub(super) struct Backup {
    pub rooms: HashMap<String, Room>,
    pub transactions: HashMap<TransactionKey, String>,
    /// By media ID, what the medium was attached to.
    pub access: HashMap<String, Access>,
}
