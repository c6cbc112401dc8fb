//! Every function of the storage for media that may be missing, called once.

use crate::storage::{
    StorageError,
    engine::{Connection, Reader},
    links,
    missing_media::{self, AskedMedium},
};

pub(super) async fn read(reader: &Reader) -> Result<(), StorageError> {
    for busy in [&[][..], &["a", "b"][..]] {
        missing_media::next_due(reader, 1, busy, busy).await?;
    }
    missing_media::since(reader, &medium()).await?;
    Ok(())
}

pub(super) async fn write(c: &mut Connection) -> Result<(), StorageError> {
    missing_media::note(c, &medium(), 1, 1).await?;
    missing_media::doubt(c, "mxc://a/b", 1, 1).await?;
    missing_media::postpone(c, &medium(), 1).await?;
    links::end_gone(c, &medium(), 1, 1).await?;
    missing_media::forget(c, &medium()).await
}

pub(super) fn medium() -> AskedMedium {
    let [bridge, mxc] = ["irc", "mxc://a/b"].map(str::to_owned);
    AskedMedium {
        bridge,
        mxc,
        content_token: String::new(),
        copy_mxc: String::new(),
    }
}
