//! The cache: one download for all, nothing half, and no harm where it fails.

mod failing;
mod keeping;
mod scene;
mod sharing;
mod space;
