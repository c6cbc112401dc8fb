//! Every function of the storage for reports, called once.

use crate::storage::{
    StorageError,
    engine::{Connection, Reader},
    reports::{self, NewReport, Target},
};

pub(super) async fn read(reader: &Reader) -> Result<(), StorageError> {
    reports::due(reader, 1, 1).await?;
    reports::list(reader, 1).await?;
    Ok(())
}

pub(super) async fn write(c: &mut Connection) -> Result<(), StorageError> {
    let report = NewReport {
        link_id: "id".to_owned(),
        reporter: "a".to_owned(),
        bridge: "irc".to_owned(),
        room_id: "!r".to_owned(),
        event_id: String::new(),
        sender: String::new(),
        mxc: "mxc://a/b".to_owned(),
        reason: "spam",
        note: String::new(),
    };
    reports::take(c, &report, &[Target::Operator], 1).await?;
    reports::settle(c, 1, "operator", true).await?;
    reports::postpone(c, 1, "operator", 1).await
}
