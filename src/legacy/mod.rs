//! Links that bridges make by themselves, with keys of their own (`legacy_links`). Pure: no I/O,
//! no clock. From a path to an entry of the configuration, and from there, by the entry's key, to a
//! [`LegacyLink`]; nothing else makes one.

mod appservice_bridge;
mod heisenbridge;
mod jwk;
mod key;
mod mautrix;
mod path;
#[cfg(test)]
mod tests;

use medialink_link::{LinkId, NotALink, matrix::MxcUri};

pub use jwk::JwkError;
pub use key::LegacyKey;
pub use mautrix::{HASH_LENGTHS, MAX_HASH_LENGTH};
pub use path::{PathError, stripped};

use self::path::{Parts, Pattern};

/// The latest time that a link may end at, in milliseconds since the epoch: that of the year
/// 275760, where dates of JavaScript end. What is later was not meant as a time.
const LATEST_MS: i64 = 8_640_000_000_000_000;

/// How links are written and signed.
#[derive(Debug, Clone)]
pub enum Format {
    /// The `MediaProxy` of matrix-appservice-bridge.
    AppserviceBridge {
        /// The key of its JWK file.
        key: LegacyKey,
    },
    /// heisenbridge.
    Heisenbridge {
        /// Its `media_key`, or else the `hs_token` of its registration.
        key: LegacyKey,
    },
    /// `public_media` of mautrix bridges, without its database.
    Mautrix {
        /// Its `signing_key`.
        key: LegacyKey,
        /// How many bytes of the HMAC its links carry: see [`HASH_LENGTHS`].
        hash_length: usize,
        /// Whether its links tell when they end.
        expiry: bool,
    },
    /// Nothing is signed: served is what was seen in an event.
    Unsigned {
        /// For how long after that, in milliseconds; `None`: for ever.
        lifetime_ms: Option<i64>,
    },
}

impl Format {
    /// The word for it in the configuration.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::AppserviceBridge { .. } => "appservice-bridge",
            Self::Heisenbridge { .. } => "heisenbridge",
            Self::Mautrix { .. } => "mautrix",
            Self::Unsigned { .. } => UNSIGNED,
        }
    }

    /// The path that its package uses if nothing else is configured there.
    #[must_use]
    pub fn default_path(&self) -> &'static str {
        match self {
            Self::AppserviceBridge { .. } | Self::Unsigned { .. } => "/",
            Self::Heisenbridge { .. } => heisenbridge::DEFAULT_PATH,
            Self::Mautrix { .. } => "/_mautrix/publicmedia",
        }
    }

    /// The route that log lines and metrics name, since paths hold secrets.
    fn route(&self) -> &'static str {
        match self {
            Self::AppserviceBridge { .. } => "legacy_links/appservice-bridge",
            Self::Heisenbridge { .. } => "legacy_links/heisenbridge",
            Self::Mautrix { .. } => "legacy_links/mautrix",
            Self::Unsigned { .. } => "legacy_links/unsigned",
        }
    }

    fn patterns(&self, path: &str) -> Result<Vec<Pattern>, PathError> {
        match self {
            Self::AppserviceBridge { .. } => {
                Pattern::below(path, "/v1/media/download/{checksum}").map(|pattern| vec![pattern])
            }
            Self::Heisenbridge { .. } => Pattern::template(path).map(|pattern| vec![pattern]),
            Self::Mautrix { .. } => {
                Pattern::below(path, "/{server}/{media_id}/{checksum}{filename}")
                    .map(|pattern| vec![pattern])
            }
            Self::Unsigned { .. } => ["v1", "r0", "v3"]
                .into_iter()
                .map(|version| {
                    let rest = format!(
                        "/_matrix/media/{version}/download/{{server}}/{{media_id}}{{filename}}"
                    );
                    Pattern::below(path, &rest)
                })
                .collect(),
        }
    }
}

/// The word for links that nobody signed.
const UNSIGNED: &str = "unsigned";

/// One entry of `legacy_links`: where links of one format and one key are found, and whose they
/// are.
#[derive(Debug, Clone)]
pub struct LegacyEntry {
    bridge: String,
    format: Format,
    patterns: Vec<Pattern>,
}

impl LegacyEntry {
    /// Links of a bridge below a path, or for heisenbridge at the paths of a template.
    ///
    /// # Errors
    /// If the path is none, or covers what is answered here otherwise.
    pub fn new(bridge: &str, format: Format, path: &str) -> Result<Self, PathError> {
        let patterns = format.patterns(path)?;
        if patterns.iter().any(Pattern::covers_our_routes) {
            return Err(PathError::Covers);
        }
        Ok(Self {
            bridge: bridge.to_owned(),
            format,
            patterns,
        })
    }

    /// The bridge that fetches the media.
    #[must_use]
    pub fn bridge(&self) -> &str {
        &self.bridge
    }

    /// How its links are written and signed.
    #[must_use]
    pub fn format(&self) -> &Format {
        &self.format
    }

    /// Whether a path may lead to both, where everything is answered at the root and below
    /// `public_path` as well.
    #[must_use]
    pub fn overlaps(&self, other: &Self, public_path: &str) -> bool {
        let others = path::everywhere(&other.patterns, public_path);
        path::everywhere(&self.patterns, public_path)
            .iter()
            .any(|pattern| others.iter().any(|other| pattern.overlaps(other)))
    }

    /// Whether a path may lead to it and to a route of ours below `public_path`.
    #[must_use]
    pub fn overlaps_routes_below(&self, public_path: &str) -> bool {
        let ours = path::everywhere(&path::our_routes(), public_path);
        path::everywhere(&self.patterns, public_path)
            .iter()
            .any(|pattern| ours.iter().any(|route| pattern.overlaps(route)))
    }

    fn read<'p>(&self, path: &'p str) -> Option<Parts<'p>> {
        self.patterns.iter().find_map(|pattern| pattern.read(path))
    }
}

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
        self.entries.iter().any(|entry| entry.bridge == bridge)
    }

    /// Whether some of them are signed.
    #[must_use]
    pub fn has_signed(&self, bridge: &str) -> bool {
        self.entries
            .iter()
            .any(|entry| entry.bridge == bridge && !matches!(entry.format, Format::Unsigned { .. }))
    }

    /// For how long media that a bridge has shown is served without a signature, in milliseconds
    /// (inside: `None`, for ever); `None`: it is not.
    #[must_use]
    pub fn unsigned_lifetime_ms(&self, bridge: &str) -> Option<Option<i64>> {
        self.entries.iter().find_map(|entry| match entry.format {
            Format::Unsigned { lifetime_ms } if entry.bridge == bridge => Some(lifetime_ms),
            _ => None,
        })
    }

    /// The entry that a path leads to, below `public_path`, the path of `public_url`, or at the root:
    /// a reverse proxy may strip that or not. `path`: percent-decoded once, but for `/`, `%` and `+`;
    /// what is encoded still is of no grammar, so that it fails.
    #[must_use]
    pub fn find_below<'p>(&'p self, public_path: &str, path: &'p str) -> Option<LegacyPath<'p>> {
        stripped(path, public_path)
            .and_then(|rest| self.find(rest))
            .or_else(|| self.find(path))
    }

    fn find<'p>(&'p self, path: &'p str) -> Option<LegacyPath<'p>> {
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
        self.entry.format.route()
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
        let told = match &self.entry.format {
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
        let (mxc, expires_at_ms) = told.ok_or(NotALink)?;
        let link_id = link_id(
            &self.entry.bridge,
            self.entry.format.name(),
            &mxc,
            expires_at_ms,
        );
        Ok(LegacyLink {
            link_id,
            bridge: self.entry.bridge.clone(),
            mxc,
            expires_at_ms,
            is_signed: !matches!(self.entry.format, Format::Unsigned { .. }),
        })
    }
}

/// Names the link of a bridge to media that nobody signed.
#[must_use]
pub fn unsigned_link_id(bridge: &str, mxc: &MxcUri) -> LinkId {
    link_id(bridge, UNSIGNED, mxc, None)
}

/// Links that differ in their file names, or in how they are percent-encoded, are one link.
fn link_id(bridge: &str, format: &str, mxc: &MxcUri, expires_at_ms: Option<i64>) -> LinkId {
    let end = expires_at_ms.map(|end| end.to_string()).unwrap_or_default();
    LinkId::of_bytes(format!("legacy\0{bridge}\0{format}\0{mxc}\0{end}").as_bytes())
}

/// A link that a bridge has made: genuine, or of the format that nobody signs. Whether it is alive
/// is another question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LegacyLink {
    link_id: LinkId,
    bridge: String,
    mxc: MxcUri,
    expires_at_ms: Option<i64>,
    is_signed: bool,
}

impl LegacyLink {
    /// Names it in logs and in the API.
    #[must_use]
    pub fn link_id(&self) -> &LinkId {
        &self.link_id
    }

    /// The bridge that fetches its media.
    #[must_use]
    pub fn bridge(&self) -> &str {
        &self.bridge
    }

    /// Its media.
    #[must_use]
    pub fn mxc(&self) -> &MxcUri {
        &self.mxc
    }

    /// When it ends by its own word, in milliseconds since the epoch.
    #[must_use]
    pub fn expires_at_ms(&self) -> Option<i64> {
        self.expires_at_ms
    }

    /// Whether its bridge has signed it. Otherwise it is worth something only where its media was
    /// seen.
    #[must_use]
    pub fn is_signed(&self) -> bool {
        self.is_signed
    }
}
