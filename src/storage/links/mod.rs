//! Links.

mod columns;
mod criteria;
mod end;
mod find;
mod follows;
mod insert;
mod renew;
mod row;

pub use criteria::Criteria;
pub(super) use end::{end, end_of_key, end_one, end_shown_by, expire, revoke_legacy};
pub use find::{
    count_of_key, find, find_in, find_paste, find_repeated, legacy_in, list, of_event, of_usage,
    stored,
};
pub use follows::add_follows;
pub(super) use follows::take_follow;
pub use insert::{NewLink, NewPaste, insert};
pub(super) use renew::update;
pub use renew::{Renewal, bound_by, revive};
pub use row::{LinkRow, Paste};
