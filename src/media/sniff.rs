//! Whether bytes agree with their declared type. One container holds sound or pictures, and types
//! have old names, so types are compared by family.

use medialink_event::canonical_type;

/// How many of the first bytes show the type of media.
pub(super) const SNIFFED_BYTES: usize = 512;

/// Containers and formats that browsers show in place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    Aac,
    Avif,
    Flac,
    Gif,
    /// ISO base media: MP4, QuickTime, M4A.
    IsoMedia,
    Jpeg,
    Matroska,
    /// MP3.
    MpegAudio,
    Ogg,
    Png,
    Wave,
    Webp,
}

impl Family {
    /// The family of a type, by its canonical name.
    pub(super) fn of_type(kind: &str) -> Option<Self> {
        Some(match kind {
            "audio/aac" => Self::Aac,
            "image/avif" => Self::Avif,
            "audio/flac" | "audio/x-flac" => Self::Flac,
            "image/gif" => Self::Gif,
            "video/mp4" | "audio/mp4" | "video/quicktime" => Self::IsoMedia,
            "image/jpeg" => Self::Jpeg,
            "video/webm" | "audio/webm" | "video/x-matroska" => Self::Matroska,
            "audio/mpeg" => Self::MpegAudio,
            "audio/ogg" | "video/ogg" => Self::Ogg,
            "image/png" | "image/apng" => Self::Png,
            "audio/wave" | "audio/wav" | "audio/x-wav" | "audio/x-pn-wav" => Self::Wave,
            "image/webp" => Self::Webp,
            _ => return None,
        })
    }

    /// The family of bytes, by their first ones.
    pub(super) fn of_bytes(first: &[u8]) -> Option<Self> {
        if has_a_mark(first) {
            Self::of_likely(first)
        } else {
            None
        }
    }

    fn of_likely(first: &[u8]) -> Option<Self> {
        let known = infer::get(first).map(|kind| canonical_type(kind.mime_type()));
        if let Some(found) = known.as_deref().and_then(Self::of_type) {
            return Some(found);
        }
        match first {
            // Any brand: new ones are made all the time.
            [_, _, _, _, b'f', b't', b'y', b'p', ..] if known.is_none() => Some(Self::IsoMedia),
            // A frame of layer III, with or without a checksum, of any version of MPEG audio.
            [0xff, second, ..] if second & 0xe6 == 0xe2 => Some(Self::MpegAudio),
            _ => None,
        }
    }

    /// The type to declare of bytes of this family where nothing better is known.
    pub(super) fn usual_type(self, first: &[u8]) -> Option<&'static str> {
        Some(match self {
            Self::Aac => "audio/aac",
            Self::Avif => "image/avif",
            Self::Flac => "audio/flac",
            Self::Gif => "image/gif",
            Self::IsoMedia if is_sound(first) => "audio/mp4",
            Self::IsoMedia => "video/mp4",
            Self::Jpeg => "image/jpeg",
            // Most of its files are not WebM.
            Self::Matroska => return None,
            Self::MpegAudio => "audio/mpeg",
            Self::Ogg if has_pictures(first) => "video/ogg",
            Self::Ogg => "audio/ogg",
            Self::Png => "image/png",
            Self::Wave => "audio/wav",
            Self::Webp => "image/webp",
        })
    }
}

/// By what the files of a family are known, and at which byte it is. Files of one family may have different ones.
const MARKS: [(usize, &[u8]); 14] = [
    (0, b"\xff"),
    (0, b"\x89"),
    (0, b"\x1aE\xdf\xa3"),
    (0, b"GIF"),
    (0, b"ID3"),
    (0, b"M4A "),
    (0, b"OggS"),
    (0, b"RIFF"),
    (0, b"fLaC"),
    (4, b"ftyp"),
    (4, b"mdat"),
    (4, b"moov"),
    (8, b"WEBP"),
    (12, b"mdat"),
];

/// Whether bytes have a mark of any family. Others are spared the search for types that are no family: some of these
/// are looked for at each place.
fn has_a_mark(first: &[u8]) -> bool {
    MARKS.iter().any(|(place, mark)| {
        let rest = first.get(*place..);
        rest.is_some_and(|rest| rest.starts_with(mark))
    })
}

/// Whether the major brand of ISO base media promises sound and no pictures.
fn is_sound(first: &[u8]) -> bool {
    const BRANDS: [&[u8]; 5] = [b"M4A ", b"M4B ", b"M4P ", b"F4A ", b"F4B "];
    first
        .get(8..12)
        .is_some_and(|brand| BRANDS.contains(&brand))
}

/// Whether one of the first streams of an Ogg file is a film.
fn has_pictures(first: &[u8]) -> bool {
    const THEORA: &[u8] = b"\x80theora";
    first.windows(THEORA.len()).any(|bytes| bytes == THEORA)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the formats of the families, and some that are none, are known by.
    const FORMATS: [&[u8]; 22] = [
        b"\xff\xd8\xff",
        b"\x89PNG\r\n\x1a\n",
        b"GIF8",
        b"RIFF\x24\0\0\0WEBP",
        b"RIFF\x24\0\0\0WAVE",
        b"WEBP",
        b"ftypavif",
        b"ftypmp42",
        b"ftypqt  ",
        b"ftypM4V",
        b"ftypM4A ",
        b"M4A ",
        b"moov",
        b"mdat",
        b"\x1a\x45\xdf\xa3\x42\x82\x84webm",
        b"\x1a\x45\xdf\xa3\x42\x82\x88matroska",
        b"OggS",
        b"ID3",
        b"fLaC",
        b"%PDF-",
        b"<html>",
        b"PK\x03\x04",
    ];

    #[test]
    fn each_family_is_known_by_its_first_bytes() {
        let ogg_video = [&b"OggS\0\x02"[..], &[0; 22], b"\x80theora", &[0; 20]].concat();
        let opus = [&b"OggS\0\x02"[..], &[0; 22], b"OpusHead", &[0; 20]].concat();
        let webm = &b"\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\xf7\x81\x01\x42\xf2\x81\x04\x42\xf3\x81\x08\x42\x82\x84webm\x42\x87\x81\x04\x42\x85\x81\x02"[..];
        let webm = [webm, &[0; 300]].concat();
        for (bytes, family) in [
            (&b"\xff\xd8\xff\xe0\0\x10JFIF\0"[..], Family::Jpeg),
            (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", Family::Png),
            (b"GIF89a<script>", Family::Gif),
            (b"RIFF\x24\0\0\0WEBPVP8 ", Family::Webp),
            (b"\0\0\0\x1cftypavif\0\0\0\0avifmif1miaf", Family::Avif),
            (b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom", Family::IsoMedia),
            (b"\0\0\0\x18ftypiso6\0\0\0\0iso6dash", Family::IsoMedia),
            (b"\0\0\0\x18ftypxyz1\0\0\0\0xyz1", Family::IsoMedia),
            (b"\0\0\0\x14ftypqt  \0\0\x02\0qt  ", Family::IsoMedia),
            (b"\0\0\0\x18ftypM4A \0\0\0\0M4A mp42", Family::IsoMedia),
            (&webm, Family::Matroska),
            (&ogg_video, Family::Ogg),
            (&opus, Family::Ogg),
            (b"ID3\x04\0\0\0\0\0\0", Family::MpegAudio),
            (b"\xff\xfa\x90\x44", Family::MpegAudio),
            (b"\xff\xfb\x90\x44", Family::MpegAudio),
            (b"\xff\xe3\x18\xc4", Family::MpegAudio),
            (b"\xff\xf1\x50\x80", Family::Aac),
            (b"RIFF\x24\0\0\0WAVEfmt ", Family::Wave),
            (b"fLaC\0\0\0\x22", Family::Flac),
        ] {
            assert_eq!(Family::of_bytes(bytes), Some(family), "{bytes:?}");
        }
    }

    #[test]
    fn no_family_begins_in_another_way() {
        let random = crate::random::bytes::<300>;
        for _ in 0..200 {
            let bytes = random();
            assert_eq!(Family::of_bytes(&bytes), Family::of_likely(&bytes));
        }
        for mark in FORMATS {
            for place in 0..16 {
                let mut bytes = random();
                bytes[place..place + mark.len()].copy_from_slice(mark);
                for bytes in [&bytes[..], &bytes[..place + mark.len()]] {
                    let found = Family::of_bytes(bytes);
                    assert_eq!(found, Family::of_likely(bytes), "{mark:?} {place}");
                }
            }
        }
        for first in 0..=u16::MAX {
            let bytes = [&first.to_be_bytes()[..], &random()].concat();
            assert_eq!(Family::of_bytes(&bytes), Family::of_likely(&bytes));
        }
    }

    #[test]
    fn formats_that_can_hold_scripts_have_no_family() {
        for bytes in [
            &b""[..],
            b"<!DOCTYPE html><script>",
            b" \n\t<html>",
            b"\xef\xbb\xbf<html>",
            b"<svg xmlns=\"http://www.w3.org/2000/svg\">",
            b"<?xml version=\"1.0\"?>",
            b"%PDF-1.7",
            b"PK\x03\x04",
            b"hello",
            b"\0\0\0\x18ftypheic\0\0\0\0heicmif1",
        ] {
            assert_eq!(Family::of_bytes(bytes), None, "{bytes:?}");
        }
    }

    #[test]
    fn a_usual_type_is_of_its_family_and_shown_in_place() {
        for kind in super::super::headers::INLINE_TYPES {
            let family = Family::of_type(kind);
            if let Some(usual) = family.and_then(|family| family.usual_type(b"")) {
                assert_eq!(Family::of_type(usual), Family::of_type(kind));
                assert!(super::super::headers::INLINE_TYPES.contains(&usual));
            }
        }
    }
}
