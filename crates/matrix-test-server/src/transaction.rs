//! Transactions of clients: a repeated send is the same send.

/// Two sends with the same key are the same send: same requester, same path to the byte.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct TransactionKey {
    pub scope: TransactionScope,
    pub raw_path: String,
}

/// Whose transaction IDs these are: an access token's owner, and the device where one is named.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct TransactionScope {
    pub owner: String,
    pub device: Option<String>,
}
