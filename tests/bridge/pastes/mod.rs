//! Long messages become links: on each kind of homeserver, and whatever goes wrong.

mod deletion;
mod page;
mod repeats;
mod rules;
mod scene;
mod usage;
