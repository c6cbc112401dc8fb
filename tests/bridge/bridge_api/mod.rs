//! The API that bridges use.

mod batches;
mod bridges;
mod issuing;
mod limits;
mod listing_and_revoking;
mod refusals;
mod secrets;
