//! `media`: how media is served.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use bytesize::ByteSize;
use serde::Deserialize;

use super::{
    problems::Problems,
    s3::{S3Config, S3File},
    scan::{ScanConfig, ScanFile},
    value::{Lifetime, PixelSize, Size, Span},
};

/// The largest side of a thumbnail, in pixels.
const MAX_SIDE: u32 = 2048;
/// The most sizes of thumbnails.
const MAX_SIZES: usize = 16;
/// The sizes that the Matrix specification recommends to homeservers.
const USUAL_SIZES: [(u32, u32); 4] = [(96, 96), (320, 240), (640, 480), (800, 600)];

/// How media is served.
#[derive(Debug, Clone)]
pub struct MediaConfig {
    /// Larger media is refused, by its announced and by its actual length, in bytes.
    pub max_size_bytes: u64,
    /// The cache on disk; `None`: every follow is a download.
    pub cache: Option<CacheConfig>,
    /// How long cached media is given without asking whether the homeserver still has it.
    pub revalidate: Lifetime,
    /// Who looks into media before it is served; `None`: nobody.
    pub scan: Option<ScanConfig>,
    /// The longest `max-age` that answers allow browsers and CDNs.
    pub cache_control_max: Duration,
    /// The sizes that thumbnails have; empty: there are none.
    pub thumbnails: Vec<ThumbnailSize>,
    /// The program that makes thumbnails of encrypted images: no setting, but this program, unless it
    /// is part of another one.
    pub thumbnail_program: PathBuf,
}

/// This program as it runs, even if its file has been replaced since it was started.
fn this_program() -> PathBuf {
    if cfg!(target_os = "linux") {
        return PathBuf::from("/proc/self/exe");
    }
    std::env::current_exe().unwrap_or_else(|_| PathBuf::from("medialink"))
}

/// The size of a thumbnail, in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ThumbnailSize {
    /// From left to right.
    pub width: u32,
    /// From top to bottom.
    pub height: u32,
}

/// The cache on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CacheConfig {
    /// Its folder, which is its own.
    pub dir: PathBuf,
    /// The most that it may hold, in bytes.
    pub max_size_bytes: u64,
    /// A second level that replicas share; `None`: there is none.
    pub s3: Option<S3Config>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct CacheFile {
    dir: PathBuf,
    max_size: Size,
    s3: Option<S3File>,
}

impl Default for CacheFile {
    fn default() -> Self {
        Self {
            dir: PathBuf::from("data/cache"),
            max_size: Size(2 << 30),
            s3: None,
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct MediaFile {
    max_size: Size,
    cache: Option<CacheFile>,
    revalidate: Lifetime,
    scan: Option<ScanFile>,
    cache_control_max: Span,
    thumbnails: Option<Vec<PixelSize>>,
}

impl Default for MediaFile {
    fn default() -> Self {
        Self {
            max_size: Size(100 << 20),
            cache: Some(CacheFile::default()),
            revalidate: Lifetime::For(Duration::from_secs(300)),
            scan: None,
            cache_control_max: Span(Duration::from_secs(3600)),
            thumbnails: Some(USUAL_SIZES.map(PixelSize).to_vec()),
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
        let thumbnails = self.thumbnails.unwrap_or_default();
        if thumbnails.len() > MAX_SIZES {
            problems.add(
                "media.thumbnails",
                format_args!(
                    "found {} sizes; allowed are at most {MAX_SIZES}",
                    thumbnails.len()
                ),
            );
        }
        for (n, PixelSize((width, height))) in thumbnails.iter().enumerate() {
            if *width.max(height) > MAX_SIDE || *width.min(height) == 0 {
                problems.add(
                    format_args!("media.thumbnails[{n}]"),
                    format_args!("found {width}x{height}; allowed are 1 to {MAX_SIDE} pixels"),
                );
            }
        }
        MediaConfig {
            max_size_bytes: self.max_size.0,
            cache: self.cache.map(|cache| CacheConfig {
                dir: folder.join(cache.dir),
                max_size_bytes: cache.max_size.0,
                s3: cache.s3.and_then(|s3| s3.checked(folder, problems)),
            }),
            revalidate: self.revalidate,
            scan: (self.scan).and_then(|scan| scan.checked(folder, self.max_size.0, problems)),
            cache_control_max: self.cache_control_max.0,
            thumbnails: thumbnails
                .into_iter()
                .map(|PixelSize((width, height))| ThumbnailSize { width, height })
                .collect(),
            thumbnail_program: this_program(),
        }
    }
}
