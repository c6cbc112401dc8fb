//! The outbox: meta events, from the wish to send them to their redaction.
//!
//! Every function here fails with [`StorageError`](super::StorageError) if the database does.

mod claim;
mod copies;
mod insert;
mod queue;
mod report;
mod rests;
mod review;
mod row;
mod settle;
mod times;

#[cfg(test)]
mod tests;

pub use claim::{
    Wanted, any_claimable, claim, free_all_claims, free_claims_of, free_ended_claims, hold,
};
pub use copies::{CopySource, NewCopy, copy_sources, note_copies, replace_copies};
pub use insert::{NewMetaEvent, insert};
pub use queue::{make_due, postpone, send_again};
pub use report::{
    Backlog, MetaEventSummary, backlog, count_by_bridge, count_due, count_usages, count_waiting,
    list,
};
pub use rests::{end as end_rest, note_failure, rest};
pub use review::{
    Counted, Member, ReviewedEvent, review_all_by, review_by, review_room, start_redaction,
    start_review, to_review,
};
pub use row::{Claim, ClaimedEvent, Task};
pub use settle::{GiveUp, count_queued, give_up, settle_found, settle_redacted, settle_sent};
pub use times::{NextTimes, next_expiry, next_times};
