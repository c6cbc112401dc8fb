//! What readers have reported.

use futures_util::FutureExt;

use crate::{
    clock::Clock,
    storage::{Database, StorageError, reports},
};

use super::audit::{Auditor, note_done};

/// Marks a report as seen to; `false`: there is none with this number that is not.
///
/// # Errors
/// If the database fails.
pub async fn mark(
    database: &Database,
    id: i64,
    auditor: &Auditor,
    clock: &Clock,
) -> Result<bool, StorageError> {
    let (note, now) = (
        auditor.entry("reports mark", format!("report {id}")),
        clock.now_ms(),
    );
    let marked = database.writer().write(move |c| {
        let note = note.clone();
        async move {
            let is_marked = reports::mark(c, id, now).await?;
            if is_marked {
                note_done(c, &note, 1).await?;
            }
            Ok(is_marked)
        }
        .boxed()
    });
    marked.await
}
