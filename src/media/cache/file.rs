//! Objects on disk. A file holds the bytes of the media, then its head, then the length of the head
//! and eight bytes that name the format. It gets its name only when it is whole, so that a process
//! that is killed leaves no partial object.

use std::{
    fs::{self, File},
    io::{self, Write},
    os::unix::fs::{FileExt, PermissionsExt},
    path::{Path, PathBuf},
    time::SystemTime,
};

use tempfile::NamedTempFile;

use super::mark::Mark;
use crate::media::{head::MediaHead, object_key::ObjectKey};

/// Names the format at the end of each file.
const FORMAT: &[u8; 8] = b"MLMEDIA1";
/// The length of the tail: the length of the head, and the format.
const TAIL_BYTES: u64 = 12;
/// The longest head that is read.
const MAX_HEAD_BYTES: u32 = 64 << 10;
/// The part of the disk that is left to others: one of so many.
const LEFT_FREE_PART: u64 = 20;
/// The most that is left to others, in bytes.
const MAX_LEFT_FREE_BYTES: u64 = 64 << 20;
/// The folder of files that are still growing.
const GROWING: &str = "growing";

/// The folder of the cache.
#[derive(Debug, Clone)]
pub(super) struct Folder(PathBuf);

/// A whole object on disk, open.
pub(super) struct StoredObject {
    pub(super) file: File,
    pub(super) head: MediaHead,
    /// The length of the media.
    pub(super) length: u64,
}

/// An object as the list of files shows it.
pub(super) struct ListedObject {
    pub(super) key: ObjectKey,
    /// The size of the file, in bytes.
    pub(super) size: u64,
    used_at: SystemTime,
}

impl Folder {
    /// Takes over a folder: makes it if it is missing, removes unfinished files of an earlier process,
    /// and lists the objects, least recently used first.
    pub(super) fn open(path: &Path) -> io::Result<(Self, Vec<ListedObject>)> {
        let folder = Self(path.to_owned());
        fs::create_dir_all(path.join(GROWING))?;
        // Other users of this machine must not read the media.
        fs::set_permissions(path, fs::Permissions::from_mode(0o700))?;
        for entry in fs::read_dir(path.join(GROWING))? {
            fs::remove_file(entry?.path())?;
        }
        let mut found = Vec::new();
        for shelf in fs::read_dir(path)? {
            let shelf = shelf?.path();
            let is_shelf = shelf
                .file_name()
                .is_some_and(|name| name.len() == 2 && shelf.is_dir());
            if is_shelf {
                list(&shelf, &mut found)?;
            }
        }
        found.sort_by_key(|found| found.used_at);
        Ok((folder, found))
    }

    fn path(&self, key: &ObjectKey) -> PathBuf {
        let name = key.to_hex();
        self.0.join(&name[..2]).join(name)
    }

    pub(super) fn mark(&self) -> Option<Mark> {
        Mark::read(&self.0)
    }

    pub(super) fn set_mark(&self, mark: &Mark) -> io::Result<()> {
        mark.write(self.begin()?, &self.0)
    }

    /// A file to write to, without a name of its own yet.
    pub(super) fn begin(&self) -> io::Result<NamedTempFile> {
        NamedTempFile::new_in(self.0.join(GROWING))
    }

    /// Whether the disk has room for so many bytes more, and some are left for others.
    pub(super) fn has_room(&self, bytes: u64) -> io::Result<bool> {
        let disk = rustix::fs::statvfs(&self.0)?;
        let (block, all, free) = (disk.f_frsize, disk.f_blocks, disk.f_bavail);
        let left = (block.saturating_mul(all) / LEFT_FREE_PART).min(MAX_LEFT_FREE_BYTES);
        Ok(block.saturating_mul(free) >= bytes.saturating_add(left))
    }

    /// Ends a file that holds `length` bytes of media with its tail, and gives it its name.
    pub(super) fn finish(
        &self,
        mut file: NamedTempFile,
        key: &ObjectKey,
        tail: &[u8],
        length: u64,
    ) -> io::Result<()> {
        file.as_file().write_all_at(tail, length)?;
        file.flush()?;
        // A loss of power must not leave a name without the bytes.
        file.as_file().sync_data()?;
        let path = self.path(key);
        if let Some(shelf) = path.parent() {
            fs::create_dir_all(shelf)?;
        }
        file.persist(&path)?;
        Ok(())
    }

    /// Opens an object; `None`: the file is missing or damaged.
    pub(super) fn find(&self, key: &ObjectKey) -> Option<StoredObject> {
        let file = File::open(self.path(key)).ok()?;
        let size = file.metadata().ok()?.len();
        let tail_at = size.checked_sub(TAIL_BYTES)?;
        let mut tail = [0; TAIL_BYTES as usize];
        file.read_exact_at(&mut tail, tail_at).ok()?;
        let (head_bytes, format) = tail.split_first_chunk::<4>()?;
        let head_bytes = u32::from_be_bytes(*head_bytes);
        if format != FORMAT || head_bytes > MAX_HEAD_BYTES {
            return None;
        }
        let length = tail_at.checked_sub(head_bytes.into())?;
        let mut head = vec![0; head_bytes as usize];
        file.read_exact_at(&mut head, length).ok()?;
        let head: MediaHead = serde_json::from_slice(&head).ok()?;
        let is_whole = head.length.is_none_or(|announced| announced == length);
        is_whole.then_some(StoredObject { file, head, length })
    }

    /// Notes on disk that an object was used, for the order after a restart.
    #[expect(clippy::disallowed_methods, reason = "a file's times are the system's")]
    pub(super) fn note_use(&self, key: &ObjectKey) -> io::Result<()> {
        File::open(self.path(key))?.set_modified(SystemTime::now())
    }

    /// Removes an object; a missing one is not an error.
    pub(super) fn remove(&self, key: &ObjectKey) {
        match fs::remove_file(self.path(key)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::warn!(%error, "a file of the cache cannot be removed");
            }
            _ => {}
        }
    }
}

/// The end of a file: the head of its media, and how to find it.
pub(super) fn tail(head: &MediaHead) -> io::Result<Vec<u8>> {
    let mut tail = serde_json::to_vec(head)?;
    let head_bytes = u32::try_from(tail.len()).unwrap_or(u32::MAX);
    if head_bytes > MAX_HEAD_BYTES {
        return Err(io::Error::other("the headers of the media are too long"));
    }
    tail.extend(head_bytes.to_be_bytes());
    tail.extend(FORMAT);
    Ok(tail)
}

fn list(shelf: &Path, found: &mut Vec<ListedObject>) -> io::Result<()> {
    for entry in fs::read_dir(shelf)? {
        let entry = entry?;
        let key = entry.file_name().to_str().and_then(ObjectKey::from_hex);
        let (Some(key), Ok(metadata)) = (key, entry.metadata()) else {
            continue;
        };
        found.push(ListedObject {
            key,
            size: metadata.len(),
            used_at: metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH),
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(n: u8) -> ObjectKey {
        ObjectKey::from_hex(&format!("{n:02x}").repeat(32)).expect("a key")
    }

    fn store(
        folder: &Folder,
        key: &ObjectKey,
        bytes: &[u8],
        announced: Option<u64>,
    ) -> io::Result<u64> {
        let file = folder.begin()?;
        file.as_file().write_all_at(bytes, 0)?;
        let head = MediaHead {
            length: announced,
            ..MediaHead::default()
        };
        let (tail, length) = (tail(&head)?, bytes.len() as u64);
        folder.finish(file, key, &tail, length)?;
        Ok(length + tail.len() as u64)
    }

    #[test]
    fn finished_objects_are_found_and_unfinished_ones_are_removed() {
        let place = tempfile::tempdir().expect("a folder");
        let (folder, found) = Folder::open(&place.path().join("cache")).expect("opens");
        assert!(found.is_empty());
        let size = store(&folder, &key(1), b"media", Some(5)).expect("stores");
        store(&folder, &key(2), b"medi", Some(5)).expect("stores");
        let stored = folder.find(&key(1)).expect("there");
        assert_eq!(stored.length, 5);
        assert!(folder.find(&key(2)).is_none(), "not as long as announced");
        assert!(folder.find(&key(3)).is_none());

        let unfinished = folder.begin().expect("begins");
        unfinished
            .as_file()
            .write_all_at(b"half", 0)
            .expect("writes");
        let (_, left) = unfinished.keep().expect("stays, as after a kill");
        let (folder, found) = Folder::open(&place.path().join("cache")).expect("opens");
        assert!(!left.exists());
        assert_eq!(found.len(), 2);
        assert!(found.iter().any(|f| f.key == key(1) && f.size == size));

        // Whatever is cut off or changed at the end, the file is not taken for whole.
        let path = folder.path(&key(1));
        let whole = fs::read(&path).expect("reads");
        for cut in 0..whole.len() {
            fs::write(&path, &whole[..cut]).expect("writes");
            assert!(folder.find(&key(1)).is_none(), "{cut}");
        }
        folder.remove(&key(1));
        folder.remove(&key(1));
        assert!(!path.exists());
    }

    #[test]
    fn the_order_of_use_survives() {
        let place = tempfile::tempdir().expect("a folder");
        let (folder, _) = Folder::open(place.path()).expect("opens");
        for n in 1..=3 {
            store(&folder, &key(n), b"media", None).expect("stores");
            let at = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(n.into());
            let file = File::open(folder.path(&key(n))).expect("opens");
            file.set_modified(at).expect("sets");
        }
        folder.note_use(&key(1)).expect("notes");
        let (_, found) = Folder::open(place.path()).expect("opens");
        let order: Vec<_> = found.iter().map(|found| found.key).collect();
        assert_eq!(order, [key(2), key(3), key(1)]);
    }
}
