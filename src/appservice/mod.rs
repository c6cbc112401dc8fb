//! What the homeserver tells its appservices (Application Service API): what is of interest in a
//! transaction, what follows from it, and the way on to the bridge behind us.

mod forward;
mod glob;
mod incoming;
mod occurrence;

pub use forward::{ForwardError, Forwarded, Forwarder, Handed};
pub use incoming::{ActError, Incoming};
pub use occurrence::{EventContent, Occurrence, Transaction, TransactionError};
