//! The key ring. A running service notices changes within a second.

use medialink_link::KeyId;

use crate::{
    clock::Clock,
    config::Config,
    key_store,
    storage::{Database, link_keys},
};

use super::{
    audit::Auditor,
    key_home::{KeyHome, KeyHomeError},
};

/// Makes a new active key; returns the IDs of the one before it, which still verifies, and of the new one.
///
/// # Errors
/// If the keys cannot be read or written, or contradict those that there were before.
pub async fn rotate(
    config: &Config,
    database: &Database,
    auditor: &Auditor,
    clock: &Clock,
) -> Result<(KeyId, KeyId), KeyHomeError> {
    let home = KeyHome::of(config, database);
    // A file that contradicts the database is not changed.
    home.note(database, clock.now_ms()).await?;
    let used = link_keys::highest_used(database.reader()).await?;
    let rotation = async {
        let rotated = home
            .change(move |keys| key_store::rotate(keys, used))
            .await?;
        home.note(database, clock.now_ms()).await?;
        Ok(rotated)
    };
    auditor
        .during("keys rotate", "the active key", rotation, |_| 1)
        .await
}
