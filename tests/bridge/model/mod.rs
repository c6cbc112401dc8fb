//! A model of usage beside the real thing: after every step of a random walk, the homeserver
//! counts exactly what is live.

mod checks;
mod moves;
mod state;
mod steps;
mod walks;
