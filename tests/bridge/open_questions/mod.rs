//! Events whose meaning the homeserver does not tell: they are noted, end whatever they may mean, and
//! are decided later.

mod deciding;
mod edits;
mod legacy_links;
mod redactions;
mod scene;
