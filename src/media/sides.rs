//! The sides of a picture, by the beginning of its file.

use std::io::Cursor;

use image::ImageReader;

/// Width and height in pixels; `None`: no picture that is known here, or too little of it.
#[must_use]
pub fn sides(beginning: &[u8]) -> Option<(u32, u32)> {
    let reader = ImageReader::new(Cursor::new(beginning)).with_guessed_format();
    let (width, height) = reader.ok()?.into_dimensions().ok()?;
    (width > 0 && height > 0).then_some((width, height))
}

#[cfg(test)]
mod tests {
    use image::{DynamicImage, ImageFormat};

    use super::*;

    #[test]
    fn a_picture_tells_its_sides_at_its_beginning() {
        for format in [
            ImageFormat::Png,
            ImageFormat::Jpeg,
            ImageFormat::Gif,
            ImageFormat::WebP,
        ] {
            let mut bytes = Cursor::new(Vec::new());
            let image = DynamicImage::new_rgb8(300, 200);
            image.write_to(&mut bytes, format).expect("encodes");
            let bytes = bytes.into_inner();
            assert_eq!(sides(&bytes), Some((300, 200)), "{format:?}");
            for end in 0..bytes.len() {
                assert!(matches!(sides(&bytes[..end]), None | Some((300, 200))));
            }
        }
        assert_eq!(sides(b"<svg width='3' height='2'/>"), None);
    }
}
