//! Values of links as the columns of their table hold them.

use medialink_event::{Appearance, Warning};
use medialink_link::matrix::FileKeys;

use crate::storage::sealer::{Open, Secret, SecretKind};

/// The key ID of links that none of our keys has signed.
pub(super) const NO_KEY: i64 = -1;

/// The keys of an encrypted file, about the usage of its medium.
pub(super) fn file_secret(file: Option<&FileKeys>, usage: i64) -> Option<Secret> {
    let file = file?;
    let bytes = [file.key.as_slice(), &file.iv, &file.sha256].concat();
    let kind = SecretKind::FileKeys;
    Some(Secret::new(kind, usage.to_string(), Open::Bytes(bytes)))
}

pub(super) fn file_keys(bytes: &[u8]) -> Option<FileKeys> {
    Some(FileKeys {
        key: bytes.get(..32)?.try_into().ok()?,
        iv: bytes.get(32..48)?.try_into().ok()?,
        sha256: bytes.get(48..80)?.try_into().ok()?,
    })
}

pub(super) fn non_empty(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

/// The columns of an [`Appearance`].
#[derive(sqlx::FromRow)]
pub(super) struct AppearanceColumns {
    width: Option<i64>,
    height: Option<i64>,
    duration_ms: Option<i64>,
    blurhash: Option<String>,
    warning: Option<String>,
    is_spoiler: Option<i64>,
}

impl From<AppearanceColumns> for Appearance {
    fn from(columns: AppearanceColumns) -> Self {
        let side = |pixels: Option<i64>| pixels.and_then(|side| u32::try_from(side).ok());
        Self {
            width: side(columns.width),
            height: side(columns.height),
            duration_ms: columns
                .duration_ms
                .and_then(|duration| u64::try_from(duration).ok()),
            blurhash: columns.blurhash,
            warning: columns.warning.map(|reason| Warning {
                is_spoiler: columns.is_spoiler == Some(1),
                reason: non_empty(reason),
            }),
        }
    }
}

pub(super) fn duration(appearance: &Appearance) -> Option<i64> {
    appearance
        .duration_ms
        .and_then(|duration| i64::try_from(duration).ok())
}

pub(super) fn is_spoiler(appearance: &Appearance) -> Option<i64> {
    let warning = appearance.warning.as_ref();
    warning.map(|warning| i64::from(warning.is_spoiler))
}

pub(super) fn warning(appearance: &Appearance) -> Option<&str> {
    let warning = appearance.warning.as_ref()?;
    Some(warning.reason.as_deref().unwrap_or_default())
}
