//! Programs of others that tests run beside: where they are, or why a test is skipped.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
};

/// A program, or a folder of programs.
pub struct Peer {
    /// How people call it.
    pub name: &'static str,
    /// The environment variable that says where it is.
    pub variable: &'static str,
    /// Where it is otherwise, from the repository on.
    pub place: &'static str,
    /// What installs it.
    pub setup: &'static str,
}

impl Peer {
    /// Where it is; `is_whole` tells whether it is. In CI it has to be there.
    pub fn find(&self, is_whole: impl FnOnce(&Path) -> bool) -> Option<PathBuf> {
        let wanted = std::env::var_os(self.variable)
            .filter(|value| !value.is_empty())
            .map_or_else(|| self.place.into(), PathBuf::from);
        let found = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../..")
            .join(wanted);
        if is_whole(&found) {
            return Some(found);
        }
        let Self { name, setup, .. } = self;
        assert!(!is_ci(), "{name} is not installed: {setup} does it");
        // Past the test runner, which shows what it captures of failed tests only.
        let _ = writeln!(
            std::io::stderr(),
            "no {name} to test with: {} is not there, or not whole; run {setup}, or set {}",
            found.display(),
            self.variable
        );
        None
    }
}

/// Whether nothing may be skipped.
pub fn is_ci() -> bool {
    std::env::var("CI").is_ok_and(|value| value == "true")
}
