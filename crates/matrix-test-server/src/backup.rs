//! A backup of rooms.

use std::collections::HashMap;

use crate::access::Access;
use crate::room::Room;
use crate::transaction::TransactionKey;

/// The rooms at one time, with their transactions and attachments. Accounts, devices, the files of
/// media and the events that wait for appservices are no part of it.
#[derive(Debug, Clone)]
pub(super) struct Backup {
    pub rooms: HashMap<String, Room>,
    pub transactions: HashMap<TransactionKey, String>,
    /// The access of each medium, by media ID.
    pub access: HashMap<String, Access>,
}
