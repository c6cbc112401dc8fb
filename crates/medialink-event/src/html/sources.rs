//! The pictures of HTML.

use super::pieces::{Piece, attribute, pieces};

/// The `src` of every visible picture of some HTML, with its character references resolved. Takes
/// time in proportion to the HTML.
pub(crate) fn html_sources(html: &str) -> impl Iterator<Item = String> {
    pieces(html, |_| false).filter_map(|piece| match piece {
        Piece::Start(name, tag) if name == "img" => attribute(&tag, "src").map(str::to_owned),
        _ => None,
    })
}
