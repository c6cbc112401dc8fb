//! Thumbnails: the choice of a size, and making one of an image that the homeserver cannot read.

use std::{
    io::{self, BufRead, Cursor, Read, Seek, SeekFrom},
    time::{Duration, Instant},
};

use bytes::Bytes;
use image::{
    DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits, codecs::jpeg::JpegEncoder,
};

use crate::{config::ThumbnailSize, homeserver::MediaVariant};

/// The largest image file that is read, in bytes.
pub(super) const MAX_SOURCE_BYTES: u64 = 32 << 20;
/// The most pixels that are decoded: photographs have less.
const MAX_PIXELS: u64 = 40_000_000;
/// The most memory that the pixels and their decoder take, in bytes.
const MAX_DECODER_BYTES: u64 = 192 << 20;
/// The longest time that decoding may take.
pub(super) const DECODE_WITHIN: Duration = Duration::from_secs(10);
/// A compromise between looks and size.
const JPEG_QUALITY: u8 = 80;

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
        animated: false,
    })
}

/// Makes a thumbnail, never larger than the image; `None`: the bytes are not an image that can be
/// read within the limits. Runs long: for a thread that may block.
pub(super) fn make(bytes: &[u8], width: u32, height: u32, crop: bool) -> Option<MadeThumbnail> {
    let image = decode(bytes)?;
    let (width, height) = (width.min(image.width()), height.min(image.height()));
    let small = if (width, height) == (image.width(), image.height()) {
        image
    } else if crop {
        let (cut_width, cut_height) = same_shape((image.width(), image.height()), (width, height));
        let (x, y) = (
            (image.width() - cut_width) / 2,
            (image.height() - cut_height) / 2,
        );
        image
            .crop_imm(x, y, cut_width, cut_height)
            .thumbnail_exact(width, height)
    } else {
        image.thumbnail(width, height)
    };
    encode(&small)
}

/// An encoded thumbnail.
pub(super) struct MadeThumbnail {
    pub(super) bytes: Bytes,
    pub(super) content_type: &'static str,
}

fn decode(bytes: &[u8]) -> Option<DynamicImage> {
    let source = Deadline {
        bytes: Cursor::new(bytes),
        end: Instant::now() + DECODE_WITHIN,
    };
    let mut reader = ImageReader::new(source).with_guessed_format().ok()?;
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(MAX_DECODER_BYTES);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().ok()?;
    let (width, height) = decoder.dimensions();
    let pixels = u64::from(width) * u64::from(height);
    if pixels == 0 || pixels > MAX_PIXELS || decoder.total_bytes() > MAX_DECODER_BYTES {
        return None;
    }
    let orientation = decoder.orientation().ok();
    let mut image = DynamicImage::from_decoder(decoder).ok()?;
    if let Some(orientation) = orientation {
        image.apply_orientation(orientation);
    }
    Some(image)
}

/// The largest part of `whole` that has the shape of `small`.
fn same_shape(whole: (u32, u32), small: (u32, u32)) -> (u32, u32) {
    let (w, h) = (u64::from(whole.0), u64::from(whole.1));
    let (sw, sh) = (u64::from(small.0), u64::from(small.1));
    let side = |value: u64| u32::try_from(value.max(1)).unwrap_or(u32::MAX);
    if w * sh > h * sw {
        (side(h * sw / sh), whole.1)
    } else {
        (whole.0, side(w * sh / sw))
    }
}

fn encode(image: &DynamicImage) -> Option<MadeThumbnail> {
    let mut bytes = Cursor::new(Vec::new());
    let content_type = if image.color().has_alpha() {
        let image = DynamicImage::ImageRgba8(image.to_rgba8());
        image.write_to(&mut bytes, ImageFormat::Png).ok()?;
        "image/png"
    } else {
        let encoder = JpegEncoder::new_with_quality(&mut bytes, JPEG_QUALITY);
        image.to_rgb8().write_with_encoder(encoder).ok()?;
        "image/jpeg"
    };
    Some(MadeThumbnail {
        bytes: bytes.into_inner().into(),
        content_type,
    })
}

/// Bytes that cannot be read after a deadline, so that a decoder gives up.
struct Deadline<'a> {
    bytes: Cursor<&'a [u8]>,
    end: Instant,
}

impl Deadline<'_> {
    fn check(&self) -> io::Result<()> {
        if Instant::now() < self.end {
            Ok(())
        } else {
            Err(io::ErrorKind::TimedOut.into())
        }
    }
}

impl Read for Deadline<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.check()?;
        self.bytes.read(buffer)
    }
}

impl BufRead for Deadline<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.check()?;
        // A piece at a time, so that the deadline is checked.
        let bytes = self.bytes.fill_buf()?;
        Ok(&bytes[..bytes.len().min(64 << 10)])
    }

    fn consume(&mut self, count: usize) {
        self.bytes.consume(count);
    }
}

impl Seek for Deadline<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.bytes.seek(to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{GenericImageView, Rgb, RgbImage, Rgba, RgbaImage};

    fn size(width: u32, height: u32) -> ThumbnailSize {
        ThumbnailSize { width, height }
    }

    fn encoded(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        image.write_to(&mut bytes, format).expect("encodes");
        bytes.into_inner()
    }

    /// Left half red, right half blue.
    fn picture(width: u32, height: u32) -> DynamicImage {
        DynamicImage::ImageRgb8(RgbImage::from_fn(width, height, |x, _| {
            Rgb(if x < width / 2 {
                [255, 0, 0]
            } else {
                [0, 0, 255]
            })
        }))
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

    #[test]
    fn a_thumbnail_has_its_size_and_its_picture() {
        for format in [
            ImageFormat::Jpeg,
            ImageFormat::Png,
            ImageFormat::Gif,
            ImageFormat::WebP,
        ] {
            let source = encoded(&picture(400, 200), format);
            let scaled = make(&source, 96, 96, false).expect("an image");
            let scaled = image::load_from_memory(&scaled.bytes).expect("an image");
            assert_eq!((scaled.width(), scaled.height()), (96, 48), "{format:?}");
            let cropped = make(&source, 96, 96, true).expect("an image");
            let cropped = image::load_from_memory(&cropped.bytes).expect("an image");
            assert_eq!((cropped.width(), cropped.height()), (96, 96), "{format:?}");
            let [red, _, blue, _] = cropped.get_pixel(5, 50).0;
            assert!(red > 200 && blue < 50, "{format:?}");
            let [red, _, blue, _] = cropped.get_pixel(90, 50).0;
            assert!(red < 50 && blue > 200, "{format:?}");
        }
    }

    #[test]
    fn nothing_becomes_larger_than_it_was() {
        for crop in [false, true] {
            let source = encoded(&picture(40, 20), ImageFormat::Png);
            let made = make(&source, 320, 240, crop).expect("an image");
            let made = image::load_from_memory(&made.bytes).expect("an image");
            assert_eq!((made.width(), made.height()), (40, 20));
        }
        let narrow = encoded(&picture(4000, 3), ImageFormat::Png);
        assert!(make(&narrow, 96, 96, true).is_some() && make(&narrow, 96, 96, false).is_some());
    }

    #[test]
    fn transparency_is_kept() {
        let clear =
            DynamicImage::ImageRgba8(RgbaImage::from_pixel(200, 200, Rgba([0, 255, 0, 64])));
        let made = make(&encoded(&clear, ImageFormat::Png), 96, 96, false).expect("an image");
        assert_eq!(made.content_type, "image/png");
        let made = image::load_from_memory(&made.bytes).expect("an image");
        assert_eq!(made.get_pixel(1, 1).0, [0, 255, 0, 64]);
    }

    #[test]
    fn floods_of_pixels_and_other_files_are_refused() {
        // A PNG of nothing but its size.
        let claims = |width: u32, height: u32| {
            let mut header = b"IHDR".to_vec();
            header.extend(width.to_be_bytes());
            header.extend(height.to_be_bytes());
            header.extend([8, 6, 0, 0, 0]);
            let mut png = b"\x89PNG\r\n\x1a\n\0\0\0\r".to_vec();
            png.extend(&header);
            png.extend(crc32(&header).to_be_bytes());
            png
        };
        assert!(make(&claims(50_000, 50_000), 96, 96, false).is_none());
        assert!(make(&claims(u32::MAX, u32::MAX), 96, 96, false).is_none());
        let flood = DynamicImage::ImageLuma8(image::GrayImage::new(8000, 8000));
        assert!(make(&encoded(&flood, ImageFormat::Png), 96, 96, false).is_none());
        for bytes in [
            &b""[..],
            b"<svg/>",
            b"\x89PNG\r\n\x1a\n",
            b"GIF89a",
            &[0xff; 100],
        ] {
            assert!(make(bytes, 96, 96, false).is_none());
        }
        let whole = encoded(&picture(100, 100), ImageFormat::Png);
        for cut in (0..whole.len()).step_by(7) {
            // Part of it or none of it, but no panic.
            drop(make(&whole[..cut], 96, 96, false));
        }
    }

    #[test]
    fn a_decoder_gives_up_when_its_time_is_over() {
        let bytes = encoded(&picture(100, 100), ImageFormat::Png);
        let mut late = Deadline {
            bytes: Cursor::new(&bytes[..]),
            end: Instant::now(),
        };
        assert!(late.read(&mut [0; 1]).is_err() && late.fill_buf().is_err());
    }

    /// CRC-32 as PNG has it (RFC 2083, section 15).
    fn crc32(bytes: &[u8]) -> u32 {
        let mut crc = u32::MAX;
        for byte in bytes {
            crc ^= u32::from(*byte);
            for _ in 0..8 {
                crc = if crc & 1 == 1 {
                    crc >> 1 ^ 0xedb8_8320
                } else {
                    crc >> 1
                };
            }
        }
        !crc
    }
}
