//! Whether the database takes writes, shown by a write.

use std::{
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::FutureExt;
use tokio::sync::Mutex;

use super::{StorageError, Writer};

/// For how long an answer holds: so many who ask cost no more than one write.
const HOLDS_FOR: Duration = Duration::from_secs(1);
/// How long a write may take.
const DEADLINE: Duration = Duration::from_secs(5);

/// Which file a path names: device and inode.
type FileId = (u64, u64);

/// Proves that the database takes writes. Clones share the answer.
#[derive(Debug, Clone)]
pub(super) struct Readiness(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    path: PathBuf,
    opened: FileId,
    last: Mutex<Option<(Instant, Result<(), String>)>>,
}

impl Readiness {
    /// For a database whose file has been opened.
    pub(super) fn of(path: &Path) -> std::io::Result<Self> {
        let shared = Shared {
            path: path.to_owned(),
            opened: file_id(path)?,
            last: Mutex::default(),
        };
        Ok(Self(Arc::new(shared)))
    }

    /// Writes, unless that was tried within the last second; why it failed.
    pub(super) async fn prove(&self, writer: &Writer, now_ms: i64) -> Result<(), String> {
        // Who asks meanwhile gets the same answer.
        let mut last = self.0.last.lock().await;
        if let Some((at, outcome)) = &*last
            && at.elapsed() < HOLDS_FOR
        {
            return outcome.clone();
        }
        let outcome = match tokio::time::timeout(DEADLINE, self.write(writer, now_ms)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(format!(
                "the database took no write within {} seconds",
                DEADLINE.as_secs()
            )),
        };
        *last = Some((Instant::now(), outcome.clone()));
        outcome
    }

    /// Makes sure that the path still names the file that was opened.
    pub(super) fn is_in_place(&self) -> Result<(), String> {
        match file_id(&self.0.path) {
            Ok(id) if id == self.0.opened => Ok(()),
            Ok(_) => Err("the file of the database was replaced".to_owned()),
            Err(error) => Err(format!("the file of the database is gone: {error}")),
        }
    }

    async fn write(&self, writer: &Writer, now_ms: i64) -> Result<(), String> {
        // Writes to a file that was removed succeed, and are lost.
        self.is_in_place()?;
        // Nothing but a counter: nobody wakes for it.
        let written = writer.write_counts::<_, StorageError, _>(move |connection| {
            async move {
                sqlx::query(
                    "INSERT INTO readiness (id, proved_at) VALUES (1, $1) \
                     ON CONFLICT (id) DO UPDATE SET proved_at = $1",
                )
                .bind(now_ms)
                .execute(connection)
                .await?;
                Ok(())
            }
            .boxed()
        });
        written.await.map_err(|error| error.to_string())
    }
}

fn file_id(path: &Path) -> std::io::Result<FileId> {
    let metadata = std::fs::metadata(path)?;
    Ok((metadata.dev(), metadata.ino()))
}
