use image::{
    DynamicImage, GrayImage, RgbaImage,
    codecs::png::{CompressionType, FilterType, PngEncoder},
};

use super::*;

const SVG: &[u8] =
    br#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 96 32"><circle r="9"/></svg>"#;

fn encoded(picture: impl Into<DynamicImage>, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    let written = picture.into().write_to(&mut bytes, format);
    written.expect("a picture");
    bytes.into_inner()
}

fn refused(kind: LogoKind, bytes: Vec<u8>) -> String {
    Logo::read(kind, bytes).expect_err("no logo").to_string()
}

#[test]
fn each_kind_is_read_and_told_apart() {
    let pixels = || RgbaImage::new(200, 100);
    let png = encoded(pixels(), ImageFormat::Png);
    let webp = encoded(pixels(), ImageFormat::WebP);
    let mut etags = Vec::new();
    for (kind, bytes, sides) in [
        (LogoKind::Svg, SVG.to_vec(), (96, 32)),
        (LogoKind::Png, png.clone(), (64, 32)),
        (LogoKind::WebP, webp.clone(), (64, 32)),
    ] {
        let logo = Logo::read(kind, bytes.clone()).expect("a logo");
        assert_eq!(logo.sides(), sides);
        assert_eq!(logo.bytes(), bytes);
        assert_eq!(logo.media_type(), kind.media_type());
        let tag = logo.etag().strip_prefix('"').expect("a strong tag");
        assert_eq!(tag.find('"'), Some(tag.len() - 1));
        etags.push(tag.to_owned());
        assert!(!format!("{logo:?}").contains("bytes"), "{logo:?}");
    }
    etags.dedup();
    assert_eq!(etags.len(), 3);
    for (kind, bytes) in [
        (LogoKind::Svg, &png),
        (LogoKind::Png, &webp),
        (LogoKind::WebP, &png),
        (LogoKind::Png, &SVG.to_vec()),
    ] {
        let told = refused(kind, bytes.clone());
        assert!(
            told.starts_with("is no picture that can be read: "),
            "{told}"
        );
        assert!(told.ends_with(&format!("; allowed is {kind}")), "{told}");
    }
}

#[test]
fn a_logo_is_as_high_as_the_line_and_leaves_a_place_for_the_name() {
    for (width, height, told) in [
        (1.0, 1.0, (32, 32)),
        (4096.0, 4096.0, (32, 32)),
        (0.5, 1.0, (16, 32)),
        (5.0, 1.0, (160, 32)),
        (10.0, 1.0, (160, 16)),
        (1e300, 1.0, (160, 1)),
        (1.0, 1e300, (1, 32)),
        (f64::MAX, f64::MIN_POSITIVE, (160, 1)),
        (f64::MIN_POSITIVE, f64::MAX, (1, 32)),
    ] {
        assert_eq!(shown(width, height), told, "{width} {height}");
    }
}

#[test]
fn a_file_without_anything_and_one_with_too_much_are_refused() {
    for kind in LogoKind::ALL {
        let told = refused(kind, Vec::new());
        assert_eq!(told, "is empty; allowed is a picture of 1 to 65536 bytes");
        let told = refused(kind, vec![b' '; MAX_LOGO_BYTES + 1]);
        assert_eq!(
            told,
            "is longer than 65536 bytes, which is the most that is allowed"
        );
    }
    let mut longest = SVG.to_vec();
    longest.resize(MAX_LOGO_BYTES, b'\n');
    assert!(Logo::read(LogoKind::Svg, longest).is_ok());
}

#[test]
fn sides_have_a_bound() {
    for (kind, format) in [
        (LogoKind::Png, ImageFormat::Png),
        (LogoKind::WebP, ImageFormat::WebP),
    ] {
        let largest = encoded(RgbaImage::new(MAX_SIDE, 16), format);
        assert!(Logo::read(kind, largest).is_ok(), "{kind}");
        let wide = encoded(RgbaImage::new(MAX_SIDE + 1, 1), format);
        assert_eq!(
            refused(kind, wide),
            "is 4097 by 1 pixels; allowed are sides of 4096 pixels at most"
        );
    }
    // As many pixels as there may be, of one byte each.
    let mut full = Vec::new();
    let best = PngEncoder::new_with_quality(&mut full, CompressionType::Best, FilterType::NoFilter);
    let pixels = GrayImage::new(MAX_SIDE, MAX_SIDE);
    pixels.write_with_encoder(best).expect("a picture");
    let logo = Logo::read(LogoKind::Png, full);
    assert_eq!(logo.expect("a logo").sides(), (32, 32));
}

#[test]
fn a_picture_that_is_cut_off_is_refused() {
    let noise = RgbaImage::from_fn(40, 40, |x, y| {
        let [x, y] = [x, y].map(|side| u8::try_from(side).unwrap_or(0));
        image::Rgba([
            x.wrapping_mul(y),
            x ^ y,
            x.wrapping_add(y).wrapping_mul(91),
            255,
        ])
    });
    for (kind, format) in [
        (LogoKind::Png, ImageFormat::Png),
        (LogoKind::WebP, ImageFormat::WebP),
    ] {
        let mut bytes = encoded(noise.clone(), format);
        bytes.truncate(bytes.len() / 2);
        let told = refused(kind, bytes);
        assert!(
            told.starts_with("is no picture that can be read: "),
            "{told}"
        );
    }
}
