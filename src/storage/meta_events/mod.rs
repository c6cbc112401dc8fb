//! The outbox: meta events, from the wish to send them to their redaction.
//!
//! Every function here fails with [`StorageError`](super::StorageError) if the database does.

mod copies;
mod insert;
mod queue;
mod report;
mod review;
mod row;
mod settle;

pub use copies::{CopySource, copy_source, note_copy, replace_copy};
pub use insert::{NewMetaEvent, insert};
pub use queue::{any_due, claim, make_due, postpone, release_claims, send_again};
pub use report::{
    MetaEventSummary, NextTimes, count_due, count_usages, count_waiting, list, next_times,
};
pub use review::{
    Member, ReviewedEvent, review_by, review_room, start_redaction, start_review, to_review,
};
pub use row::{ClaimedEvent, Task};
pub use settle::{GiveUp, count_queued, give_up, settle_redacted, settle_sent};
