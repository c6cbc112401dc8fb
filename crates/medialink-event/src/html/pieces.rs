//! The pieces of HTML, token by token, in time proportional to its length.

use html5gum::{DefaultEmitter, HtmlString, StartTag, Token, Tokenizer};

/// Tags that are hidden with their content.
const HIDDEN: [&str; 9] = [
    FALLBACK, "script", "style", "template", "title", "iframe", "noembed", "noframes", "noscript",
];
/// The tag of the quote that older clients put before a reply (Client-Server API, "Rich replies",
/// until version 1.12).
const FALLBACK: &str = "mx-reply";

/// A visible piece of HTML.
pub(crate) enum Piece {
    Start(String, StartTag<()>),
    End(String),
    Text(String),
}

/// The visible pieces, without the content of tags for which `is_left_out` holds.
pub(crate) fn pieces(
    html: &str,
    is_left_out: impl Fn(&StartTag<()>) -> bool,
) -> impl Iterator<Item = Piece> {
    let mut emitter = DefaultEmitter::default();
    emitter.naively_switch_states(true);
    let mut tokens = Tokenizer::new_with_emitter(html, emitter);
    // The tag that is left out, and how many of its name are open.
    let mut inside: Option<(HtmlString, usize)> = None;
    std::iter::from_fn(move || {
        loop {
            let Ok(token) = tokens.next()?;
            match (&token, &mut inside) {
                (Token::StartTag(tag), Some((name, depth))) => {
                    *depth += usize::from(tag.name == *name);
                }
                (Token::EndTag(tag), Some((name, depth))) => {
                    *depth -= usize::from(tag.name == *name);
                    if *depth == 0 {
                        inside = None;
                    }
                }
                (_, Some(_)) => {}
                (Token::StartTag(tag), None) => {
                    let name = text_of(&tag.name);
                    let is_hidden = HIDDEN.contains(&name.as_str());
                    let left_out = is_left_out(tag);
                    if is_hidden || left_out {
                        inside = Some((tag.name.clone(), 1));
                    }
                    if !is_hidden {
                        let Token::StartTag(tag) = token else {
                            continue;
                        };
                        return Some(Piece::Start(name, tag));
                    }
                }
                (Token::EndTag(tag), None) => return Some(Piece::End(text_of(&tag.name))),
                (Token::String(text), None) => return Some(Piece::Text(text_of(text))),
                _ => {}
            }
        }
    })
}

/// Whether HTML begins with the quote that older clients put before a reply. Comments and spaces
/// before it are not seen.
pub(crate) fn begins_with_fallback(html: &str) -> bool {
    for Ok(token) in Tokenizer::new(html) {
        match token {
            Token::StartTag(tag) => return *tag.name == FALLBACK.as_bytes(),
            Token::String(text) if is_blank(&text_of(&text)) => {}
            Token::Comment(_) | Token::Doctype(_) | Token::Error(_) => {}
            Token::String(_) | Token::EndTag(_) => return false,
        }
    }
    false
}

fn is_blank(text: &str) -> bool {
    text.chars().all(|c| c.is_whitespace() || c == '\u{feff}')
}

fn text_of(text: &HtmlString) -> String {
    String::from_utf8_lossy(text).into_owned()
}

pub(crate) fn attribute<'a>(tag: &'a StartTag<()>, name: &str) -> Option<&'a str> {
    let value = tag.attributes.get(name.as_bytes())?;
    std::str::from_utf8(value).ok()
}

/// The words that stand for a picture.
pub(crate) fn description(tag: &StartTag<()>) -> &str {
    attribute(tag, "alt")
        .or_else(|| attribute(tag, "title"))
        .unwrap_or_default()
}
