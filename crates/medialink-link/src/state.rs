//! The words for the form and the state of a link, in the API and in databases.

/// Which form a link has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkForm {
    /// 43 characters; the database holds the rest.
    Short,
    /// The token holds everything.
    SelfContained,
    /// A bridge made it, in a format and with a key of its own.
    Legacy,
}

/// Whether a link can be followed, and if not, how it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LinkState {
    /// It can be followed.
    Live,
    /// Its lifetime is over.
    Expired,
    /// It was revoked.
    Revoked,
    /// Its event was redacted.
    Redacted,
    /// It was followed as often as it may be.
    Spent,
    /// The homeserver no longer has its media.
    Gone,
}

macro_rules! words {
    ($name:ident { $($variant:ident = $word:literal),+ $(,)? }) => {
        impl $name {
            /// The word used in the API and in the database.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            /// Reads that word.
            #[must_use]
            pub fn parse(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}

words!(LinkForm {
    Short = "short",
    SelfContained = "self_contained",
    Legacy = "legacy",
});
words!(LinkState {
    Live = "live",
    Expired = "expired",
    Revoked = "revoked",
    Redacted = "redacted",
    Spent = "spent",
    Gone = "gone",
});
