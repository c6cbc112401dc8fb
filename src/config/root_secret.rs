//! The root secret, under which secrets in the database are sealed.

use std::{fmt, os::unix::fs::MetadataExt as _, path::Path};

use base64::{
    Engine, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use zeroize::Zeroizing;

use crate::telemetry::know_secrets;

/// What a line of the file may be.
const ALLOWED: &str = "allowed is 32 random bytes on each line, as 43 characters of base64url or base64, or as 64 of \
     hex: openssl rand -base64 32";

const LENIENT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);

/// The root secret, and those that it has replaced. Hidden from `Debug`; wiped when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct RootSecret(Vec<Zeroizing<[u8; 32]>>);

impl fmt::Debug for RootSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RootSecret(…)")
    }
}

impl RootSecret {
    /// Reads a file with a secret on each line: the first seals, all of them open.
    ///
    /// # Errors
    /// What is wrong with the file, without what stands there.
    pub fn read(path: &Path) -> Result<Self, String> {
        let shown = path.display();
        let unreadable = |error: std::io::Error| format!("{shown} cannot be read: {error}");
        let mode = std::fs::metadata(path).map_err(unreadable)?.mode() & 0o777;
        if mode & 0o007 != 0 {
            return Err(format!(
                "{shown} has the mode {mode:04o}, so that everybody can read or change it; allowed is 0600: \
                 chmod 600 {shown}"
            ));
        }
        let text = std::fs::read_to_string(path).map_err(unreadable)?;
        Self::parse(&Zeroizing::new(text)).map_err(|why| format!("{shown}: {why}"))
    }

    /// Reads the text of such a file.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let lines = text.lines().map(str::trim).enumerate();
        let mut secrets = Vec::new();
        for (index, line) in lines.filter(|(_, line)| !line.is_empty()) {
            know_secrets([line]);
            let secret = bytes(line).ok_or_else(|| {
                let (line, length) = (index + 1, line.chars().count());
                format!("line {line} is no root secret: found {length} characters; {ALLOWED}")
            })?;
            secrets.push(secret);
        }
        if secrets.is_empty() {
            return Err(format!("is empty; {ALLOWED}"));
        }
        Ok(Self(secrets))
    }

    /// The secrets: the one that seals, then those that only open.
    pub fn secrets(&self) -> impl Iterator<Item = &[u8; 32]> {
        self.0.iter().map(|secret| &**secret)
    }
}

fn bytes(line: &str) -> Option<Zeroizing<[u8; 32]>> {
    let decoded = if line.len() == 64 {
        let pair = |at: usize| u8::from_str_radix(line.get(at..at + 2)?, 16).ok();
        let is_hex = line.bytes().all(|byte| byte.is_ascii_hexdigit());
        let pairs = is_hex.then(|| (0..64).step_by(2).map(pair).collect::<Option<Vec<u8>>>());
        pairs.flatten()?
    } else {
        let alphabet = if line.contains(['+', '/']) {
            &alphabet::STANDARD
        } else {
            &alphabet::URL_SAFE
        };
        GeneralPurpose::new(alphabet, LENIENT).decode(line).ok()?
    };
    let decoded = Zeroizing::new(decoded);
    let secret = <[u8; 32]>::try_from(decoded.as_slice());
    secret.ok().map(Zeroizing::new)
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

    use super::*;

    fn first(text: &str) -> Result<[u8; 32], String> {
        let read = RootSecret::parse(text)?;
        Ok(*read.secrets().next().expect("one"))
    }

    #[test]
    fn a_secret_is_read_in_each_of_its_forms() {
        let secret: [u8; 32] = std::array::from_fn(|n| 255 - 5 * n as u8);
        let hex: String = secret.iter().map(|byte| format!("{byte:02X}")).collect();
        for text in [
            URL_SAFE_NO_PAD.encode(secret),
            STANDARD.encode(secret),
            hex.to_lowercase(),
            format!("\n {hex}\r\n"),
        ] {
            assert_eq!(first(&text), Ok(secret), "{text}");
        }
        let two = format!("{hex}\n{}\n", STANDARD.encode([1; 32]));
        let two = RootSecret::parse(&two).expect("two");
        assert_eq!(two.secrets().collect::<Vec<_>>(), [&secret, &[1; 32]]);
        assert!(!format!("{two:?}").contains("255"));
    }

    #[test]
    fn what_is_no_secret_is_refused_and_not_repeated() {
        for text in [
            "",
            "\n\n",
            "hunter2",
            &"z".repeat(64),
            &"A".repeat(42),
            &"ü".repeat(32),
        ] {
            let error = first(text).expect_err("refused");
            assert!(
                error.contains("allowed") && !error.contains("hunter2"),
                "{error}"
            );
        }
    }
}
