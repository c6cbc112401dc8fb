//! Reads the HTML of others, token by token, in time proportional to its length.

use html5gum::{DefaultEmitter, HtmlString, StartTag, Token, Tokenizer};

use medialink_link::matrix::MxcUri;

use super::{super::Linked, writer::HtmlWriter};

/// Tags that nobody is to see, with what is in them.
const HIDDEN: [&str; 8] = [
    "mx-reply", "script", "style", "template", "title", "iframe", "noembed", "noframes",
];

/// The attribute of what is hidden until somebody asks for it.
const SPOILER: &str = "data-mx-spoiler";

/// A piece of HTML that is to be seen.
enum Piece {
    Start(String, StartTag<()>),
    End(String),
    Text(String),
}

/// The pieces, without what is hidden and without what is in tags for which `is_left_out` holds.
fn pieces(html: &str, is_left_out: impl Fn(&StartTag<()>) -> bool) -> impl Iterator<Item = Piece> {
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

fn text_of(text: &HtmlString) -> String {
    String::from_utf8_lossy(text).into_owned()
}

fn attribute<'a>(tag: &'a StartTag<()>, name: &str) -> Option<&'a str> {
    let value = tag.attributes.get(name.as_bytes())?;
    std::str::from_utf8(value).ok()
}

/// Writes this HTML on: `mxc:` becomes the link of that media, and a picture without a link its
/// description. Where the link is that of a page, the description leads there.
pub(super) fn write<'a>(
    html: &str,
    writer: &mut HtmlWriter,
    link: impl Fn(&MxcUri) -> Option<&'a Linked<'a>>,
) {
    let link = |url: &str| MxcUri::parse(url).ok().and_then(|mxc| link(&mxc));
    for piece in pieces(html, |_| false) {
        match piece {
            Piece::Text(text) => writer.text(&text),
            Piece::End(name) => writer.close(modern(&name)),
            Piece::Start(name, tag) if name == "img" => {
                let words = description(&tag);
                match attribute(&tag, "src").and_then(link) {
                    Some(link) if link.is_media() => writer.open("img", |name| match name {
                        "src" => Some(link.url),
                        _ => attribute(&tag, name),
                    }),
                    Some(link) => {
                        writer.open("a", |name| (name == "href").then_some(link.url));
                        writer.text(if words.is_empty() { "image" } else { words });
                        writer.close("a");
                    }
                    None => writer.text(words),
                }
            }
            Piece::Start(name, tag) => writer.open(modern(&name), |attribute_name| {
                let color = attribute(&tag, "color").filter(|_| name == "font");
                match (attribute_name, attribute(&tag, attribute_name)) {
                    ("data-mx-color", None) => color,
                    ("href", Some(url)) => Some(link(url).map_or(url, |link| link.url)),
                    (_, value) => value,
                }
            }),
        }
    }
}

/// What is written today in place of tags that the specification has given up.
fn modern(name: &str) -> &str {
    match name {
        "font" => "span",
        "strike" => "s",
        other => other,
    }
}

fn description(tag: &StartTag<()>) -> &str {
    attribute(tag, "alt")
        .or_else(|| attribute(tag, "title"))
        .unwrap_or_default()
}

/// Whether something in this HTML can be a spoiler. Names of attributes are in any case.
pub(in crate::render) fn may_hide(html: &str) -> bool {
    html.to_ascii_lowercase().contains(SPOILER)
}

/// The words of this HTML. In the places of spoilers stands that there is one.
pub(in crate::render) fn plain_text(html: &str) -> String {
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
