//! What the operator denies: by lists, by the digest of the bytes, and by what a scanner says. Commands block the thread
//! of the test, so the service has others.

mod bytes;
mod lists;
mod scans;
mod scene;
