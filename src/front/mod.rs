//! What is in front of the service, such as a reverse proxy with a cache or a CDN, is told when a link ends.

mod hooks;
mod purger;

pub use purger::FrontPurger;
