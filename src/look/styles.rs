//! The style blocks of the pages, with their hashes.

use std::sync::{Arc, LazyLock};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use sha2::{Digest as _, Sha256};

use super::{
    accent::{Shades, Surfaces},
    colour::Colour,
};

/// The style of all pages.
const BASE: &str = include_str!("../../templates/style.css");

static BUILT_IN: LazyLock<Arc<Styles>> = LazyLock::new(|| Arc::new(Styles::new(None)));
static DOCS: LazyLock<StyleBlock> =
    LazyLock::new(|| StyleBlock::new(&[BASE, include_str!("../../templates/docs.css")].concat()));

/// A style block. Pages have exactly these bytes, so that their hash in a policy holds.
#[derive(Debug, Clone)]
pub struct StyleBlock {
    /// What stands between the tags.
    pub text: String,
    /// The source by which a policy allows it, without quotes: `sha256-…`.
    pub source: String,
}

/// The style blocks of the pages that people see.
#[derive(Debug)]
pub(super) struct Styles {
    pub(super) wide: StyleBlock,
    pub(super) narrow: StyleBlock,
    pub(super) lines: StyleBlock,
}

impl Styles {
    pub(super) fn built_in() -> Arc<Self> {
        Arc::clone(&BUILT_IN)
    }

    /// Those with a colour of an operator's own.
    pub(super) fn new(colour: Option<Colour>) -> Self {
        let base = colour.map_or_else(|| BASE.to_owned(), with_colour);
        let block = |more: &str| StyleBlock::new(&[base.as_str(), more].concat());
        Self {
            wide: block(""),
            narrow: block(include_str!("../../templates/narrow.css")),
            lines: block(include_str!("../../templates/lines.css")),
        }
    }
}

impl StyleBlock {
    fn new(style: &str) -> Self {
        let text = tight(style);
        let source = source_of(&text);
        Self { text, source }
    }

    /// The style of the API's description, which nobody has to load who follows a link.
    #[must_use]
    pub fn docs() -> &'static Self {
        &DOCS
    }
}

/// The source by which a policy allows a style or a script. Browsers hash the text of the element, in which the HTML
/// parser has made every line end a line feed.
#[must_use]
pub fn source_of(text: &str) -> String {
    let digest = Sha256::digest(text.replace("\r\n", "\n"));
    format!("sha256-{}", STANDARD.encode(digest))
}

/// A style or a script without the white space that is there for its authors: a page is to be light.
#[must_use]
pub fn tight(style: &str) -> String {
    let mut tight = String::with_capacity(style.len());
    for line in style.lines().map(str::trim) {
        let mut rest = line.char_indices().peekable();
        while let Some((_, character)) = rest.next() {
            let ends = tight.ends_with(['{', '}', ';', ':', ',']);
            let begins = matches!(rest.peek(), Some((_, '{')));
            if character == '}' && tight.ends_with(';') {
                tight.pop();
            }
            if character != ' ' || !ends && !begins {
                tight.push(character);
            }
        }
    }
    tight
}

/// The style of all pages, with the shades of a colour in place of its own.
fn with_colour(colour: Colour) -> String {
    let shades = surfaces().map(|surfaces| Shades::of(colour, &surfaces));
    let mut style = BASE.to_owned();
    for (name, values) in [
        ("--accent", shades.map(|shades| shades.accent)),
        ("--accent-hover", shades.map(|shades| shades.hover)),
        ("--on-accent", shades.map(|shades| shades.on_accent)),
        ("--tint", shades.map(|shades| shades.tint)),
    ] {
        style = replaced(&style, name, values);
    }
    style
}

/// The surfaces of the light scheme and of the dark one, as the style has them.
fn surfaces() -> [Surfaces; 2] {
    let [card, ground, well, marked] =
        ["--card", "--ground", "--well", "--amber-tint"].map(|name| values(BASE, name));
    let toward = [Colour::BLACK, Colour::WHITE];
    [0, 1].map(|scheme| Surfaces {
        card: card[scheme],
        others: vec![ground[scheme], well[scheme], marked[scheme]],
        toward: toward[scheme],
    })
}

/// The values of a colour in the light scheme and in the dark one.
fn values(style: &str, name: &str) -> [Colour; 2] {
    let declared = format!("{name}: ");
    let mut values = style.split(&declared).skip(1).map(|rest| {
        let value = rest.split(';').next();
        value.and_then(Colour::parse)
    });
    [Colour::WHITE, Colour::BLACK].map(|other| values.next().flatten().unwrap_or(other))
}

/// A style with other values of a colour, in the light scheme and in the dark one.
fn replaced(style: &str, name: &str, values: [Colour; 2]) -> String {
    let declared = format!("{name}: ");
    let mut pieces = style.split(&declared);
    let mut text = pieces.next().unwrap_or_default().to_owned();
    for (piece, value) in pieces.zip(values) {
        let rest = piece.find(';').map_or("", |at| &piece[at..]);
        text.push_str(&format!("{declared}{value}{rest}"));
    }
    text
}

#[cfg(test)]
mod tests;
