//! Text from outside, such as the error of a homeserver, may repeat a secret that was sent there.
//! Here is the one place through which it passes before it is logged, answered or stored.

mod decoded;
mod forms;
mod known;
mod shapes;
#[cfg(test)]
mod tests;
mod text;

pub use known::know_secrets;
pub use text::{ForeignText, Masker, masked};
