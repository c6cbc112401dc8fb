//! Every function of the storage for what is denied, called once.

use crate::storage::{
    StorageError,
    denials::{self, StoredDenial},
    engine::{Connection, Reader},
    screened_media::{self, ScreenedMedium},
};

pub(super) async fn read(reader: &Reader) -> Result<(), StorageError> {
    denials::version(reader).await?;
    denials::all(reader).await?;
    screened_media::find(reader, b"name").await?;
    Ok(())
}

pub(super) async fn write(c: &mut Connection) -> Result<(), StorageError> {
    let entry = StoredDenial {
        kind: "room".to_owned(),
        value: "!r:s".to_owned(),
        reason: String::new(),
        created_at: 1,
    };
    denials::add(c, &entry).await?;
    denials::add(c, &entry).await?;
    denials::remove(c, "room", "!r:s").await?;
    let medium = ScreenedMedium {
        sha256: vec![0; 32],
        scan: String::new(),
    };
    screened_media::note(c, b"name", &medium, 1).await
}
