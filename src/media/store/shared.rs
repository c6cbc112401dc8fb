//! Finding objects in the store, and whose turn it is to download what is not there.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{runtime::Handle, sync::Semaphore};

use crate::{
    clock::Clock,
    media::{ObjectKeys, object_key::ObjectKey},
    storage::{
        Database, StorageError,
        leases::{self, Lease},
    },
};

use super::{
    bucket::{Bucket, Failed},
    format::Blocks,
    health::Way,
    reading::StoredObject,
    turn::Turn,
};

/// How long to wait for the download of another replica. After that, everybody downloads.
const WAIT_FOR_OTHERS: Duration = Duration::from_secs(20);
/// How often to look whether it has ended.
const LOOK_EVERY: Duration = Duration::from_millis(150);
/// How many objects are stored at once, each of which has a part of 8 MiB in memory.
const STORED_AT_ONCE: usize = 4;

/// The object store as a second level of the cache. Clones share it.
#[derive(Clone)]
pub struct SharedStore {
    bucket: Bucket,
    keys: ObjectKeys,
    database: Database,
    clock: Clock,
    runtime: Handle,
    places: Arc<Semaphore>,
}

/// What the store has of an object.
pub(in crate::media) enum Shared {
    /// All of it.
    There(Box<StoredObject>),
    /// Nothing: it has to be downloaded, and stored by whoever has the turn.
    Missing(Option<Box<Turn>>),
}

impl SharedStore {
    /// A store in this bucket. What it does in the background belongs to the runtime of the caller.
    #[must_use]
    pub fn new(bucket: Bucket, keys: ObjectKeys, database: Database, clock: Clock) -> Self {
        Self {
            bucket,
            keys,
            database,
            clock,
            runtime: Handle::current(),
            places: Arc::new(Semaphore::new(STORED_AT_ONCE)),
        }
    }

    /// An object, once it is there; or the turn to download it.
    pub(in crate::media) async fn find(&self, key: &ObjectKey) -> Shared {
        let until = Instant::now() + WAIT_FOR_OTHERS;
        let name = format!("download {}", key.to_hex());
        let lease = Lease::new(&self.database, &self.clock, &name);
        let mut turn = None;
        while self.bucket.is_usable(Way::Read) {
            match StoredObject::open(&self.bucket, self.blocks(key), key).await {
                Ok(Some(object)) => return Shared::There(Box::new(object)),
                Ok(None) if turn.is_some() => return Shared::Missing(turn),
                Ok(None) => {}
                Err(Failed) => break,
            }
            match self.take_turn(&lease, &name, until).await {
                Ok(true) => turn = Some(self.turn(key, lease.clone())),
                Ok(false) if Instant::now() < until => {}
                Ok(false) => {
                    metrics::counter!("medialink_shared_downloads_not_awaited_total").increment(1);
                    break;
                }
                Err(error) => {
                    tracing::warn!(%error, "whose turn a download is cannot be found out");
                    break;
                }
            }
            if self.database.is_ours_alone() {
                return Shared::Missing(turn);
            }
            // It may have come just before that.
        }
        Shared::Missing(None)
    }

    /// Takes the turn, or waits until another replica has ended its own; `false`: it has, or takes too long.
    async fn take_turn(
        &self,
        lease: &Lease,
        name: &str,
        until: Instant,
    ) -> Result<bool, StorageError> {
        if lease.is_ours().await? {
            return Ok(true);
        }
        while Instant::now() < until {
            tokio::time::sleep(LOOK_EVERY).await;
            let now = self.clock.now_ms();
            if !leases::is_held(self.database.reader(), name, now).await? {
                break;
            }
        }
        Ok(false)
    }

    fn turn(&self, key: &ObjectKey, lease: Lease) -> Box<Turn> {
        let (bucket, places) = (self.bucket.clone(), Arc::clone(&self.places));
        let runtime = self.runtime.clone();
        let turn = Turn::new(bucket, *key, self.blocks(key), runtime, places, lease);
        Box::new(turn)
    }

    fn blocks(&self, key: &ObjectKey) -> Blocks {
        Blocks::new(&self.keys, *key)
    }
}
