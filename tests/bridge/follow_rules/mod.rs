//! The finer rules of a followed link: who may keep it, what its page uses up, what its name can do,
//! and what keys, revocations and redactions do to links in use.

mod parts_and_ages;
mod preconditions;
mod refusals;
mod safety;
mod scene;
mod signed_elsewhere;
mod types;
