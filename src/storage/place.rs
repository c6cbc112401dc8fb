//! Where the file of a database is, and whether it is still there.

use std::{
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::Arc,
};

/// Which file a path names: device and inode.
type FileId = (u64, u64);

/// Where the file of a database was when it was opened, and which one it was. Writes to a file that was
/// removed since succeed, and are lost. Clones share it.
#[derive(Debug, Clone)]
pub(super) struct Place(Arc<(PathBuf, FileId)>);

impl Place {
    /// Of a file that has been opened.
    pub(super) fn of(path: &Path) -> std::io::Result<Self> {
        Ok(Self(Arc::new((path.to_owned(), file_id(path)?))))
    }

    /// Makes sure that the path still names the file that was opened.
    pub(super) fn check(&self) -> Result<(), String> {
        let (path, opened) = &*self.0;
        match file_id(path) {
            Ok(id) if id == *opened => Ok(()),
            Ok(_) => Err("the file of the database was replaced".to_owned()),
            Err(error) => Err(format!("the file of the database is gone: {error}")),
        }
    }
}

fn file_id(path: &Path) -> std::io::Result<FileId> {
    let metadata = std::fs::metadata(path)?;
    Ok((metadata.dev(), metadata.ino()))
}
