//! Whether the database takes writes, shown by a write.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::FutureExt;
use tokio::sync::Mutex;

use super::{StorageError, Writer, engine::query};

/// For how long an answer holds: so many who ask cost no more than one write.
const HOLDS_FOR: Duration = Duration::from_secs(1);
/// How long a write may take.
const DEADLINE: Duration = Duration::from_secs(5);

/// Proves that the database takes writes. Clones share the answer.
#[derive(Debug, Clone, Default)]
pub(super) struct Readiness(Arc<Mutex<Option<Answer>>>);

/// When it was tried, and why it failed.
type Answer = (Instant, Result<(), String>);

impl Readiness {
    /// Writes, unless that was tried within the last second; why it failed.
    pub(super) async fn prove(&self, writer: &Writer, now_ms: i64) -> Result<(), String> {
        // Who asks meanwhile gets the same answer.
        let mut last = self.0.lock().await;
        if let Some((at, outcome)) = &*last
            && at.elapsed() < HOLDS_FOR
        {
            return outcome.clone();
        }
        let outcome = match tokio::time::timeout(DEADLINE, write(writer, now_ms)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(format!(
                "the database took no write within {} seconds",
                DEADLINE.as_secs()
            )),
        };
        *last = Some((Instant::now(), outcome.clone()));
        outcome
    }
}

async fn write(writer: &Writer, now_ms: i64) -> Result<(), String> {
    // Nothing but a counter: nobody wakes for it.
    let written = writer.write_counts::<_, StorageError, _>(move |connection| {
        async move {
            query(
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
