//! HTML for networks that have it: the words of an event, sanitised, and links to its media.

mod allowed;
mod foreign;
mod page;
mod writer;

pub(super) use self::page::html;
