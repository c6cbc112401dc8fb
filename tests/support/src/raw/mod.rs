//! HTTP to the byte: a homeserver that says whatever a test wants, and a client that sees
//! whether an answer came to its end.

mod client;
mod server;

pub use client::{RawAnswer, get, request};
pub use server::{Plan, RawServer, asks_for_policy, say, say_all, say_error};
