//! Thumbnails: their methods, and the choice of a size.

use crate::{config::ThumbnailSize, homeserver::MediaVariant};

/// The largest image file of which a thumbnail is made, in bytes.
pub(super) const MAX_SOURCE_BYTES: u64 = 32 << 20;
/// How a thumbnail comes from its image (Client-Server API, `/media/thumbnail`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ThumbnailMethod {
    /// Fills the size; the rest is cut off.
    Crop,
    /// Fits into the size, and keeps everything.
    Scale,
}

impl ThumbnailMethod {
    /// Reads the word of the Matrix specification.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "crop" => Some(Self::Crop),
            "scale" => Some(Self::Scale),
            _ => None,
        }
    }

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Crop => "crop",
            Self::Scale => "scale",
        }
    }
}

/// Chooses the smallest size that is at least as large in both directions, or the largest one if none
/// is; `None`: there are no sizes.
#[must_use]
pub fn choose_thumbnail(
    sizes: &[ThumbnailSize],
    (width, height): (u32, u32),
    method: ThumbnailMethod,
) -> Option<MediaVariant> {
    let area = |size: &&ThumbnailSize| u64::from(size.width) * u64::from(size.height);
    let is_enough = |size: &&ThumbnailSize| size.width >= width && size.height >= height;
    let chosen = sizes.iter().filter(is_enough).min_by_key(area);
    let chosen = chosen.or_else(|| sizes.iter().max_by_key(area))?;
    Some(MediaVariant::Thumbnail {
        width: chosen.width,
        height: chosen.height,
        method: method.as_str(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size(width: u32, height: u32) -> ThumbnailSize {
        ThumbnailSize { width, height }
    }

    #[test]
    fn the_next_larger_size_is_chosen() {
        let sizes = [size(800, 600), size(96, 96), size(320, 240), size(640, 480)];
        for (asked, given) in [
            ((1, 1), (96, 96)),
            ((96, 96), (96, 96)),
            ((97, 10), (320, 240)),
            ((10, 241), (640, 480)),
            ((801, 1), (800, 600)),
            ((u32::MAX, u32::MAX), (800, 600)),
        ] {
            let MediaVariant::Thumbnail { width, height, .. } =
                choose_thumbnail(&sizes, asked, ThumbnailMethod::Scale).expect("a size")
            else {
                panic!("a thumbnail");
            };
            assert_eq!((width, height), given, "{asked:?}");
        }
        assert_eq!(choose_thumbnail(&[], (1, 1), ThumbnailMethod::Crop), None);
    }
}
