//! One entry of `legacy_links`.

use super::{
    format::Format,
    path::{self, Parts, PathError, Pattern},
};

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
    /// If the path is not of the grammar, or covers routes of ours.
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

    pub(super) fn read<'p>(&self, path: &'p str) -> Option<Parts<'p>> {
        self.patterns.iter().find_map(|pattern| pattern.read(path))
    }
}
