//! Colour profiles (ICC.1) of images: those that a thumbnail can carry on.

use image::ColorType;

/// The longest profile that is carried on, in bytes: those of cameras and screens are far shorter. A
/// thumbnail without one is taken for sRGB.
const MAX_PROFILE_BYTES: usize = 64 << 10;
/// The length of a profile's header.
const HEADER_BYTES: usize = 128;

/// Whether a profile describes pixels of this kind, as far as its header says: that of a printer does
/// not describe the RGB that a decoder has made of its inks.
pub(super) fn usable_profile(profile: &[u8], color: ColorType) -> bool {
    let space: &[u8] = if color.has_color() { b"RGB " } else { b"GRAY" };
    let length = profile.first_chunk().copied().map(u32::from_be_bytes);
    (HEADER_BYTES..=MAX_PROFILE_BYTES).contains(&profile.len())
        && length.is_some_and(|length| length as usize == profile.len())
        && profile.get(16..20) == Some(space)
        && profile.get(36..40) == Some(b"acsp")
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A profile (ICC.1, section 7) of this length: its header, and no tags.
    pub(in crate::media) fn profile(space: &[u8; 4], length: usize) -> Vec<u8> {
        let mut profile = vec![0; length];
        let told = u32::try_from(length).expect("short");
        profile[..4].copy_from_slice(&told.to_be_bytes());
        profile[8] = 4;
        profile[12..16].copy_from_slice(b"mntr");
        profile[16..20].copy_from_slice(space);
        profile[20..24].copy_from_slice(b"XYZ ");
        profile[36..40].copy_from_slice(b"acsp");
        profile
    }

    #[test]
    fn a_profile_is_carried_on_if_it_describes_such_pixels() {
        let rgb = profile(b"RGB ", 132);
        let gray = profile(b"GRAY", 132);
        assert!(usable_profile(&rgb, ColorType::Rgb8) && usable_profile(&rgb, ColorType::Rgba16));
        assert!(usable_profile(&gray, ColorType::L8) && usable_profile(&gray, ColorType::La16));
        assert!(!usable_profile(&rgb, ColorType::L8) && !usable_profile(&gray, ColorType::Rgb8));
        assert!(!usable_profile(&profile(b"CMYK", 132), ColorType::Rgb8));
        assert!(!usable_profile(&rgb[..131], ColorType::Rgb8));
        assert!(!usable_profile(&[], ColorType::Rgb8));
        assert!(!usable_profile(&[0; 132], ColorType::Rgb8));
        let longest = profile(b"RGB ", MAX_PROFILE_BYTES);
        assert!(usable_profile(&longest, ColorType::Rgb8));
        let too_long = profile(b"RGB ", MAX_PROFILE_BYTES + 1);
        assert!(!usable_profile(&too_long, ColorType::Rgb8));
    }
}
