//! The folder of the cache, looked at from outside.

use std::path::{Path, PathBuf};

/// The file in which the cache notes how far it has purged.
const MARK: &str = "purged.json";

/// All files of a folder that hold media, and their sizes together.
pub fn files(folder: &Path) -> (Vec<PathBuf>, u64) {
    let mut found = (Vec::new(), 0);
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let entry = entry.expect("an entry");
        let path = entry.path();
        if path.is_dir() {
            let (paths, size) = files(&path);
            found.0.extend(paths);
            found.1 += size;
        } else if path.file_name().is_none_or(|name| name != MARK) {
            found.1 += entry.metadata().map_or(0, |metadata| metadata.len());
            found.0.push(path);
        }
    }
    found
}
