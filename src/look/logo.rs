//! The operator's own logo: a picture that every page shows beside the site's name.

use std::{fmt, io::Cursor};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;
use image::{ImageFormat, ImageReader, Limits};
use sha2::{Digest as _, Sha256};

use super::{
    logo_error::LogoError,
    logo_kind::{LogoKind, MAX_LOGO_BYTES, MAX_SIDE},
    svg,
};

/// The most memory that is taken to look at one: more than the pixels that a file of the largest length can hold.
const MAX_DATA_BYTES: u64 = 80 << 20;
/// How high it is shown, in pixels, unless it is too wide for that.
const HEIGHT: u32 = 32;
/// How wide it is shown at most, so that phones have a place for the name beside it.
const MAX_WIDTH: u32 = 160;

/// A logo that browsers can show.
#[derive(Clone, PartialEq, Eq)]
pub struct Logo {
    kind: LogoKind,
    bytes: Bytes,
    etag: String,
    sides: (u32, u32),
}

impl Logo {
    /// Looks at the bytes of a file.
    ///
    /// # Errors
    /// Why they are no picture of that kind.
    pub fn read(kind: LogoKind, bytes: Vec<u8>) -> Result<Self, LogoError> {
        match bytes.len() {
            0 => return Err(LogoError::Empty),
            1..=MAX_LOGO_BYTES => {}
            _ => return Err(LogoError::TooLong),
        }
        let (width, height) = match kind {
            LogoKind::Svg => svg::sides(&bytes)?,
            LogoKind::Png => pixels(kind, ImageFormat::Png, &bytes)?,
            LogoKind::WebP => pixels(kind, ImageFormat::WebP, &bytes)?,
        };
        let digest = Sha256::digest(&bytes);
        Ok(Self {
            kind,
            etag: format!("\"{}\"", URL_SAFE_NO_PAD.encode(digest)),
            bytes: bytes.into(),
            sides: shown(width, height),
        })
    }

    /// Its media type.
    #[must_use]
    pub fn media_type(&self) -> &'static str {
        self.kind.media_type()
    }

    /// The whole file.
    #[must_use]
    pub fn bytes(&self) -> Bytes {
        self.bytes.clone()
    }

    /// Its entity tag, which is strong, with the quotes.
    #[must_use]
    pub fn etag(&self) -> &str {
        &self.etag
    }

    /// How wide and how high it is shown, in pixels.
    #[must_use]
    pub fn sides(&self) -> (u32, u32) {
        self.sides
    }
}

impl fmt::Debug for Logo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut fields = f.debug_struct("Logo");
        fields.field("kind", &self.kind).field("etag", &self.etag);
        fields.finish_non_exhaustive()
    }
}

/// The sides of a picture of pixels that can be read to its end.
fn pixels(kind: LogoKind, format: ImageFormat, bytes: &[u8]) -> Result<(f64, f64), LogoError> {
    let unreadable = |error| LogoError::unreadable(kind, &error);
    let reader = || ImageReader::with_format(Cursor::new(bytes), format);
    let (width, height) = reader().into_dimensions().map_err(unreadable)?;
    if width.max(height) > MAX_SIDE {
        return Err(LogoError::TooLarge { width, height });
    }
    let mut limits = Limits::default();
    limits.max_alloc = Some(MAX_DATA_BYTES);
    let mut reader = reader();
    reader.limits(limits);
    reader.decode().map_err(unreadable)?;
    Ok((width.into(), height.into()))
}

/// How wide and how high a logo of these sides is shown.
fn shown(width: f64, height: f64) -> (u32, u32) {
    let (high, most) = (f64::from(HEIGHT), f64::from(MAX_WIDTH));
    let wide = high * width / height;
    match wide <= most {
        true => (whole(wide), HEIGHT),
        false => (MAX_WIDTH, whole(most * height / width)),
    }
}

/// A side in whole pixels, of which there are few.
fn whole(side: f64) -> u32 {
    let mut pixels = (1..=MAX_WIDTH).rev();
    let nearest = pixels.find(|&pixels| f64::from(pixels) <= side + 0.5);
    nearest.unwrap_or(1)
}

#[cfg(test)]
mod tests;
