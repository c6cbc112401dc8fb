//! The words of HTML, with spoilers hidden.

use html5gum::StartTag;

use super::pieces::{Piece, attribute, description, pieces};

/// The attribute of text that is hidden until somebody asks for it.
const SPOILER: &str = "data-mx-spoiler";

/// Whether something in this HTML can be a spoiler. Names of attributes are in any case.
pub(crate) fn may_hide(html: &str) -> bool {
    html.to_ascii_lowercase().contains(SPOILER)
}

/// The words of this HTML. Spoilers are replaced by `[spoiler]`.
pub(crate) fn plain_text(html: &str) -> String {
    let spoiler = |tag: &StartTag<()>| attribute(tag, SPOILER).is_some();
    let mut text = String::new();
    for piece in pieces(html, spoiler) {
        match piece {
            Piece::Text(words) => text.push_str(&words),
            Piece::Start(name, tag) => match attribute(&tag, SPOILER) {
                Some("") => text.push_str("[spoiler]"),
                Some(reason) => {
                    text.push_str("[spoiler: ");
                    text.push_str(reason);
                    text.push(']');
                }
                None if name == "img" => text.push_str(description(&tag)),
                None => push_line_end(&mut text, &name),
            },
            Piece::End(name) => push_line_end(&mut text, &name),
        }
    }
    text
}

/// Whether nothing of this HTML is seen, as where all of it is the quote before a reply.
pub(crate) fn shows_nothing(html: &str) -> bool {
    !may_hide(html)
        && pieces(html, |_| false).all(|piece| match piece {
            Piece::Text(words) => words.trim().is_empty(),
            Piece::Start(name, _) => name != "img",
            Piece::End(_) => true,
        })
}

fn push_line_end(text: &mut String, name: &str) {
    let ends = [
        "br",
        "p",
        "div",
        "li",
        "tr",
        "pre",
        "blockquote",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "ul",
        "ol",
        "table",
        "details",
        "summary",
        "hr",
    ];
    if ends.contains(&name) {
        text.push('\n');
    }
}
