//! A homeserver that fails in every way: everything is counted exactly once in the end.

mod crossings;
mod doubts;
mod play;
mod refusals;
mod retries;
