//! What a logo can be.

use std::fmt;

/// The most bytes of a logo.
pub const MAX_LOGO_BYTES: usize = 64 << 10;
/// The longest side of a logo that is made of pixels.
pub(super) const MAX_SIDE: u32 = 4096;

/// The kinds of pictures that a logo can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogoKind {
    /// Made of shapes.
    Svg,
    /// Made of pixels.
    Png,
    /// Made of pixels.
    WebP,
}

impl LogoKind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Svg, Self::Png, Self::WebP];

    /// The name of its file.
    #[must_use]
    pub fn file_name(self) -> &'static str {
        match self {
            Self::Svg => "logo.svg",
            Self::Png => "logo.png",
            Self::WebP => "logo.webp",
        }
    }

    /// Its media type.
    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Svg => "image/svg+xml",
            Self::Png => "image/png",
            Self::WebP => "image/webp",
        }
    }
}

impl fmt::Display for LogoKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Svg => "SVG in UTF-8",
            Self::Png => "PNG",
            Self::WebP => "WebP",
        })
    }
}
