//! When a link ends at the latest.

/// The latest time that a link may end at, in milliseconds since the epoch: that of the year
/// 275760, where dates of JavaScript end. Later numbers were not meant as times.
pub(super) const LATEST_MS: i64 = 8_640_000_000_000_000;
