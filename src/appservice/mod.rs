//! What the homeserver pushes to its appservices (Application Service API): the meaning of a
//! transaction, what follows from it, and the way on to the bridge behind us.

mod answers;
mod asker;
mod envelope;
mod event;
mod forward;
mod incoming;
mod invites;
mod occurrence;
mod room_questions;
mod transaction;

pub use asker::Asker;
pub use forward::{BridgeAnswer, ForwardError, ForwardedRequest, Forwarder};
pub use incoming::{Incoming, Plan};
pub use occurrence::{EventContent, Membership, Occurrence};
pub use transaction::{Transaction, TransactionError};
