//! What is left of links that ended long ago, and that nothing comes back of them.

mod bytes;
mod ends;
mod rows;
