//! Conversions that all identifiers share.

/// Implements, for a newtype over `String` with a `parse`, its conversions from and to text.
macro_rules! text_newtype {
    ($name:ident) => {
        impl $name {
            /// The text, as Matrix events have it.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl std::str::FromStr for $name {
            type Err = GrammarError;
            fn from_str(text: &str) -> Result<Self, GrammarError> {
                Self::parse(text)
            }
        }

        impl TryFrom<String> for $name {
            type Error = GrammarError;
            fn try_from(text: String) -> Result<Self, GrammarError> {
                Self::parse(&text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0
            }
        }
    };
}

pub(super) use text_newtype;
