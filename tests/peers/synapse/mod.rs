//! A real Synapse for a test. It is installed by `tests/setup-synapse.sh`.

mod accounts;
mod configuration;
mod requests;
mod server;
mod user;

pub use requests::{answer, succeed};
pub use server::Synapse;
pub use user::User;
