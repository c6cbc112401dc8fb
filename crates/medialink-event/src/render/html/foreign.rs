//! Rewrites the HTML of senders: links in the places of their media, today's tags for old ones.

use medialink_link::matrix::MxcUri;

use crate::html::{Piece, attribute, description, pieces};

use super::super::media_link::MediaLink;
use super::writer::HtmlWriter;

/// Writes this HTML on: `mxc:` becomes the link of that media, and a picture without a link its
/// description. Where the link is that of a page, the description leads there.
pub(super) fn write<'a>(
    html: &str,
    writer: &mut HtmlWriter,
    link: impl Fn(&MxcUri) -> Option<&'a MediaLink<'a>>,
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

/// The tag that replaces one that the specification has given up.
fn modern(name: &str) -> &str {
    match name {
        "font" => "span",
        "strike" => "s",
        other => other,
    }
}
