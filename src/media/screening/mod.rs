//! Looking into media before its first byte goes out: its bytes may be denied, and a scanner may find something in them.

mod clamd;
mod known;
mod program;
mod scan;
mod screener;

pub use screener::Screener;
