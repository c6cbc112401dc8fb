//! What somebody gets who follows a link.

mod answers;
mod play;
mod refusals;
mod urls;
