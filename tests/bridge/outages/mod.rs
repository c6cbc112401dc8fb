//! Outages of the server of the database: what goes on, what is refused, and what is there afterwards.

mod pool;
mod read_only;
mod scene;
mod server;
mod takeover;
mod wire;
