//! The cache: one download for all, nothing half, and no harm where it fails.

mod failing;
mod keeping;
mod purging;
mod scene;
mod sharing;
mod space;
