//! Links that bridges have made by themselves: recorded when they are followed first. They name no
//! room and no time of issue, so no policy of a room bounds them, and a revocation by media holds
//! for them whenever it was.
//!
//! What events do to media that they show is done to its recorded links in the same commit, so that
//! following them costs what any other link does: once no event shows it any more, they end. Where
//! no event was seen to show it, links that are signed are followed all the same, and those that
//! nobody signed are worth nothing.

mod record;
mod resolve;
mod shown;
