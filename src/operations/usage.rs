//! How media is counted as used.

use futures_util::FutureExt;

use crate::{
    clock::Clock,
    storage::{Database, StorageError, media_references},
};

use super::audit::{Auditor, note_done};

/// Has usages counted whose meta event could not be sent; returns how many.
///
/// # Errors
/// If the database fails.
pub async fn retry(
    database: &Database,
    auditor: &Auditor,
    clock: &Clock,
) -> Result<u64, StorageError> {
    let (note, now) = (
        auditor.entry("usage retry", "failed usages"),
        clock.now_ms(),
    );
    let retried = database.writer().write(move |c| {
        let note = note.clone();
        async move {
            let retried = media_references::retry_failed(c, None, now).await?;
            note_done(c, &note, usize::try_from(retried).unwrap_or(usize::MAX)).await?;
            Ok(retried)
        }
        .boxed()
    });
    retried.await
}
