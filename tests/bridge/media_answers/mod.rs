//! Media answers byte by byte, with deadlines of a second: parts, lengths, redirects, and what a
//! homeserver says beside the media.

mod bodies;
mod handed_on;
mod kept;
mod nonsense;
mod ranges;
mod redirects;
mod scene;
