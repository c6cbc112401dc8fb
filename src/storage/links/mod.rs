//! Links.

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
pub use end::Range;
pub(super) use end::{
    end, end_gone, end_of_key, end_one, end_shown_by, expire, last, revoke_legacy,
};
pub use find::{
    Repeated, beside, count_of_key, find, find_in, find_paste, find_repeated, legacy_in, of_event,
    of_usage, stored,
};
pub use follows::add_follows;
pub(super) use follows::take_follow;
pub use insert::{NewLink, NewPaste, insert, insert_all};
pub use list::list;
pub(super) use renew::update;
pub use renew::{Renewal, bound_by, revive};
pub use row::{LinkRow, Paste};
