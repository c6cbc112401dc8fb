//! `media`: how media is served.

use std::time::Duration;

use serde::Deserialize;

use super::{
    Problems,
    unsupported::{Ignored, later},
    value::{Size, Span},
};

/// How media is served.
#[derive(Debug, Clone)]
pub struct MediaConfig {
    /// Larger media is refused, by its announced and by its actual length, in bytes.
    pub max_size_bytes: u64,
    /// The longest `max-age` that readers and CDNs are told.
    pub cache_control_max: Duration,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct MediaFile {
    max_size: Size,
    cache: Option<Ignored>,
    cache_control_max: Span,
    thumbnails: Option<Ignored>,
}

impl Default for MediaFile {
    fn default() -> Self {
        Self {
            max_size: Size(100 << 20),
            cache: None,
            cache_control_max: Span(Duration::from_secs(3600)),
            thumbnails: None,
        }
    }
}

impl MediaFile {
    pub(super) fn checked(self, problems: &mut Problems) -> MediaConfig {
        if self.max_size.0 == 0 {
            problems.add(
                "media.max_size",
                "found 0; allowed is a size of at least 1B",
            );
        }
        if self.cache.as_ref().is_some_and(Ignored::is_set) {
            problems.add("media.cache", later("a cache"));
        }
        if self.thumbnails.as_ref().is_some_and(Ignored::is_set) {
            problems.add("media.thumbnails", later("thumbnails"));
        }
        MediaConfig {
            max_size_bytes: self.max_size.0,
            cache_control_max: self.cache_control_max.0,
        }
    }
}
