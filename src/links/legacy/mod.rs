//! Links that bridges have made by themselves: recorded when they are followed first. They name no
//! room and no time of issue, so no policy of a room bounds them, and a revocation by media holds
//! for them whenever it was.
//!
//! They end once no event shows their media any more, in the commit that notes it, so that following
//! them costs as much as following any other link. Where no event was seen to show the media, signed
//! links are followed all the same, and unsigned ones are refused.

mod record;
mod resolve;
mod shown;
