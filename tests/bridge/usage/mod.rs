//! Usage: what is counted, and until when.

mod random_steps;
mod requests;
mod rules;
