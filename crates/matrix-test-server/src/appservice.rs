//! Registered appservices.

use std::fmt;

/// A registered appservice (Application Service API, "Registration").
#[derive(Clone)]
pub struct Appservice {
    /// The registration's `id`.
    pub id: String,
    /// The token that the appservice shows to the homeserver.
    pub as_token: String,
    /// The token that the homeserver shows to the appservice.
    pub hs_token: String,
    /// Where transactions go; None: nowhere.
    pub url: Option<String>,
    /// The full user ID of `sender_localpart`. It needs no registering.
    pub sender: String,
    /// The users that belong to it exclusively: prefixes of user IDs, or, with a `*` in them,
    /// patterns of whole ones, `@irc_*:example.org`. The `.*` and `\.` of registrations'
    /// expressions are understood too; other regular expressions are not.
    pub users: Vec<String>,
}

impl Appservice {
    /// Whether `user_id` is the sender or in the namespace.
    #[must_use]
    pub fn covers(&self, user_id: &str) -> bool {
        user_id == self.sender
            || self.users.iter().any(|pattern| {
                if pattern.contains('*') {
                    let plain = pattern.replace(".*", "*").replace('\\', "");
                    wildmatch::WildMatch::new(&plain).matches(user_id)
                } else {
                    user_id.starts_with(pattern.as_str())
                }
            })
    }
}

impl fmt::Debug for Appservice {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Appservice")
            .field("id", &self.id)
            .field("url", &self.url)
            .field("sender", &self.sender)
            .field("users", &self.users)
            .finish_non_exhaustive()
    }
}
