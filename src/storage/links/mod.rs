//! Links.

/// The decision by which a live link `l` has ended whose row does not show it yet.
macro_rules! decided_end {
    () => {
        "SELECT e.state FROM endings e WHERE e.finished_at IS NULL AND l.id <= e.up_to AND l.state = 'live' \
         AND (l.expires_at IS NULL OR l.expires_at > e.decided_at) \
         AND COALESCE(e.bridge, l.bridge) = l.bridge \
         AND (e.room_id IS NULL OR l.room = (SELECT i.id FROM matrix_ids i WHERE i.matrix_id = e.room_id)) \
         AND COALESCE(e.event_id, l.event_id) = l.event_id AND COALESCE(e.shown_by, l.shown_by) = l.shown_by \
         AND (e.mxc IS NULL OR EXISTS \
         (SELECT 1 FROM media_references u WHERE u.id = l.media_reference_id AND u.mxc = e.mxc)) \
         AND (e.sender IS NULL OR (e.sender = '' AND l.sender IS NULL) \
         OR l.sender = (SELECT i.id FROM matrix_ids i WHERE i.matrix_id = e.sender)) \
         AND COALESCE(e.key_id, l.key_id) = l.key_id \
         AND (l.issued_at < COALESCE(e.issued_before_at, l.issued_at + 1) OR l.form = 'legacy')"
    };
}

mod columns;
mod criteria;
mod doubt;
mod end;
mod find;
mod follows;
mod insert;
mod list;
mod renew;
mod row;

pub use criteria::Criteria;
pub use doubt::set_doubted;
pub(super) use doubt::{doubt_event, trust_room};
pub(super) use end::Range;
pub(super) use end::{end, end_gone, end_live, expire, last, live_of_events, revoke_legacy};
pub use find::{
    Repeated, beside, count_of_key, ended_of_usage, find, find_all, find_in, find_paste,
    find_repeated, legacy_in, of_event, of_usage, stored,
};
pub(super) use follows::take_follow;
pub use follows::{Counted, add_follows};
pub use insert::{NewLink, NewPaste, insert, insert_all};
pub use list::{count_by_bridge, list};
pub(super) use renew::update;
pub use renew::{Renewal, bound_by, revive};
pub use row::{LinkRow, Paste};
