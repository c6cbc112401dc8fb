//! `legacy_links`: links that bridges made without this service.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use serde::Deserialize;
use url::Url;
use zeroize::Zeroizing;

use crate::legacy::{Format, HASH_LENGTHS, LegacyEntry, LegacyKey, LegacyLinks, MAX_HASH_LENGTH};

use super::{
    BridgeConfig, CheckEvent, Lifetime, LinksConfig,
    problems::Problems,
    secret::{self, Secret},
};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LegacyLinkFile {
    format: FormatFile,
    bridge: String,
    path: Option<String>,
    key: Option<Secret>,
    key_file: Option<PathBuf>,
    jwk_file: Option<PathBuf>,
    hash_length: Option<usize>,
    expiry: Option<bool>,
    lifetime: Option<Lifetime>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum FormatFile {
    AppserviceBridge,
    Heisenbridge,
    Mautrix,
    Unsigned,
}

/// The settings that the entries are checked against.
pub(super) struct Surroundings<'a> {
    pub(super) bridges: &'a [BridgeConfig],
    pub(super) links: Option<&'a LinksConfig>,
    pub(super) public_url: Option<&'a Url>,
    pub(super) folder: &'a Path,
}

pub(super) fn checked(
    files: Vec<LegacyLinkFile>,
    around: &Surroundings<'_>,
    problems: &mut Problems,
) -> LegacyLinks {
    let public_path = around.public_url.map_or("/", Url::path);
    let mut entries: Vec<(usize, LegacyEntry)> = Vec::new();
    for (index, file) in files.into_iter().enumerate() {
        let place = format!("legacy_links[{index}]");
        let Some(entry) = file.checked(&place, around, problems) else {
            continue;
        };
        if entry.overlaps_routes_below(public_path) {
            problems.add(
                format_args!("{place}.path"),
                "covers the routes below the path of public_url; allowed is a path beside them",
            );
        }
        for (other, earlier) in &entries {
            if is_unsigned(earlier) && is_unsigned(&entry) && earlier.bridge() == entry.bridge() {
                problems.add(
                    &place,
                    format_args!(
                        "is of the format unsigned and of the bridge {:?} like legacy_links[{other}]; one is enough",
                        entry.bridge()
                    ),
                );
            } else if entry.overlaps(earlier, public_path) {
                problems.add(
                    format_args!("{place}.path"),
                    format_args!(
                        "leads to the same places as the path of legacy_links[{other}]; each entry needs a path of its own"
                    ),
                );
            }
        }
        entries.push((index, entry));
    }
    LegacyLinks::new(entries.into_iter().map(|(_, entry)| entry).collect())
}

fn is_unsigned(entry: &LegacyEntry) -> bool {
    matches!(entry.format(), Format::Unsigned { .. })
}

impl LegacyLinkFile {
    fn checked(
        self,
        place: &str,
        around: &Surroundings<'_>,
        problems: &mut Problems,
    ) -> Option<LegacyEntry> {
        if !around.bridges.iter().any(|bridge| bridge.id == self.bridge) {
            problems.add(
                format_args!("{place}.bridge"),
                format_args!(
                    "found {:?}; allowed is the id of one of the bridges",
                    self.bridge
                ),
            );
        }
        self.refuse_foreign_keys(place, problems);
        let (bridge, path) = (self.bridge.clone(), self.path.clone());
        let format = self.format(place, around, problems)?;
        let path = path.unwrap_or_else(|| format.default_path().to_owned());
        match LegacyEntry::new(&bridge, format, &path) {
            Ok(entry) => Some(entry),
            Err(error) => {
                problems.add(
                    format_args!("{place}.path"),
                    format_args!("found {path:?}; {error}"),
                );
                None
            }
        }
    }

    /// Refuses keys that belong to another format.
    fn refuse_foreign_keys(&self, place: &str, problems: &mut Problems) {
        use FormatFile::{AppserviceBridge, Heisenbridge, Mautrix, Unsigned};
        for (name, is_given, formats, word) in [
            (
                "key",
                self.key.is_some(),
                &[Heisenbridge, Mautrix][..],
                "heisenbridge and mautrix",
            ),
            (
                "key_file",
                self.key_file.is_some(),
                &[Heisenbridge, Mautrix],
                "heisenbridge and mautrix",
            ),
            (
                "jwk_file",
                self.jwk_file.is_some(),
                &[AppserviceBridge],
                "appservice-bridge",
            ),
            (
                "hash_length",
                self.hash_length.is_some(),
                &[Mautrix],
                "mautrix",
            ),
            ("expiry", self.expiry.is_some(), &[Mautrix], "mautrix"),
            ("lifetime", self.lifetime.is_some(), &[Unsigned], "unsigned"),
        ] {
            if is_given && !formats.contains(&self.format) {
                problems.add(
                    format_args!("{place}.{name}"),
                    format_args!("is for the format {word}; leave it out"),
                );
            }
        }
    }

    fn format(
        self,
        place: &str,
        around: &Surroundings<'_>,
        problems: &mut Problems,
    ) -> Option<Format> {
        match self.format {
            FormatFile::AppserviceBridge => {
                let key = jwk(place, self.jwk_file.as_deref(), around.folder, problems)?;
                Some(Format::AppserviceBridge { key })
            }
            FormatFile::Heisenbridge => {
                let key = text_key(place, self.key, self.key_file, around.folder, problems)?;
                Some(Format::Heisenbridge { key })
            }
            FormatFile::Mautrix => {
                let hash_length = self.hash_length.unwrap_or(MAX_HASH_LENGTH);
                if !HASH_LENGTHS.contains(&hash_length) {
                    problems.add(
                        format_args!("{place}.hash_length"),
                        format_args!(
                            "found {hash_length}; allowed are {} to {} bytes: shorter ones can be guessed",
                            HASH_LENGTHS.start(),
                            HASH_LENGTHS.end()
                        ),
                    );
                }
                let key = text_key(place, self.key, self.key_file, around.folder, problems)?;
                HASH_LENGTHS
                    .contains(&hash_length)
                    .then_some(Format::Mautrix {
                        key,
                        hash_length,
                        expiry: self.expiry.unwrap_or(false),
                    })
            }
            FormatFile::Unsigned => {
                if around
                    .links
                    .is_some_and(|links| links.check_event != CheckEvent::Push)
                {
                    problems.add(
                        format_args!("{place}.format"),
                        "unsigned needs links.check_event: push, since its media is served until its events are redacted",
                    );
                }
                let lifetime = self.lifetime.or(around.links.map(|links| links.lifetime))?;
                let lifetime_ms = match lifetime {
                    Lifetime::Never => None,
                    Lifetime::For(span) => Some(within_bounds(span, place, problems)?),
                };
                Some(Format::Unsigned { lifetime_ms })
            }
        }
    }
}

fn within_bounds(span: Duration, place: &str, problems: &mut Problems) -> Option<i64> {
    let longest = u64::from(u32::MAX);
    if span < Duration::from_secs(1) || span.as_secs() > longest {
        problems.add(
            format_args!("{place}.lifetime"),
            format_args!(
                "found {}; allowed are 1s to {longest}s, or never",
                humantime::format_duration(span)
            ),
        );
        return None;
    }
    i64::try_from(span.as_millis()).ok()
}

/// Any text: the bridge's key, as its UTF-8.
fn text_key(
    place: &str,
    key: Option<Secret>,
    key_file: Option<PathBuf>,
    folder: &Path,
    problems: &mut Problems,
) -> Option<LegacyKey> {
    let path = format!("{place}.key");
    let key = secret::resolve_text(&path, key, key_file.as_deref(), folder, problems)?;
    let key = LegacyKey::new(key.expose().as_bytes());
    if key.is_none() {
        problems.add(path, "is empty; allowed is the key of the bridge");
    }
    key
}

fn jwk(
    place: &str,
    file: Option<&Path>,
    folder: &Path,
    problems: &mut Problems,
) -> Option<LegacyKey> {
    let path = format!("{place}.jwk_file");
    let Some(file) = file else {
        problems.add(
            path,
            "is missing; give it with the path of the bridge's JWK file",
        );
        return None;
    };
    let text = match std::fs::read_to_string(folder.join(file)) {
        Ok(text) => Zeroizing::new(text),
        Err(error) => {
            problems.add(
                path,
                format_args!("{} cannot be read: {error}", file.display()),
            );
            return None;
        }
    };
    match LegacyKey::from_jwk(&text) {
        Ok(key) => Some(key),
        Err(error) => {
            problems.add(path, format_args!("{}: {error}", file.display()));
            None
        }
    }
}

#[cfg(test)]
mod tests;
