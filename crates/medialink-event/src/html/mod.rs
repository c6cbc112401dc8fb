//! Reads the HTML of senders. Everything that looks into it sees the same visible pieces: the
//! sanitiser, the search for media, and the plain text.

mod pieces;
mod plain;
mod sources;

pub(crate) use self::{
    pieces::{Piece, attribute, begins_with_fallback, description, pieces},
    plain::{may_hide, plain_text, shows_nothing},
    sources::html_sources,
};
