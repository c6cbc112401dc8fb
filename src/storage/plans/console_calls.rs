//! Every function of the storage for the console and for what operators have done, called once.

use crate::storage::{
    StorageError,
    audit::{self, NewEntry},
    console_sessions,
    engine::{Connection, Reader},
    links, reports,
};

pub(super) async fn read(reader: &Reader) -> Result<(), StorageError> {
    audit::list(reader, i64::MAX, 1).await?;
    links::count_by_bridge(reader).await?;
    console_sessions::goes_on(reader, &[0; 32], 1).await?;
    Ok(())
}

pub(super) async fn write(c: &mut Connection) -> Result<(), StorageError> {
    let entry = NewEntry {
        actor: "console:token".to_owned(),
        deed: "keys rotate",
        subject: "@a:b".to_owned(),
        affected: None,
        done_at: 1,
    };
    let id = audit::note(c, &entry).await?;
    audit::conclude(c, id, 1).await?;
    reports::mark(c, 1, 1).await?;
    audit::forget_subject(c, "@a:b").await?;
    console_sessions::begin(c, &[0; 32], 2, 1).await?;
    console_sessions::end(c, &[0; 32]).await
}
