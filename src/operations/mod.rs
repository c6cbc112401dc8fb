//! What operators do, by commands and by the console alike: each deed is one function here, and writes into the audit
//! log who has done it.

mod audit;
mod deny;
mod key_end;
mod key_home;
mod keys;
mod links;
mod pasted;
mod policy;
mod reports;
mod takedown;
mod usage;

pub use audit::{Auditor, system_user};
pub use deny::{LONGEST_REASON, add as deny, check_reason, remove as undeny};
pub use key_end::{EndingKey, retire as retire_key, revoke as revoke_key};
pub use key_home::{KeyHome, KeyHomeError, import as import_keys};
pub use keys::rotate as rotate_keys;
pub use links::{RecordedLink, count_live, find_link, revoke_matching, revoke_one};
pub use pasted::{PastedLink, is_link_id};
pub use policy::{NewPolicy, PolicyError, set as set_policy};
pub use reports::mark as mark_report;
pub use takedown::{Takedown, TakedownError, TakenDown};
pub use usage::retry as retry_usage;
