//! What signs the forms of the console.

/// The secret that signs the forms of users whom a proxy knows. It has no `Debug`.
#[derive(Clone)]
pub struct ConsoleSecret(pub [u8; 32]);
