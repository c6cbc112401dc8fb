//! The tags and attributes that HTML may have: the list of the Matrix specification (Client-Server API, "m.room.message
//! msgtypes"), enforced by a sanitiser.

use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
    sync::LazyLock,
};

use ammonia::{Builder, UrlRelative};

/// A tag and its attributes.
pub(super) type Tag = (&'static str, &'static [&'static str]);

const TAGS: [Tag; 37] = [
    ("a", &["href", "target"]),
    ("b", &[]),
    ("blockquote", &[]),
    ("br", &[]),
    ("caption", &[]),
    ("code", &["class"]),
    ("del", &[]),
    ("details", &[]),
    ("div", &["data-mx-maths"]),
    ("em", &[]),
    ("h1", &[]),
    ("h2", &[]),
    ("h3", &[]),
    ("h4", &[]),
    ("h5", &[]),
    ("h6", &[]),
    ("hr", &[]),
    ("i", &[]),
    ("img", &["width", "height", "alt", "title", "src"]),
    ("li", &[]),
    ("ol", &["start"]),
    ("p", &[]),
    ("pre", &[]),
    ("s", &[]),
    (
        "span",
        &[
            "data-mx-bg-color",
            "data-mx-color",
            "data-mx-spoiler",
            "data-mx-maths",
        ],
    ),
    ("strong", &[]),
    ("sub", &[]),
    ("summary", &[]),
    ("sup", &[]),
    ("table", &[]),
    ("tbody", &[]),
    ("td", &[]),
    ("th", &[]),
    ("thead", &[]),
    ("tr", &[]),
    ("u", &[]),
    ("ul", &[]),
];
/// Where links may lead.
const SCHEMES: [&str; 5] = ["https", "http", "ftp", "mailto", "magnet"];
/// The largest width and height of a picture, so that none covers all the rest.
pub(super) const MAX_SIDE: u32 = 800;

static SANITIZER: LazyLock<Builder<'static>> = LazyLock::new(|| {
    let attributes: HashMap<&str, HashSet<&str>> = TAGS
        .into_iter()
        .map(|(tag, attributes)| (tag, attributes.iter().copied().collect()))
        .collect();
    let mut builder = Builder::empty();
    builder
        .tags(TAGS.into_iter().map(|(tag, _)| tag).collect())
        .tag_attributes(attributes)
        .generic_attributes(HashSet::new())
        .url_schemes(SCHEMES.into())
        .url_relative(UrlRelative::Deny)
        .link_rel(Some("noopener noreferrer"))
        .attribute_filter(allowed_value);
    builder
});

/// The HTML without anything that is not on the list.
pub(super) fn sanitized(html: &str) -> String {
    SANITIZER.clean(html).to_string()
}

/// The tag of this name, with its attributes, if it is on the list.
pub(super) fn tag(name: &str) -> Option<Tag> {
    TAGS.into_iter().find(|(tag, _)| *tag == name)
}

fn allowed_value<'a>(tag: &str, attribute: &str, value: &'a str) -> Option<Cow<'a, str>> {
    let is_allowed = match (tag, attribute) {
        ("code", "class") => is_language(value),
        ("span", "data-mx-color" | "data-mx-bg-color") => is_color(value),
        ("img", "width" | "height") => value.parse().is_ok_and(|side: u32| side <= MAX_SIDE),
        ("img", "src") => value.starts_with("https://") || value.starts_with("http://"),
        ("ol", "start") => value.parse::<i32>().is_ok(),
        ("a", "target") => value == "_blank",
        _ => true,
    };
    is_allowed.then_some(Cow::Borrowed(value))
}

fn is_language(class: &str) -> bool {
    class.strip_prefix("language-").is_some_and(|language| {
        !language.is_empty()
            && language
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'+' | b'#' | b'.'))
    })
}

fn is_color(color: &str) -> bool {
    color
        .strip_prefix('#')
        .is_some_and(|digits| digits.len() == 6 && digits.bytes().all(|b| b.is_ascii_hexdigit()))
}
