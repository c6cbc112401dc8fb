//! What the folder of the cache says of itself: which cache it is, and how far it has purged. It stands in the folder,
//! so that a copy or an older state of the folder is not taken for what has been purged since.

use std::{
    fs,
    io::{self, Write as _},
    path::Path,
};

use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;

/// The name of its file.
const FILE: &str = "purged.json";

/// The place of a cache in the log of purges.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::media) struct Mark {
    /// A random value of the folder.
    pub(in crate::media) cache: String,
    /// Whose names its objects have.
    pub(in crate::media) names: String,
    /// Where the last step began: the database may not have learnt of it.
    pub(in crate::media) from: i64,
    /// The last entry of the log that was purged here.
    pub(in crate::media) to: i64,
}

impl Mark {
    /// Reads it; `None`: there is none, or none that can be read.
    pub(super) fn read(folder: &Path) -> Option<Self> {
        serde_json::from_slice(&fs::read(folder.join(FILE)).ok()?).ok()
    }

    /// Writes it into a new file, which becomes that of the folder.
    pub(super) fn write(&self, mut file: NamedTempFile, folder: &Path) -> io::Result<()> {
        file.write_all(&serde_json::to_vec(self)?)?;
        file.as_file().sync_data()?;
        file.persist(folder.join(FILE))?;
        Ok(())
    }
}
