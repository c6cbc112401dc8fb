//! What is known of the bytes of media.

use std::sync::Arc;

use crate::{
    storage::{StorageError, screened_media::ScreenedMedium},
    telemetry::ForeignText,
};

/// The longest name of a finding that is remembered, in characters.
const MAX_NAME: usize = 100;

/// What a scanner has said of media.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Scanned {
    /// None was asked.
    NotAsked,
    /// Nothing is in it.
    Clean,
    /// Something is in it; the scanner's name of it.
    Found(Arc<str>),
    /// It is larger than the scanner takes.
    TooLarge,
    /// Nothing is known: the scanner has failed.
    Failed,
}

impl Scanned {
    /// A finding, by the scanner's name of it.
    pub(super) fn found(name: &str) -> Self {
        let name: String = ForeignText::new(name)
            .as_str()
            .chars()
            .take(MAX_NAME)
            .collect();
        Self::Found(name.into())
    }

    /// As metrics name it.
    pub(super) fn outcome(&self) -> &'static str {
        match self {
            Self::NotAsked => "not_asked",
            Self::Clean => "clean",
            Self::Found(_) => "found",
            Self::TooLarge => "too_large",
            Self::Failed => "failed",
        }
    }
}

/// What is known of the bytes of a medium.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Known {
    /// The SHA-256 of the bytes, decrypted.
    pub(super) sha256: [u8; 32],
    /// What a scanner has said of them.
    pub(super) scanned: Scanned,
}

impl Known {
    /// As the database has it.
    pub(super) fn stored(&self) -> ScreenedMedium {
        let scan = match &self.scanned {
            Scanned::NotAsked | Scanned::Failed => String::new(),
            Scanned::Found(name) => format!("found {name}"),
            Scanned::Clean | Scanned::TooLarge => self.scanned.outcome().to_owned(),
        };
        ScreenedMedium {
            sha256: self.sha256.to_vec(),
            scan,
        }
    }

    /// Reads what the database has.
    pub(super) fn read(stored: ScreenedMedium) -> Result<Self, StorageError> {
        let sha256 = stored.sha256.try_into();
        let sha256 = sha256.map_err(|_| StorageError::Corrupt("SHA-256 of media"))?;
        let scanned = match (&*stored.scan, stored.scan.strip_prefix("found ")) {
            ("", _) => Scanned::NotAsked,
            ("clean", _) => Scanned::Clean,
            ("too_large", _) => Scanned::TooLarge,
            (_, Some(name)) => Scanned::Found(name.into()),
            _ => return Err(StorageError::Corrupt("outcome of a scan")),
        };
        Ok(Self { sha256, scanned })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stored_is_read_again_but_no_failure() {
        let known = |scanned| Known {
            sha256: [7; 32],
            scanned,
        };
        for scanned in [
            Scanned::NotAsked,
            Scanned::Clean,
            Scanned::TooLarge,
            Scanned::found("Eicar-Test-Signature"),
        ] {
            let known = known(scanned);
            assert_eq!(Known::read(known.stored()).expect("read"), known);
        }
        let read = Known::read(known(Scanned::Failed).stored()).expect("read");
        assert_eq!(read.scanned, Scanned::NotAsked);
        let other = ScreenedMedium {
            sha256: vec![7; 32],
            scan: "fine".to_owned(),
        };
        Known::read(other).expect_err("no outcome");
    }
}
