//! Every function of the storage for erasure, called once.

use crate::storage::{
    StorageError,
    engine::{Connection, Reader},
    erasure,
    thinning::{self, Place, Whose},
};

fn all() -> [Whose; 3] {
    let [user_id, room_id] = ["@a:b", "!r:a"].map(|id| Some(id.to_owned()));
    [
        Whose {
            user_id: user_id.clone(),
            room_id: None,
        },
        Whose {
            user_id: None,
            room_id: room_id.clone(),
        },
        Whose { user_id, room_id },
    ]
}

pub(super) async fn read(reader: &Reader) -> Result<(), StorageError> {
    for whose in all() {
        erasure::count(reader, &whose).await?;
    }
    Ok(())
}

pub(super) async fn write(c: &mut Connection) -> Result<(), StorageError> {
    for whose in all() {
        thinning::links_of(c, &whose, Place::START, 10).await?;
        erasure::erase(c, &whose).await?;
    }
    Ok(())
}
