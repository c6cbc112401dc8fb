//! What the page of a link shows beside the medium itself, and what others are told of it.

mod films;
mod galleries;
mod oembed;
mod previews;
mod scene;
mod sharers;
mod texts;
