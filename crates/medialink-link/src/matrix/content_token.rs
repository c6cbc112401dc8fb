//! Content tokens (MSC3910): a download of media needs one beside the access token.

use std::fmt;

use zeroize::Zeroizing;

use super::error::GrammarError;

/// A content token: 1 to 255 of `[A-Za-z0-9._~-]`. Hidden from `Debug`; wiped when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct ContentToken(Zeroizing<String>);

impl ContentToken {
    /// Reads a content token by the grammar of MSC3910.
    ///
    /// # Errors
    /// If it is empty, longer than 255 bytes, or holds another character.
    pub fn parse(text: &str) -> Result<Self, GrammarError> {
        let refuse = |why| Err(GrammarError::new("a content token", why));
        if text.is_empty() {
            return refuse("it is empty");
        }
        if text.len() > 255 {
            return refuse("it is longer than 255 characters");
        }
        if !text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'~' | b'-'))
        {
            return refuse("it is made of letters, digits, '.', '_', '~' and '-'");
        }
        Ok(Self(Zeroizing::new(text.to_owned())))
    }

    /// The secret itself: for the `X-Matrix-Content-Token` header, the meta event and storage.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ContentToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ContentToken(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grammar_and_silence() {
        assert!(ContentToken::parse("a-._~Z09").is_ok());
        assert!(ContentToken::parse(&"a".repeat(255)).is_ok());
        for bad in ["", "a b", "a/b", "a=", "é", "a\n"] {
            assert!(ContentToken::parse(bad).is_err(), "{bad:?}");
        }
        assert!(ContentToken::parse(&"a".repeat(256)).is_err());
        let token = ContentToken::parse("hunter2").expect("valid");
        assert!(!format!("{token:?}").contains("hunter2"));
    }
}
