//! Checks of the parsers that strangers reach: each takes any bytes, and panics if an invariant is
//! broken. libFuzzer runs them (`fuzz_targets/`), and so does `tests/corpora.rs` of the service.

pub mod event;
pub mod headers;
pub mod masking;
pub mod range;
pub mod token;
pub mod transaction;
