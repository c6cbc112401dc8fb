//! Types of media that people's programs show by themselves.

use crate::media_type::canonical_type;

/// Whether media that is shared as a picture can be one. Without a type, it is taken for one; so it
/// is with the type of anything, but for stickers, whose other types are known to be used.
pub(super) fn is_picture(mimetype: Option<&str>, is_sticker: bool) -> bool {
    is_one_of(mimetype, is_sticker, &["image"])
}

/// Whether media that is shared as a picture, a film or a sound can be shown or played.
pub(super) fn is_shown(mimetype: Option<&str>, is_sticker: bool) -> bool {
    is_one_of(mimetype, is_sticker, &["image", "video", "audio"])
}

fn is_one_of(mimetype: Option<&str>, is_sticker: bool, kinds: &[&str]) -> bool {
    let Some(mimetype) = mimetype.map(canonical_type) else {
        return true;
    };
    // Vector animations, which need players of their own (`video/lottie+json`).
    let is_animation = ["lottie", "tgsticker"]
        .iter()
        .any(|word| mimetype.contains(word));
    let is_anything = mimetype == "application/octet-stream" && !is_sticker;
    let is_kind = mimetype
        .split_once('/')
        .is_some_and(|(kind, _)| kinds.contains(&kind));
    !is_animation && (is_kind || is_anything)
}
