//! The list of what gets no link or no service. A running service notices a change within a second.

use futures_util::FutureExt;

use crate::{
    clock::Clock,
    config::Denial,
    storage::{
        Connection, Database, StorageError,
        denials::{self, StoredDenial},
    },
};

use super::audit::{Auditor, note_done};

/// The longest reason, in bytes.
pub const LONGEST_REASON: usize = 500;

/// Refuses a reason that is too long.
///
/// # Errors
/// What was found and what is allowed.
pub fn check_reason(reason: &str) -> Result<(), String> {
    match reason.len() <= LONGEST_REASON {
        true => Ok(()),
        false => Err(format!(
            "found {} bytes; allowed are {LONGEST_REASON}",
            reason.len()
        )),
    }
}

/// Puts an entry on the list; `false`: it is there already, and its reason is this one now.
///
/// # Errors
/// If the database fails.
pub async fn add(
    database: &Database,
    denial: &Denial,
    reason: String,
    (auditor, clock): (&Auditor, &Clock),
) -> Result<bool, StorageError> {
    let (entry, note) = (
        stored(denial, reason, clock),
        auditor.entry("deny add", denial),
    );
    let added = database.writer().write(move |c| {
        let (entry, note) = (entry.clone(), note.clone());
        async move {
            let is_new = denials::add(c, &entry).await?;
            note_done(c, &note, usize::from(is_new)).await?;
            Ok(is_new)
        }
        .boxed()
    });
    added.await
}

/// The same as a part of something else, which is noted.
pub(super) async fn put(
    database: &Database,
    denial: &Denial,
    reason: String,
    clock: &Clock,
) -> Result<bool, StorageError> {
    let entry = stored(denial, reason, clock);
    let added = database.writer().write(move |c: &mut Connection| {
        let entry = entry.clone();
        async move { denials::add(c, &entry).await }.boxed()
    });
    added.await
}

/// Takes an entry from the list; `false`: it is not there.
///
/// # Errors
/// If the database fails.
pub async fn remove(
    database: &Database,
    denial: &Denial,
    auditor: &Auditor,
) -> Result<bool, StorageError> {
    let (denial, note) = (denial.clone(), auditor.entry("deny remove", denial));
    let removed = database.writer().write(move |c| {
        let (denial, note) = (denial.clone(), note.clone());
        async move {
            let is_gone = denials::remove(c, denial.kind.as_str(), &denial.value).await?;
            note_done(c, &note, usize::from(is_gone)).await?;
            Ok(is_gone)
        }
        .boxed()
    });
    removed.await
}

fn stored(denial: &Denial, reason: String, clock: &Clock) -> StoredDenial {
    StoredDenial {
        kind: denial.kind.as_str().to_owned(),
        value: denial.value.clone(),
        reason,
        created_at: clock.now_ms(),
    }
}
