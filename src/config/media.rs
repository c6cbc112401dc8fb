//! `media`: how media is served.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use bytesize::ByteSize;
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
    /// The cache on disk; `None`: every follow is a download.
    pub cache: Option<CacheConfig>,
    /// The longest `max-age` that readers and CDNs are told.
    pub cache_control_max: Duration,
}

/// The cache on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CacheConfig {
    /// Its folder, which is its own.
    pub dir: PathBuf,
    /// The most that it may hold, in bytes.
    pub max_size_bytes: u64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct CacheFile {
    dir: PathBuf,
    max_size: Size,
}

impl Default for CacheFile {
    fn default() -> Self {
        Self {
            dir: PathBuf::from("data/cache"),
            max_size: Size(2 << 30),
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct MediaFile {
    max_size: Size,
    cache: Option<CacheFile>,
    cache_control_max: Span,
    thumbnails: Option<Ignored>,
}

impl Default for MediaFile {
    fn default() -> Self {
        Self {
            max_size: Size(100 << 20),
            cache: Some(CacheFile::default()),
            cache_control_max: Span(Duration::from_secs(3600)),
            thumbnails: None,
        }
    }
}

impl MediaFile {
    pub(super) fn checked(self, folder: &Path, problems: &mut Problems) -> MediaConfig {
        if self.max_size.0 == 0 {
            problems.add(
                "media.max_size",
                "found 0; allowed is a size of at least 1B",
            );
        }
        if let Some(cache) = &self.cache
            && cache.max_size.0 < self.max_size.0
        {
            problems.add(
                "media.cache.max_size",
                format_args!(
                    "found {}; allowed is at least media.max_size ({}), so that any one item fits",
                    ByteSize(cache.max_size.0),
                    ByteSize(self.max_size.0)
                ),
            );
        }
        if self.thumbnails.as_ref().is_some_and(Ignored::is_set) {
            problems.add("media.thumbnails", later("thumbnails"));
        }
        MediaConfig {
            max_size_bytes: self.max_size.0,
            cache: self.cache.map(|cache| CacheConfig {
                dir: folder.join(cache.dir),
                max_size_bytes: cache.max_size.0,
            }),
            cache_control_max: self.cache_control_max.0,
        }
    }
}
