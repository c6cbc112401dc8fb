//! Leases: work that one replica does at a time.
//!
//! Whoever has a lease renews it for as long as it works. One that nobody renews runs out, so that others go
//! on with the work of a replica that has died. A lease saves work, and no more: what it is about stays right
//! if two do it for a moment. Every function here fails only if the database does.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use futures_util::FutureExt;

use super::{
    Database, StorageError,
    engine::{Connection, Reader, query, query_scalar},
};
use crate::clock::Clock;

/// For how long a lease holds that nobody renews, in milliseconds.
const HOLDS_MS: i64 = 20_000;
/// How long before its end a lease is renewed, in milliseconds.
const RENEW_BEFORE_MS: i64 = HOLDS_MS / 2;
/// How soon to look again at work that another replica does.
pub const LOOK_AGAIN: Duration = Duration::from_secs(2);
/// How long to wait after an error of the database.
const PAUSE_AFTER_ERROR: Duration = Duration::from_secs(1);

/// The lease on one kind of work. Clones are the same one.
#[derive(Debug, Clone)]
pub struct Lease {
    database: Database,
    clock: Clock,
    name: Arc<str>,
    /// Until when it is ours; 0: it is not.
    until: Arc<AtomicI64>,
}

impl Lease {
    /// The lease of this name, which nobody has claimed by that.
    #[must_use]
    pub fn new(database: &Database, clock: &Clock, name: &str) -> Self {
        Self {
            database: database.clone(),
            clock: clock.clone(),
            name: name.into(),
            until: Arc::default(),
        }
    }

    /// Does this work, unless another replica does it now; `None`: one does, or has taken it over.
    pub async fn during<T>(
        &self,
        work: impl Future<Output = T>,
    ) -> Result<Option<T>, StorageError> {
        if !self.is_ours().await? {
            return Ok(None);
        }
        let done = tokio::select! {
            done = work => Some(done),
            () = self.lost() => None,
        };
        self.release().await?;
        Ok(done)
    }

    /// Whether the work is ours: nobody else does it for some seconds from now. It stays ours until it is
    /// released, or nobody has asked for that long.
    pub async fn is_ours(&self) -> Result<bool, StorageError> {
        let now = self.clock.now_ms();
        if self.database.is_ours_alone() || self.until() - RENEW_BEFORE_MS > now {
            return Ok(true);
        }
        let (name, until) = (Arc::clone(&self.name), now + HOLDS_MS);
        let holder = self.database.replica();
        let writer = self.database.writer();
        let is_ours = writer
            .write_counts::<_, StorageError, _>(move |connection| {
                async move { claim(connection, &name, &holder, until, now).await }.boxed()
            })
            .await?;
        let until = if is_ours { until } else { 0 };
        self.until.store(until, Ordering::Relaxed);
        Ok(is_ours)
    }

    /// Leaves the work to others, if it is ours.
    pub async fn release(&self) -> Result<(), StorageError> {
        if self.until.swap(0, Ordering::Relaxed) == 0 {
            return Ok(());
        }
        leave(&self.database, Some(Arc::clone(&self.name))).await
    }

    fn until(&self) -> i64 {
        self.until.load(Ordering::Relaxed)
    }

    /// Renews it while it is ours; ends when another replica has it.
    async fn lost(&self) {
        if self.database.is_ours_alone() {
            return std::future::pending().await;
        }
        loop {
            let renew_at = self.until() - RENEW_BEFORE_MS;
            self.clock.sleep_until(renew_at).await;
            match self.is_ours().await {
                Ok(true) => {}
                Ok(false) => return,
                Err(error) => {
                    tracing::error!(%error, lease = &*self.name, "a lease could not be renewed");
                    tokio::time::sleep(PAUSE_AFTER_ERROR).await;
                }
            }
        }
    }
}

/// Leaves all work to others: this replica stops.
pub async fn release_all(database: &Database) -> Result<(), StorageError> {
    if database.is_ours_alone() {
        return Ok(());
    }
    leave(database, None).await
}

/// Deletes leases that ran out before this time, of whose work nothing is left.
pub async fn forget(connection: &mut Connection, before: i64) -> Result<(), StorageError> {
    query("DELETE FROM leases WHERE until < $1")
        .bind(before)
        .execute(connection)
        .await?;
    Ok(())
}

/// Whether somebody has the lease of this name.
pub async fn is_held(reader: &Reader, name: &str, now: i64) -> Result<bool, StorageError> {
    query_scalar("SELECT EXISTS (SELECT 1 FROM leases WHERE name = $1 AND until > $2)")
        .bind(name)
        .bind(now)
        .fetch_one(reader)
        .await
}

/// Leaves work to others that this replica holds: of this name, or all of it.
async fn leave(database: &Database, name: Option<Arc<str>>) -> Result<(), StorageError> {
    let holder = database.replica();
    let writer = database.writer();
    writer
        .write_counts(move |connection| {
            async move {
                query("DELETE FROM leases WHERE holder = $1 AND name = COALESCE($2, name)")
                    .bind(&*holder)
                    .bind(name.as_deref())
                    .execute(connection)
                    .await
                    .map(drop)
            }
            .boxed()
        })
        .await
}

/// Claims a lease, or holds it for longer; `false`: another replica has it.
async fn claim(
    connection: &mut Connection,
    name: &str,
    holder: &str,
    until: i64,
    now: i64,
) -> Result<bool, StorageError> {
    let claimed = query(
        "INSERT INTO leases (name, holder, until) VALUES ($1, $2, $3) \
         ON CONFLICT (name) DO UPDATE SET holder = $2, until = $3 \
         WHERE leases.holder = $2 OR leases.until <= $4",
    )
    .bind(name)
    .bind(holder)
    .bind(until)
    .bind(now)
    .execute(connection)
    .await?;
    Ok(claimed > 0)
}
