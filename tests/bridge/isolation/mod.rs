//! One room, or one bridge, that gets no answers holds up no other.

mod bridges;
mod rooms;
mod scene;
