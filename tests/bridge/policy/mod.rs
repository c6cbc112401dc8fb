//! What rooms allow: `org.matrix.msc3910.link_policy`.

mod asking;
mod bounds;
mod room;
