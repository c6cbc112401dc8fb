//! How often and how much links were followed: summed in memory, written in batches.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use futures_util::FutureExt;

use crate::storage::{Database, StorageError, links, touches};

/// What one request has served.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Served {
    /// Whether it was a follow: a `GET` answered with 200.
    pub is_follow: bool,
    /// Whether the homeserver was asked for it, which counts as a touch.
    pub is_download: bool,
    /// How many bytes went out.
    pub bytes: u64,
    /// When, in milliseconds since the epoch.
    pub at: i64,
}

#[derive(Debug, Default)]
struct Sum {
    follows: i64,
    is_download: bool,
    bytes: i64,
    last: i64,
    mxc: String,
}

/// Sums up what is served until it is written. What was not written is lost when the process is
/// killed: counts are for people, nothing is decided by them.
#[derive(Debug, Clone)]
pub struct FollowCounter {
    sums: Arc<Mutex<HashMap<String, Sum>>>,
    database: Database,
    /// After which time media that was downloaded is touched, in milliseconds.
    touch_ms: Option<i64>,
}

impl FollowCounter {
    /// A counter for the links of a database.
    #[must_use]
    pub fn new(database: Database, touch_ms: Option<i64>) -> Self {
        Self {
            sums: Arc::default(),
            database,
            touch_ms,
        }
    }

    /// Adds what a request has served.
    pub fn add(&self, link_id: &str, mxc: &str, served: Served) {
        let mut sums = self.sums.lock().unwrap_or_else(PoisonError::into_inner);
        let sum = sums.entry(link_id.to_owned()).or_default();
        sum.follows += i64::from(served.is_follow);
        sum.is_download |= served.is_download;
        sum.bytes = sum.bytes.saturating_add_unsigned(served.bytes);
        sum.last = sum.last.max(served.at);
        if sum.mxc.is_empty() {
            mxc.clone_into(&mut sum.mxc);
        }
    }

    /// Writes all sums. A download has been a touch as well.
    ///
    /// # Errors
    /// If the database fails: then the sums are lost.
    pub async fn flush(&self) -> Result<(), StorageError> {
        let sums = std::mem::take(&mut *self.sums.lock().unwrap_or_else(PoisonError::into_inner));
        if sums.is_empty() {
            return Ok(());
        }
        let touch_ms = self.touch_ms;
        self.database
            .writer()
            .write(move |connection| {
                async move {
                    for (link_id, sum) in sums {
                        links::add_follows(connection, &link_id, sum.follows, sum.bytes, sum.last)
                            .await?;
                        if let Some(touch_ms) = touch_ms.filter(|_| sum.is_download) {
                            touches::touched(connection, &sum.mxc, sum.last + touch_ms, 0).await?;
                        }
                    }
                    Ok(())
                }
                .boxed()
            })
            .await
    }
}
