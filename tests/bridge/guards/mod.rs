//! What the events of links say: redactions that are found at following, and whether an event shares
//! the media that a link is asked for.

mod media;
mod provenance;
mod redactions;
mod scene;
