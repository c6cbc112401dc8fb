//! Transactions that the bridge behind us has taken: noted together with others of the same moment, since
//! nobody waits for it. If the process is killed before, the homeserver has its answer all the same; should it
//! repeat such a transaction, the bridge gets it once more, and knows it by its ID.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures_util::FutureExt;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::{
    clock::Clock,
    storage::{
        Database, StorageError,
        history::{self, HandedOn},
    },
};

/// How long others are waited for.
const GATHERED_FOR: Duration = Duration::from_millis(50);

/// Transactions by their bridges and IDs, with the digests of their events.
type Digests = HashMap<(String, String), [u8; 32]>;

/// Transactions that are to be noted. Clones share them.
#[derive(Debug, Clone)]
pub(super) struct HandedOnNotes {
    database: Database,
    clock: Clock,
    /// Also those that are being written.
    waiting: Arc<Mutex<Digests>>,
    news: Arc<Notify>,
}

impl HandedOnNotes {
    pub(super) fn new(database: Database, clock: Clock) -> Self {
        Self {
            database,
            clock,
            waiting: Arc::default(),
            news: Arc::default(),
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Digests> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the bridge behind us has taken this transaction, which is not noted yet.
    pub(super) fn contains(&self, bridge: &str, txn_id: &str, digest: &[u8; 32]) -> bool {
        let key = (bridge.to_owned(), txn_id.to_owned());
        self.waiting().get(&key) == Some(digest)
    }

    /// Has it noted that the bridge behind us has taken a transaction.
    pub(super) fn add(&self, bridge: &str, txn_id: &str, digest: [u8; 32]) {
        let key = (bridge.to_owned(), txn_id.to_owned());
        self.waiting().insert(key, digest);
        self.news.notify_one();
    }

    /// Notes what is to be noted, until it is cancelled.
    pub(super) async fn work(&self, stop: CancellationToken) {
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.news.notified() => {}
            }
            tokio::time::sleep(GATHERED_FOR).await;
            if let Err(error) = self.flush().await {
                tracing::warn!(%error, "it could not be noted that bridges have transactions");
            }
        }
    }

    /// Notes those that were not noted yet. What cannot be noted is forgotten.
    pub(super) async fn flush(&self) -> Result<(), StorageError> {
        let gathered = self.waiting().clone();
        if gathered.is_empty() {
            return Ok(());
        }
        let noted = self.write(&gathered).await;
        self.waiting()
            .retain(|key, digest| gathered.get(key) != Some(digest));
        noted
    }

    async fn write(&self, gathered: &Digests) -> Result<(), StorageError> {
        let now = self.clock.now_ms();
        let noted = gathered.iter().map(|((bridge, txn_id), digest)| HandedOn {
            bridge: bridge.clone(),
            txn_id: txn_id.clone(),
            digest: *digest,
        });
        let noted: Vec<HandedOn> = noted.collect();
        self.database
            .writer()
            .write_counts(move |connection| {
                async move { history::note_handed_on(connection, &noted, now).await }.boxed()
            })
            .await
    }
}
