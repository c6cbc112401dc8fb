//! From a path to an entry, and from there, by the entry's key, to a link.

use medialink_link::{NotALink, matrix::MxcUri};

use super::{
    appservice_bridge,
    entry::LegacyEntry,
    format::Format,
    heisenbridge,
    link::{LegacyLink, link_id},
    mautrix,
    path::{Parts, stripped},
};

/// All entries of `legacy_links`.
#[derive(Debug, Clone, Default)]
pub struct LegacyLinks {
    entries: Vec<LegacyEntry>,
}

impl LegacyLinks {
    /// Entries whose paths do not overlap.
    #[must_use]
    pub fn new(entries: Vec<LegacyEntry>) -> Self {
        Self { entries }
    }

    /// The entries, in the order of the configuration.
    #[must_use]
    pub fn entries(&self) -> &[LegacyEntry] {
        &self.entries
    }

    /// Whether a bridge makes links of its own. Then it matters which media its rooms show.
    #[must_use]
    pub fn has(&self, bridge: &str) -> bool {
        self.entries.iter().any(|entry| entry.bridge() == bridge)
    }

    /// Whether some of them are signed.
    #[must_use]
    pub fn has_signed(&self, bridge: &str) -> bool {
        self.entries.iter().any(|entry| {
            entry.bridge() == bridge && !matches!(entry.format(), Format::Unsigned { .. })
        })
    }

    /// For how long media that a bridge has shown is served without a signature, in milliseconds
    /// (inside: `None`, for ever); `None`: it is not.
    #[must_use]
    pub fn unsigned_lifetime_ms(&self, bridge: &str) -> Option<Option<i64>> {
        self.entries.iter().find_map(|entry| match entry.format() {
            Format::Unsigned { lifetime_ms } if entry.bridge() == bridge => Some(*lifetime_ms),
            _ => None,
        })
    }

    /// The entry that a path leads to, below `public_path`, the path of `public_url`, or at the root:
    /// a reverse proxy may strip that or not. `path`: percent-decoded once, but for `/`, `%` and `+`;
    /// characters that are still encoded are of no grammar, so that such a path fails.
    #[must_use]
    pub fn find_below<'p>(&'p self, public_path: &str, path: &'p str) -> Option<LegacyPath<'p>> {
        stripped(path, public_path)
            .and_then(|rest| self.find(rest))
            .or_else(|| self.find(path))
    }

    pub(super) fn find<'p>(&'p self, path: &'p str) -> Option<LegacyPath<'p>> {
        self.entries.iter().find_map(|entry| {
            let parts = entry.read(path)?;
            Some(LegacyPath { entry, parts })
        })
    }
}

/// A path that leads to an entry, not looked at any further.
#[derive(Clone, Copy)]
pub struct LegacyPath<'p> {
    entry: &'p LegacyEntry,
    parts: Parts<'p>,
}

impl LegacyPath<'_> {
    /// The route that log lines and metrics name.
    #[must_use]
    pub fn route(&self) -> &'static str {
        self.entry.format().route()
    }

    /// Checks its signature, whole and in constant time, and that it names nothing but media.
    ///
    /// # Errors
    /// [`NotALink`], whatever is wrong with it.
    pub fn verify(&self) -> Result<LegacyLink, NotALink> {
        let Parts {
            server,
            media_id,
            tag,
        } = self.parts;
        let mxc = || MxcUri::from_parts(server, media_id).ok();
        let read = match self.entry.format() {
            Format::AppserviceBridge { key } => appservice_bridge::read(key, tag),
            Format::Heisenbridge { key } => mxc()
                .filter(|mxc| heisenbridge::is_signed(key, mxc, tag))
                .map(|mxc| (mxc, None)),
            Format::Mautrix {
                key,
                hash_length,
                expiry,
            } => mxc().and_then(|mxc| {
                let expires_at_ms = mautrix::read(key, *hash_length, *expiry, &mxc, tag)?;
                Some((mxc, expires_at_ms))
            }),
            Format::Unsigned { .. } => mxc().map(|mxc| (mxc, None)),
        };
        let (mxc, expires_at_ms) = read.ok_or(NotALink)?;
        let link_id = link_id(
            self.entry.bridge(),
            self.entry.format().name(),
            &mxc,
            expires_at_ms,
        );
        Ok(LegacyLink {
            link_id,
            bridge: self.entry.bridge().to_owned(),
            mxc,
            expires_at_ms,
            is_signed: !matches!(self.entry.format(), Format::Unsigned { .. }),
        })
    }
}
