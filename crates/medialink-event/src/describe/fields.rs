//! Fields of events, left out where they have the wrong type.

use serde_json::{Map, Value};

use crate::media_type::{canonical_type, is_media_type};

pub(super) type Object = Map<String, Value>;

/// The longest blurhash: nine by nine components (its grammar).
const MAX_BLURHASH: usize = 4 + 2 * 9 * 9;

pub(super) fn object<'a>(owner: &'a Object, name: &str) -> Option<&'a Object> {
    owner.get(name)?.as_object()
}

pub(super) fn text(owner: &Object, name: &str) -> Option<String> {
    kept(owner.get(name)?.as_str()?)
}

pub(super) fn kept(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// A number as Matrix has them, of 53 bits, however it is written.
pub(super) fn number(owner: &Object, name: &str) -> Option<u64> {
    crate::number::number(owner.get(name)?)
}

/// A media type by its one name, with the parameters that it has.
pub(super) fn mimetype(owner: &Object, name: &str) -> Option<String> {
    let text = text(owner, name).filter(|text| is_media_type(text))?;
    let canonical = canonical_type(&text);
    Some(match text.split_once(';') {
        None => canonical.into_owned(),
        Some((_, parameters)) => format!("{canonical};{parameters}"),
    })
}

pub(super) fn pixels(owner: &Object, name: &str) -> Option<u32> {
    let pixels = u32::try_from(number(owner, name)?).ok()?;
    (pixels > 0).then_some(pixels)
}

pub(super) fn blurhash(info: &Object, name: &str) -> Option<String> {
    let hash = info.get(name)?.as_str()?;
    let is_one = (6..=MAX_BLURHASH).contains(&hash.len())
        && hash
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"#$%*+,-.:;=?@[]^_{|}~".contains(&byte));
    is_one.then(|| hash.to_owned())
}
