//! The object store behind the cache, a real one: media comes from there, once for all, and no follow needs it.

mod failing;
mod keeping;
mod scene;
mod sharing;
