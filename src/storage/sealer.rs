//! Secrets as rows hold them: sealed by AES-SIV (RFC 5297), which needs no nonce.
//!
//! The same secret about the same thing is sealed to the same value, so that rows are unique and compared
//! by sealed values as they are by open ones. A value that is moved to a row about something else, or to
//! another column, does not open. A text is sealed to a text that begins with [`MARK`].

use std::{fmt, sync::Arc};

use aes_siv::{KeyInit, siv::Aes256Siv};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

use super::StorageError;

/// The beginning of sealed texts. Neither content tokens nor JSON begin with it.
const MARK: char = '=';
/// The beginning of what stands in the place of a token that was wiped, which is no secret.
const WIPED: char = ' ';

/// The length of a data key in bytes: two keys of AES-256, for the MAC and for the cipher.
pub(super) const DATA_KEY: usize = 64;

/// What a secret is. Each kind is sealed apart from the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecretKind {
    /// A content token of a medium, about its mxc URI.
    ContentToken,
    /// The keys of an encrypted file, about the usage of its medium.
    FileKeys,
    /// The body of a meta event, which holds content tokens, about its `batch`.
    MetaEvent,
    /// A secret of the service itself, about its name.
    Own,
}

impl SecretKind {
    fn label(self) -> &'static str {
        match self {
            Self::ContentToken => "content token",
            Self::FileKeys => "file keys",
            Self::MetaEvent => "meta event",
            Self::Own => "own secret",
        }
    }

    /// What an error calls a value that does not open.
    fn unopened(self) -> StorageError {
        StorageError::Corrupt(match self {
            Self::ContentToken => "content token, which the root secret does not open",
            Self::FileKeys => "file key, which the root secret does not open",
            Self::MetaEvent => "meta event, which the root secret does not open",
            Self::Own => "secret, which the root secret does not open",
        })
    }
}

/// A secret on its way into a row.
#[derive(Clone)]
pub struct Secret {
    kind: SecretKind,
    about: String,
    open: Open,
}

/// The value of a secret, open or as its row holds it.
#[derive(Clone, PartialEq, Eq)]
pub enum Open {
    /// Of a column of texts.
    Text(String),
    /// Of a column of bytes.
    Bytes(Vec<u8>),
}

impl Secret {
    /// A secret of this kind about this.
    #[must_use]
    pub fn new(kind: SecretKind, about: impl Into<String>, open: Open) -> Self {
        Self {
            kind,
            about: about.into(),
            open,
        }
    }

    /// A content token; empty: none.
    #[must_use]
    pub fn token(mxc: impl Into<String>, token: &str) -> Self {
        Self::new(SecretKind::ContentToken, mxc, Open::Text(token.to_owned()))
    }

    /// The value that its row gets.
    ///
    /// # Errors
    /// If the cipher fails, which it never does.
    pub fn sealed(&self, sealing: &Sealing) -> Result<Open, StorageError> {
        sealing.seal(self.kind, &self.about, &self.open)
    }
}

/// Seals and opens by the data key of one database.
pub(super) struct Sealer(Zeroizing<[u8; DATA_KEY]>);

impl Sealer {
    pub(super) fn new(key: Zeroizing<[u8; DATA_KEY]>) -> Self {
        Self(key)
    }

    fn cipher(&self) -> Aes256Siv {
        Aes256Siv::new(&(*self.0).into())
    }

    pub(super) fn seal(&self, label: &str, about: &str, open: &[u8]) -> Option<Vec<u8>> {
        self.cipher().encrypt([label, about], open).ok()
    }

    pub(super) fn unseal(&self, label: &str, about: &str, sealed: &[u8]) -> Option<Vec<u8>> {
        self.cipher().decrypt([label, about], sealed).ok()
    }
}

/// How the secrets of a database are kept: sealed, or open as on SQLite without a root secret. Clones share
/// the key.
#[derive(Clone, Default)]
pub struct Sealing(Option<Arc<Sealer>>);

impl fmt::Debug for Sealing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() {
            "Sealing(…)"
        } else {
            "Sealing(none)"
        })
    }
}

impl Sealing {
    /// By this data key.
    pub(super) fn by(sealer: Sealer) -> Self {
        Self(Some(Arc::new(sealer)))
    }

    /// A secret as its row holds it.
    pub(super) fn seal(
        &self,
        kind: SecretKind,
        about: &str,
        open: &Open,
    ) -> Result<Open, StorageError> {
        let Some(sealer) = &self.0 else {
            return Ok(open.clone());
        };
        let seal = |bytes: &[u8]| {
            let sealed = sealer.seal(kind.label(), about, bytes);
            sealed.ok_or(StorageError::Corrupt("secret, which cannot be sealed"))
        };
        Ok(match open {
            Open::Text(text) if text.is_empty() || text.starts_with(WIPED) => open.clone(),
            Open::Text(text) => {
                let mut sealed = String::from(MARK);
                URL_SAFE_NO_PAD.encode_string(seal(text.as_bytes())?, &mut sealed);
                Open::Text(sealed)
            }
            Open::Bytes(bytes) => Open::Bytes(seal(bytes)?),
        })
    }

    /// A text that a row holds.
    pub(in crate::storage) fn open_text(
        &self,
        kind: SecretKind,
        about: &str,
        stored: String,
    ) -> Result<String, StorageError> {
        let Some(sealer) = &self.0 else {
            return Ok(stored);
        };
        if stored.is_empty() || stored.starts_with(WIPED) {
            return Ok(stored);
        }
        let opened = || {
            let sealed = URL_SAFE_NO_PAD.decode(stored.strip_prefix(MARK)?).ok()?;
            let open = sealer.unseal(kind.label(), about, &sealed)?;
            String::from_utf8(open).ok()
        };
        opened().ok_or_else(|| kind.unopened())
    }

    /// Bytes that a row holds.
    pub(in crate::storage) fn open_bytes(
        &self,
        kind: SecretKind,
        about: &str,
        stored: Vec<u8>,
    ) -> Result<Vec<u8>, StorageError> {
        let Some(sealer) = &self.0 else {
            return Ok(stored);
        };
        let open = sealer.unseal(kind.label(), about, &stored);
        open.ok_or_else(|| kind.unopened())
    }

    /// A content token that a row holds; empty: none.
    pub(in crate::storage) fn open_token(
        &self,
        mxc: &str,
        stored: String,
    ) -> Result<String, StorageError> {
        self.open_text(SecretKind::ContentToken, mxc, stored)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const KINDS: [SecretKind; 4] = [
        SecretKind::ContentToken,
        SecretKind::FileKeys,
        SecretKind::MetaEvent,
        SecretKind::Own,
    ];

    fn sealing(key: u8) -> Sealing {
        Sealing::by(Sealer::new(Zeroizing::new([key; DATA_KEY])))
    }

    fn sealed_text(by: &Sealing, kind: SecretKind, about: &str, text: &str) -> String {
        match by.seal(kind, about, &Open::Text(text.to_owned())) {
            Ok(Open::Text(sealed)) => sealed,
            _ => panic!("no text"),
        }
    }

    fn sealed_bytes(by: &Sealing, kind: SecretKind, about: &str, bytes: &[u8]) -> Vec<u8> {
        match by.seal(kind, about, &Open::Bytes(bytes.to_vec())) {
            Ok(Open::Bytes(sealed)) => sealed,
            _ => panic!("no bytes"),
        }
    }

    /// The value is that of another implementation (OpenSSL's, by the Python package `cryptography`).
    #[test]
    fn a_value_is_sealed_as_it_always_was() {
        let sealed = sealed_text(
            &sealing(7),
            SecretKind::ContentToken,
            "mxc://example.org/a",
            "a-token",
        );
        assert_eq!(sealed, "=i0w_OcYP_h2jgxYXi6rm9pBIJC0cKpc");
    }

    #[test]
    fn nothing_and_what_was_wiped_stay_as_they_are() {
        for text in ["", " 17"] {
            let sealed = sealed_text(&sealing(1), SecretKind::ContentToken, "a", text);
            assert_eq!(sealed, text);
            assert_eq!(sealing(1).open_token("a", sealed).expect("opens"), text);
        }
    }

    #[test]
    fn a_token_that_was_never_sealed_is_not_taken_for_one_that_was() {
        assert!(sealing(1).open_token("a", "token".to_owned()).is_err());
        assert!(!format!("{:?}", sealing(65)).contains("65"));
    }

    proptest! {
        #[test]
        fn what_is_sealed_opens_where_it_belongs_alone(
            text in "[^ ].{0,300}", bytes in proptest::collection::vec(any::<u8>(), 0..200),
            about in ".{0,40}", other in ".{0,40}", kind in 0..4_usize, other_kind in 0..4_usize,
        ) {
            let (by, kind, other_kind) = (sealing(1), KINDS[kind], KINDS[other_kind]);
            let sealed = sealed_text(&by, kind, &about, &text);
            prop_assert_eq!(&sealed, &sealed_text(&by, kind, &about, &text));
            prop_assert_eq!(by.open_text(kind, &about, sealed.clone()).expect("opens"), text);
            let sealed_too = sealed_bytes(&by, kind, &about, &bytes);
            prop_assert_eq!(by.open_bytes(kind, &about, sealed_too.clone()).expect("opens"), bytes);
            // Another row, another column, another key.
            if about != other {
                prop_assert!(by.open_text(kind, &other, sealed.clone()).is_err());
                prop_assert!(by.open_bytes(kind, &other, sealed_too.clone()).is_err());
            }
            if kind != other_kind {
                prop_assert!(by.open_text(other_kind, &about, sealed.clone()).is_err());
                prop_assert!(by.open_bytes(other_kind, &about, sealed_too.clone()).is_err());
            }
            prop_assert!(sealing(2).open_text(kind, &about, sealed).is_err());
            prop_assert!(sealing(2).open_bytes(kind, &about, sealed_too).is_err());
        }

        #[test]
        fn what_was_tampered_with_does_not_open(
            bytes in proptest::collection::vec(any::<u8>(), 1..200), at in any::<prop::sample::Index>(), flip in 1..=255_u8,
            cut in any::<prop::sample::Index>(),
        ) {
            let by = sealing(1);
            let sealed = sealed_bytes(&by, SecretKind::FileKeys, "1", &bytes);
            let mut changed = sealed.clone();
            changed[at.index(sealed.len())] ^= flip;
            prop_assert!(by.open_bytes(SecretKind::FileKeys, "1", changed).is_err());
            let cut = sealed[..cut.index(sealed.len())].to_vec();
            prop_assert!(by.open_bytes(SecretKind::FileKeys, "1", cut).is_err());
        }

        #[test]
        fn whatever_a_row_holds_is_opened_or_refused(text in ".{0,300}", bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let by = sealing(1);
            let opened = by.open_token("a", text.clone());
            prop_assert_eq!(opened.is_ok(), text.is_empty() || text.starts_with(' '));
            prop_assert!(by.open_bytes(SecretKind::Own, "a", bytes).is_err());
        }
    }
}
