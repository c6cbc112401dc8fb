//! Files that come into their places together, or not at all.

use std::{
    ffi::OsString,
    io::{ErrorKind, Write as _},
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _, chown},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail};
use tempfile::NamedTempFile;
use zeroize::Zeroizing;

/// A file that is to be there.
pub(super) struct NewFile {
    pub(super) path: PathBuf,
    pub(super) text: Zeroizing<String>,
}

/// Files in their places, mode 0600, or owner and mode of what they replace. Dropped, they are gone, and what they have replaced is back.
#[derive(Default)]
pub(super) struct Placed {
    made: Vec<PathBuf>,
    /// What was replaced, and where it is.
    replaced: Vec<(PathBuf, PathBuf)>,
    folders: Vec<PathBuf>,
}

impl Placed {
    /// Puts files into their places, in this order. One that is there with the same content stays as it is.
    ///
    /// # Errors
    /// If a file cannot be written, or, without `force`, is there with another content.
    pub(super) fn place(files: &[NewFile], force: bool) -> anyhow::Result<Self> {
        let mut placed = Self::default();
        let mut staged = Vec::new();
        for file in files {
            let shown = file.path.display();
            let is_there = match std::fs::read(&file.path).map(Zeroizing::new) {
                Ok(there) if *there == file.text.as_bytes() => continue,
                Ok(_) => true,
                Err(error) if error.kind() == ErrorKind::NotFound => false,
                Err(error) => return Err(error).context(format!("{shown} cannot be read")),
            };
            if is_there && !force {
                bail!(
                    "{shown} is there already, with another content; allowed is a file that is not there yet, or \
                     --force, which keeps the replaced one"
                );
            }
            let staged_file = placed
                .stage(file)
                .with_context(|| format!("{shown} cannot be written"))?;
            staged.push((staged_file, &file.path, is_there));
        }
        for (new, path, is_there) in staged {
            placed
                .put(new, path, is_there)
                .with_context(|| format!("{} cannot be written", path.display()))?;
        }
        Ok(placed)
    }

    /// A file beside its place, with its content on the disk.
    fn stage(&mut self, file: &NewFile) -> std::io::Result<NamedTempFile> {
        let folder = folder_of(&file.path);
        self.make_folder(folder)?;
        // Made with mode 0600.
        let mut staged = tempfile::Builder::new()
            .prefix(".medialink-")
            .tempfile_in(folder)?;
        staged.write_all(file.text.as_bytes())?;
        staged.as_file().sync_all()?;
        Ok(staged)
    }

    fn make_folder(&mut self, folder: &Path) -> std::io::Result<()> {
        if folder.is_dir() {
            return Ok(());
        }
        if let Some(above) = folder
            .parent()
            .filter(|above| !above.as_os_str().is_empty())
        {
            self.make_folder(above)?;
        }
        std::fs::DirBuilder::new().mode(0o700).create(folder)?;
        self.folders.push(folder.to_owned());
        Ok(())
    }

    fn put(&mut self, new: NamedTempFile, path: &Path, is_there: bool) -> std::io::Result<()> {
        if is_there {
            let mut old = OsString::from(path);
            old.push(".old");
            let old = PathBuf::from(old);
            std::fs::rename(path, &old)?;
            // Whoever could read the old one can read the new one.
            let metadata = std::fs::metadata(&old);
            self.replaced.push((path.to_owned(), old));
            let metadata = metadata?;
            chown(new.path(), Some(metadata.uid()), Some(metadata.gid()))?;
            new.as_file().set_permissions(metadata.permissions())?;
        }
        new.persist_noclobber(path).map_err(|error| error.error)?;
        self.made.push(path.to_owned());
        std::fs::File::open(folder_of(path))?.sync_all()
    }

    /// Keeps them, and tells which were written.
    pub(super) fn keep(mut self) -> Vec<PathBuf> {
        self.replaced.clear();
        self.folders.clear();
        std::mem::take(&mut self.made)
    }
}

impl Drop for Placed {
    fn drop(&mut self) {
        // What cannot be undone is left as it is: there is nobody to tell.
        for path in &self.made {
            drop(std::fs::remove_file(path));
        }
        for (path, old) in &self.replaced {
            drop(std::fs::rename(old, path));
        }
        for folder in self.folders.iter().rev() {
            drop(std::fs::remove_dir(folder));
        }
    }
}

fn folder_of(path: &Path) -> &Path {
    let folder = path.parent();
    folder
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}
