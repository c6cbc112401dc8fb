//! Small pictures of large ones. The decoders are given hostile files, and neither their memory nor
//! their time can be bounded from within: this runs in a process of its own, which has limits.

use std::io::{self, Cursor, Read};

use image::{
    ColorType, DynamicImage, GenericImageView, ImageDecoder, ImageEncoder, ImageReader, Limits,
    codecs::{jpeg::JpegEncoder, png::PngEncoder},
    imageops,
    metadata::Orientation,
};
use rustix::process::{Resource, Rlimit, nice, setrlimit};

use super::{
    colour_profile::usable_profile,
    thumbnail::{MAX_SOURCE_BYTES, ThumbnailMethod},
};

/// The most pixels that are decoded: photographs have less.
const MAX_PIXELS: u64 = 40_000_000;
/// The most memory that the process may have beside its code, in bytes.
const MAX_DATA_BYTES: u64 = 256 << 20;
/// The most address space that it may have, code and libraries included, in bytes.
const MAX_ADDRESSES_BYTES: u64 = 1 << 30;
/// The most processor time that it may take, in seconds.
const MAX_CPU_S: u64 = 10;
/// A compromise between looks and size.
const JPEG_QUALITY: u8 = 80;
/// Added to the priority of the process: serving comes first.
const NICENESS: i32 = 10;

/// Bounds this process for good: its memory, its time, and what it may write.
///
/// # Errors
/// If the system refuses a limit.
pub fn bound_this_process() -> io::Result<()> {
    for (resource, limit) in [
        (Resource::Data, MAX_DATA_BYTES),
        (Resource::As, MAX_ADDRESSES_BYTES),
        (Resource::Cpu, MAX_CPU_S),
        // Neither files nor pictures of what is in memory.
        (Resource::Fsize, 0),
        (Resource::Core, 0),
    ] {
        let limit = Rlimit {
            current: Some(limit),
            maximum: Some(limit),
        };
        setrlimit(resource, limit)?;
    }
    // A system may forbid it; then it competes like others.
    let _ = nice(NICENESS);
    Ok(())
}

/// Reads an image and makes a thumbnail of it, a PNG or a JPEG, never larger than the image; `None`:
/// it is not an image that can be read within the limits.
///
/// # Errors
/// If the image cannot be read from its source.
pub fn make_thumbnail(
    source: impl Read,
    size: (u32, u32),
    method: ThumbnailMethod,
) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    source
        .take(MAX_SOURCE_BYTES.saturating_add(1))
        .read_to_end(&mut bytes)?;
    bytes.shrink_to_fit();
    let is_too_long = bytes.len() as u64 > MAX_SOURCE_BYTES;
    Ok((!is_too_long).then(|| make(&bytes, size, method)).flatten())
}

fn make(bytes: &[u8], size: (u32, u32), method: ThumbnailMethod) -> Option<Vec<u8>> {
    let picture = Picture::decode(bytes)?;
    picture.scaled(size, method).encode()
}

/// Pixels, with what has to be known to show them.
struct Picture {
    pixels: DynamicImage,
    /// The colours of the file: those of the thumbnail are of the same kind.
    color: ColorType,
    orientation: Orientation,
    profile: Option<Vec<u8>>,
}

impl Picture {
    fn decode(bytes: &[u8]) -> Option<Self> {
        let mut reader = ImageReader::new(Cursor::new(bytes))
            .with_guessed_format()
            .ok()?;
        let mut limits = Limits::no_limits();
        limits.max_alloc = Some(MAX_DATA_BYTES);
        reader.limits(limits);
        let mut decoder = reader.into_decoder().ok()?;
        let (width, height) = decoder.dimensions();
        let pixels = u64::from(width) * u64::from(height);
        if pixels == 0 || pixels > MAX_PIXELS || decoder.total_bytes() > MAX_DATA_BYTES {
            return None;
        }
        let color = decoder.color_type();
        let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
        let profile = decoder.icc_profile().ok().flatten();
        Some(Self {
            pixels: DynamicImage::from_decoder(decoder).ok()?,
            color,
            orientation,
            profile: profile.filter(|profile| usable_profile(profile, color)),
        })
    }

    /// Cuts and scales first and turns the little that is left: no second copy of all pixels.
    fn scaled(self, size: (u32, u32), method: ThumbnailMethod) -> Self {
        let whole = self.pixels.dimensions();
        let (width, height) = turned(size, self.orientation);
        let bounds = (width.min(whole.0), height.min(whole.1));
        let (cut, size) = match method {
            ThumbnailMethod::Crop => (same_shape(whole, bounds), bounds),
            ThumbnailMethod::Scale => (whole, fitted(whole, bounds)),
        };
        let (x, y) = ((whole.0 - cut.0) / 2, (whole.1 - cut.1) / 2);
        let view = self.pixels.view(x, y, cut.0, cut.1);
        let mut small = DynamicImage::ImageRgba8(imageops::thumbnail(&*view, size.0, size.1));
        small.apply_orientation(self.orientation);
        Self {
            pixels: small,
            ..self
        }
    }

    /// With transparency a PNG, otherwise a JPEG; without colours, if the file has none.
    fn encode(&self) -> Option<Vec<u8>> {
        let pixels = match (self.color.has_color(), self.color.has_alpha()) {
            (true, true) => DynamicImage::ImageRgba8(self.pixels.to_rgba8()),
            (true, false) => DynamicImage::ImageRgb8(self.pixels.to_rgb8()),
            (false, true) => DynamicImage::ImageLumaA8(self.pixels.to_luma_alpha8()),
            (false, false) => DynamicImage::ImageLuma8(self.pixels.to_luma8()),
        };
        let mut bytes = Vec::new();
        if self.color.has_alpha() {
            self.write(&pixels, PngEncoder::new(&mut bytes))?;
        } else {
            let encoder = JpegEncoder::new_with_quality(&mut bytes, JPEG_QUALITY);
            self.write(&pixels, encoder)?;
        }
        Some(bytes)
    }

    fn write(&self, pixels: &DynamicImage, mut encoder: impl ImageEncoder) -> Option<()> {
        if let Some(profile) = &self.profile {
            encoder.set_icc_profile(profile.clone()).ok()?;
        }
        pixels.write_with_encoder(encoder).ok()
    }
}

/// The sides of a picture before it is turned.
fn turned((width, height): (u32, u32), orientation: Orientation) -> (u32, u32) {
    match orientation {
        Orientation::Rotate90
        | Orientation::Rotate270
        | Orientation::Rotate90FlipH
        | Orientation::Rotate270FlipH => (height, width),
        Orientation::NoTransforms
        | Orientation::Rotate180
        | Orientation::FlipHorizontal
        | Orientation::FlipVertical => (width, height),
    }
}

/// The largest part of `whole` that has the shape of `small`.
fn same_shape(whole: (u32, u32), small: (u32, u32)) -> (u32, u32) {
    if is_wider(whole, small) {
        (share(whole.1, small.0, small.1), whole.1)
    } else {
        (whole.0, share(whole.0, small.1, small.0))
    }
}

/// The largest size that has the shape of `whole` and fits into `bounds`.
fn fitted(whole: (u32, u32), bounds: (u32, u32)) -> (u32, u32) {
    if is_wider(whole, bounds) {
        (bounds.0, share(bounds.0, whole.1, whole.0))
    } else {
        (share(bounds.1, whole.0, whole.1), bounds.1)
    }
}

fn is_wider(one: (u32, u32), other: (u32, u32)) -> bool {
    u64::from(one.0) * u64::from(other.1) > u64::from(one.1) * u64::from(other.0)
}

/// `side × part / of`, rounded, and at least 1.
fn share(side: u32, part: u32, of: u32) -> u32 {
    let (side, part, of) = (u64::from(side), u64::from(part), u64::from(of));
    u32::try_from(((side * part + of / 2) / of).max(1)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::colour_profile::tests::profile;
    use image::{ImageFormat, Rgb, RgbImage, Rgba, RgbaImage, codecs::webp::WebPEncoder};

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
    fn a_thumbnail_has_its_size_and_its_picture() {
        for format in [
            ImageFormat::Jpeg,
            ImageFormat::Png,
            ImageFormat::Gif,
            ImageFormat::WebP,
        ] {
            let source = encoded(&picture(400, 200), format);
            let scaled = make(&source, (96, 96), ThumbnailMethod::Scale).expect("an image");
            let scaled = image::load_from_memory(&scaled).expect("an image");
            assert_eq!((scaled.width(), scaled.height()), (96, 48), "{format:?}");
            let cropped = make(&source, (96, 96), ThumbnailMethod::Crop).expect("an image");
            let cropped = image::load_from_memory(&cropped).expect("an image");
            assert_eq!((cropped.width(), cropped.height()), (96, 96), "{format:?}");
            let [red, _, blue, _] = cropped.get_pixel(5, 50).0;
            assert!(red > 200 && blue < 50, "{format:?}");
            let [red, _, blue, _] = cropped.get_pixel(90, 50).0;
            assert!(red < 50 && blue > 200, "{format:?}");
        }
    }

    #[test]
    fn nothing_becomes_larger_than_it_was() {
        for method in [ThumbnailMethod::Scale, ThumbnailMethod::Crop] {
            let source = encoded(&picture(40, 20), ImageFormat::Png);
            let made = make(&source, (320, 240), method).expect("an image");
            let made = image::load_from_memory(&made).expect("an image");
            assert_eq!((made.width(), made.height()), (40, 20));
        }
        let narrow = encoded(&picture(4000, 3), ImageFormat::Png);
        assert!(
            make(&narrow, (96, 96), ThumbnailMethod::Crop).is_some()
                && make(&narrow, (96, 96), ThumbnailMethod::Scale).is_some()
        );
    }

    #[test]
    fn transparency_is_kept() {
        let clear =
            DynamicImage::ImageRgba8(RgbaImage::from_pixel(200, 200, Rgba([0, 255, 0, 64])));
        let made = make(
            &encoded(&clear, ImageFormat::Png),
            (96, 96),
            ThumbnailMethod::Scale,
        )
        .expect("an image");
        assert!(made.starts_with(b"\x89PNG"));
        let made = image::load_from_memory(&made).expect("an image");
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
            png.extend(crc32fast::hash(&header).to_be_bytes());
            png
        };
        assert!(make(&claims(50_000, 50_000), (96, 96), ThumbnailMethod::Scale).is_none());
        assert!(
            make(
                &claims(u32::MAX, u32::MAX),
                (96, 96),
                ThumbnailMethod::Scale
            )
            .is_none()
        );
        let flood = DynamicImage::ImageLuma8(image::GrayImage::new(8000, 8000));
        assert!(
            make(
                &encoded(&flood, ImageFormat::Png),
                (96, 96),
                ThumbnailMethod::Scale
            )
            .is_none()
        );
        for bytes in [
            &b""[..],
            b"<svg/>",
            b"\x89PNG\r\n\x1a\n",
            b"GIF89a",
            &[0xff; 100],
        ] {
            assert!(make(bytes, (96, 96), ThumbnailMethod::Scale).is_none());
        }
        let whole = encoded(&picture(100, 100), ImageFormat::Png);
        for cut in (0..whole.len()).step_by(7) {
            // Part of it or none of it, but no panic.
            drop(make(&whole[..cut], (96, 96), ThumbnailMethod::Scale));
        }
    }

    #[test]
    fn an_image_is_turned_as_it_says() {
        for (value, sides) in [(1, (96, 48)), (3, (96, 48)), (6, (48, 96)), (8, (48, 96))] {
            let mut bytes = Vec::new();
            let mut encoder = JpegEncoder::new(&mut bytes);
            let mut exif = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".to_vec();
            exif.extend([value, 0, 0, 0, 0, 0, 0]);
            encoder.set_exif_metadata(exif).expect("carried");
            let wide = picture(400, 200);
            wide.write_with_encoder(encoder).expect("encodes");
            let made = make(&bytes, (96, 96), ThumbnailMethod::Scale).expect("an image");
            let made = image::load_from_memory(&made).expect("an image");
            assert_eq!((made.width(), made.height()), sides, "{value}");
            let [red, _, blue, _] = made.get_pixel(2, 2).0;
            assert_eq!(red > blue, matches!(value, 1 | 6), "{value}");
        }
    }

    /// What a thumbnail of an image with this profile carries.
    fn carried(format: ImageFormat, image: &DynamicImage, profile: &[u8]) -> Option<Vec<u8>> {
        let mut bytes = Cursor::new(Vec::new());
        let written = match format {
            ImageFormat::Jpeg => with(JpegEncoder::new(&mut bytes), image, profile),
            ImageFormat::Png => with(PngEncoder::new(&mut bytes), image, profile),
            _ => with(WebPEncoder::new_lossless(&mut bytes), image, profile),
        };
        written.expect("encodes");
        let made = make(bytes.get_ref(), (96, 96), ThumbnailMethod::Scale).expect("an image");
        let reader = ImageReader::new(Cursor::new(made)).with_guessed_format();
        let mut decoder = reader.expect("read").into_decoder().expect("an image");
        decoder.icc_profile().expect("read")
    }

    fn with(
        mut encoder: impl ImageEncoder,
        image: &DynamicImage,
        profile: &[u8],
    ) -> image::ImageResult<()> {
        encoder.set_icc_profile(profile.to_vec()).expect("carried");
        image.write_with_encoder(encoder)
    }

    #[test]
    fn colour_profiles_are_kept_where_they_are_true() {
        let clear = RgbaImage::from_pixel(200, 200, Rgba([0, 255, 0, 64]));
        let (rgb, clear) = (picture(200, 100), DynamicImage::ImageRgba8(clear));
        let gray = DynamicImage::ImageLuma8(picture(200, 100).to_luma8());
        let (wide, ink) = (profile(b"RGB ", 600), profile(b"CMYK", 600));
        for format in [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::WebP] {
            let kept = carried(format, &rgb, &wide);
            assert_eq!(kept.as_ref(), Some(&wide), "{format:?}");
            assert_eq!(carried(format, &rgb, &ink), None, "{format:?}");
            let long = profile(b"RGB ", 65 << 10);
            assert_eq!(carried(format, &rgb, &long), None, "{format:?}");
        }
        for format in [ImageFormat::Png, ImageFormat::WebP] {
            assert_eq!(carried(format, &clear, &wide).as_ref(), Some(&wide));
        }
        let dark = profile(b"GRAY", 300);
        for format in [ImageFormat::Jpeg, ImageFormat::Png] {
            assert_eq!(carried(format, &gray, &dark).as_ref(), Some(&dark));
            assert_eq!(carried(format, &gray, &wide), None);
        }
    }
}
