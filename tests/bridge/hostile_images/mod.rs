//! Images that are made to cost as much as possible: the process that reads them has a bound, whatever
//! their format.

mod bits;
mod gif;
mod jpeg;
mod measured;
mod png;
mod webp;

use measured::{Outcome, measure};

/// The most memory that the process has, by docs/operators.md: 256 MiB, and its code.
const BOUND_KIB: u64 = 288 << 10;

/// The sides of 40 million pixels, the most that are read.
const WIDE: (u32, u32) = (8000, 5000);
/// The sides of 12 million pixels, as photographs have them.
const PHOTO: (u32, u32) = (4000, 3000);

/// Measures images one after the other, prints what each took, and holds all to the bound.
fn hold(images: Vec<(&str, Vec<u8>, Option<bool>)>) {
    for (name, bytes, has_thumbnail) in images {
        let Outcome {
            peak_kib,
            seconds,
            thumbnail,
        } = measure(&bytes);
        println!(
            "{name:44} {:>7} KiB  peak {:>4} MiB  {seconds:>5.1} s  {}",
            bytes.len() >> 10,
            peak_kib >> 10,
            if thumbnail { "thumbnail" } else { "none" }
        );
        assert!(peak_kib < BOUND_KIB, "{name}: {peak_kib} KiB");
        if let Some(expected) = has_thumbnail {
            assert_eq!(thumbnail, expected, "{name}");
        }
    }
}

#[test]
fn jpeg_has_a_bound() {
    use jpeg::{Coding, jpeg};
    const FULL: &[u8] = &[0x11; 3];
    const HALVED: &[u8] = &[0x22, 0x11, 0x11];
    const INKS: &[u8] = &[0x11; 4];
    let scans = |scans| Coding::Progressive { scans };
    hold(vec![
        (
            "JPEG, baseline, 4:4:4, 40 MP",
            jpeg(WIDE, FULL, Coding::Baseline),
            Some(true),
        ),
        (
            "JPEG, baseline, CMYK, 40 MP",
            jpeg(WIDE, INKS, Coding::Baseline),
            None,
        ),
        (
            "JPEG, progressive, 4:4:4, 12 MP",
            jpeg(PHOTO, FULL, scans(1)),
            Some(true),
        ),
        (
            "JPEG, progressive, CMYK, 12 MP",
            jpeg(PHOTO, INKS, scans(1)),
            Some(true),
        ),
        (
            "JPEG, progressive, 4:4:4, 12 MP, 60 scans",
            jpeg(PHOTO, FULL, scans(60)),
            None,
        ),
        (
            "JPEG, progressive, 4:4:4, 12 MP, 5000 scans",
            jpeg(PHOTO, FULL, scans(5000)),
            None,
        ),
        (
            "JPEG, progressive, 4:2:0, 40 MP",
            jpeg(WIDE, HALVED, scans(1)),
            None,
        ),
        (
            "JPEG, progressive, 4:4:4, 40 MP",
            jpeg(WIDE, FULL, scans(1)),
            Some(false),
        ),
        (
            "JPEG, progressive, CMYK, 40 MP",
            jpeg(WIDE, INKS, scans(1)),
            Some(false),
        ),
        (
            "JPEG, baseline, 65535 × 65535",
            jpeg((65_535, 65_535), FULL, Coding::Baseline),
            Some(false),
        ),
    ]);
}

/// The figures of docs/operators.md that are below 40 million pixels, WebP apart.
#[test]
fn the_largest_images_of_the_documentation_have_thumbnails() {
    use jpeg::{Coding, jpeg};
    use png::{Png, png};
    let progressive = |size, planes| jpeg(size, planes, Coding::Progressive { scans: 1 });
    hold(vec![
        (
            "JPEG, progressive, 4:2:0, 35 MP",
            progressive((7000, 5000), &[0x22, 0x11, 0x11]),
            Some(true),
        ),
        (
            "JPEG, progressive, 4:4:4, 25 MP",
            progressive((5000, 5000), &[0x11; 3]),
            Some(true),
        ),
        (
            "JPEG, progressive, CMYK, 20 MP",
            progressive((5000, 4000), &[0x11; 4]),
            Some(true),
        ),
        (
            "PNG, RGBA of 16 bits, 25 MP",
            png((5000, 5000), Png::rgba(16)),
            Some(true),
        ),
        (
            "GIF, a frame that is narrower, 25 MP",
            gif::gif((5000, 5000), (4999, 5000), 1),
            Some(true),
        ),
    ]);
}

#[test]
fn png_has_a_bound() {
    use png::{Png, png};
    let rgba = Png::rgba(8);
    hold(vec![
        ("PNG, RGBA, 40 MP", png(WIDE, rgba), Some(true)),
        (
            "PNG, RGBA, interlaced, 40 MP",
            png(WIDE, rgba.interlaced()),
            Some(true),
        ),
        (
            "PNG, RGBA of 16 bits, 12 MP",
            png(PHOTO, Png::rgba(16)),
            Some(true),
        ),
        (
            "PNG, RGBA of 16 bits, interlaced, 12 MP",
            png(PHOTO, Png::rgba(16).interlaced()),
            Some(true),
        ),
        (
            "PNG, RGBA of 16 bits, 40 MP",
            png(WIDE, Png::rgba(16)),
            Some(false),
        ),
        (
            "PNG, a profile of 1 GiB",
            png::with_profile(PHOTO, 1 << 30),
            None,
        ),
    ]);
}

#[test]
fn gif_has_a_bound() {
    let (width, height) = WIDE;
    let narrower = (width - 1, height);
    hold(vec![
        ("GIF, 40 MP", gif::gif(WIDE, WIDE, 1), Some(true)),
        (
            "GIF, a frame that is narrower, 40 MP",
            gif::gif(WIDE, narrower, 1),
            None,
        ),
        (
            "GIF, 20 frames of 40 MP",
            gif::gif(WIDE, WIDE, 20),
            Some(true),
        ),
        (
            "GIF, 100000 frames of 1 pixel, 12 MP",
            gif::gif(PHOTO, (1, 1), 100_000),
            Some(true),
        ),
    ]);
}

#[test]
fn webp_has_a_bound() {
    hold(vec![
        ("WebP, lossless, 12 MP", webp::lossless(PHOTO), Some(true)),
        ("WebP, lossless, 40 MP", webp::lossless(WIDE), None),
        (
            "WebP, lossless, 65536 groups of codes",
            webp::many_codes(),
            Some(false),
        ),
        ("WebP, lossy, 12 MP", webp::lossy(PHOTO), None),
        ("WebP, lossy, 40 MP", webp::lossy(WIDE), None),
        (
            "WebP, lossy with lossless alpha, 40 MP",
            webp::lossy_with_alpha(WIDE),
            None,
        ),
        (
            "WebP, animated, lossless, 40 MP",
            webp::animated(WIDE, 1),
            None,
        ),
        (
            "WebP, animated, 100 frames, 12 MP",
            webp::animated(PHOTO, 100),
            None,
        ),
    ]);
}
