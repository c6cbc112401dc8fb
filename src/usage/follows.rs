//! How often links were followed, and how many bytes they have served: summed in memory, written in
//! batches.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use futures_util::FutureExt;

use crate::storage::{
    Connection, Database, StorageError,
    links::{self, Counted, LinkRow},
    touches,
};
use medialink_link::matrix::{MxcUri, ServerName};

use super::traffic::{Amount, Talker, Traffic};

/// The answer to one request, as it counts for its link.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Served {
    /// Whether it was a follow: a `GET` answered with 200.
    pub is_follow: bool,
    /// Whether the homeserver was asked for it, which counts as a touch.
    pub is_download: bool,
    /// How many bytes were sent.
    pub bytes: u64,
    /// When it was answered, in milliseconds since the epoch.
    pub at: i64,
}

impl From<Served> for Amount {
    fn from(served: Served) -> Self {
        Self {
            follows: u64::from(served.is_follow),
            bytes: served.bytes,
            answers: 1,
            downloads: u64::from(served.is_download),
        }
    }
}

#[derive(Debug, Clone, Default)]
struct LinkSum {
    follows: i64,
    is_download: bool,
    bytes: i64,
    last: i64,
    mxc: String,
}

impl LinkSum {
    fn add(&mut self, served: Served) {
        self.follows += i64::from(served.is_follow);
        self.is_download |= served.is_download;
        self.bytes = self.bytes.saturating_add_unsigned(served.bytes);
        self.last = self.last.max(served.at);
    }

    fn merge(&mut self, other: Self) {
        self.follows += other.follows;
        self.is_download |= other.is_download;
        self.bytes = self.bytes.saturating_add(other.bytes);
        self.last = self.last.max(other.last);
        self.mxc = other.mxc;
    }
}

/// For how many links sums are kept while the database is away.
const KEPT: usize = 10_000;

/// Sums up follows until they are written. Sums that are not written yet are lost when the process is
/// killed: they are for people, nothing is decided by them.
/// Clones share them.
#[derive(Debug, Clone)]
pub struct FollowCounter(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    sums: Mutex<HashMap<String, LinkSum>>,
    database: Database,
    touching: Option<TouchSettings>,
    traffic: Traffic,
}

/// How media is touched, for homeservers that count downloads.
#[derive(Debug, Clone)]
pub struct TouchSettings {
    /// The homeserver's name: its own media is touched as long as it is linked, that of other servers
    /// if it was followed.
    pub server_name: ServerName,
    /// The time between two touches, in milliseconds.
    pub every_ms: i64,
}

impl FollowCounter {
    /// A counter for the links of a database.
    #[must_use]
    pub fn new(database: Database, touching: Option<TouchSettings>) -> Self {
        Self(Arc::new(Shared {
            sums: Mutex::default(),
            database,
            touching,
            traffic: Traffic::default(),
        }))
    }

    fn sums(&self) -> MutexGuard<'_, HashMap<String, LinkSum>> {
        self.0.sums.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes an answer that has ended, once, with all that was added of it.
    pub fn ended(&self, link: &LinkRow, served: Served) {
        self.0.traffic.add(link, served.into(), served.at);
    }

    /// Adds the answer to a request, or a part of it.
    pub fn add(&self, link: &LinkRow, served: Served) {
        let mut sums = self.sums();
        if let Some(sum) = sums.get_mut(&link.link_id) {
            sum.add(served);
        } else {
            let mut sum = LinkSum {
                mxc: link.claims.mxc.to_string(),
                ..LinkSum::default()
            };
            sum.add(served);
            sums.insert(link.link_id.clone(), sum);
        }
    }

    /// What this process has served in the last `count` times of `minutes` minutes each, the oldest first, of a day at
    /// most; `now`: in milliseconds since the epoch.
    #[must_use]
    pub fn lately(&self, now: i64, count: usize, minutes: i64) -> Vec<Amount> {
        self.0.traffic.last(now, count, minutes)
    }

    /// The rooms and the senders whose media this process has served most of, by bytes, in the last one to two hours.
    #[must_use]
    pub fn talkers(&self, now: i64, count: usize) -> [Vec<Talker>; 2] {
        self.0.traffic.talkers(now, count)
    }

    /// Writes all sums, if there are any. A download has been a touch as well.
    ///
    /// # Errors
    /// If the database fails: then the sums of up to 10,000 links wait for the next time, unless they may have been
    /// written.
    pub async fn flush(&self) -> Result<(), StorageError> {
        let sums = std::mem::take(&mut *self.sums());
        if sums.is_empty() {
            return Ok(());
        }
        // In one order everywhere, so that no two replicas wait for each other.
        let sums = Arc::new(BTreeMap::from_iter(sums));
        let written = self.write(Arc::clone(&sums)).await;
        if written
            .as_ref()
            .is_err_and(|error| !matches!(error, StorageError::Unsure(_)))
        {
            self.keep(Arc::unwrap_or_clone(sums));
        }
        written
    }

    fn keep(&self, unwritten: BTreeMap<String, LinkSum>) {
        let mut sums = self.sums();
        for (link_id, sum) in unwritten {
            if sums.len() < KEPT || sums.contains_key(&link_id) {
                sums.entry(link_id).or_default().merge(sum);
            }
        }
    }

    async fn write(&self, sums: Arc<BTreeMap<String, LinkSum>>) -> Result<(), StorageError> {
        let touching = self.0.touching.clone();
        self.0
            .database
            .writer()
            .write_counts(move |connection| {
                async move {
                    let counted = sums.iter().map(|(link_id, sum)| Counted {
                        link_id,
                        follows: sum.follows,
                        bytes: sum.bytes,
                        last: sum.last,
                    });
                    links::add_follows(connection, counted).await?;
                    match &touching {
                        Some(touching) => note_touches(connection, touching, &sums).await,
                        None => Ok(()),
                    }
                }
                .boxed()
            })
            .await
    }
}

/// A download has been a touch. A follow without a download, of media of another server, asks for a
/// touch.
async fn note_touches(
    connection: &mut Connection,
    touching: &TouchSettings,
    sums: &BTreeMap<String, LinkSum>,
) -> Result<(), StorageError> {
    let [mut touched, mut elsewhere, mut followed] = [(); 3].map(|()| BTreeMap::new());
    for sum in sums.values() {
        let is_local = MxcUri::parse(&sum.mxc).is_ok_and(|mxc| mxc.is_of(&touching.server_name));
        let (media, at) = match (is_local, sum.is_download) {
            (true, true) => (&mut touched, sum.last + touching.every_ms),
            (false, true) => (&mut elsewhere, sum.last + touching.every_ms),
            (false, false) if sum.follows > 0 => (&mut followed, sum.last),
            _ => continue,
        };
        let latest = media.entry(&*sum.mxc).or_insert(at);
        *latest = at.max(*latest);
    }
    followed.retain(|mxc, _| !elsewhere.contains_key(mxc));
    touches::touched(connection, &touched).await?;
    touches::touched_elsewhere(connection, &elsewhere).await?;
    touches::followed(connection, &followed).await
}

#[cfg(test)]
mod tests {
    use crate::storage::test_database::open;

    use super::*;

    fn sum(follows: i64, last: i64) -> LinkSum {
        LinkSum {
            follows,
            last,
            ..LinkSum::default()
        }
    }

    #[tokio::test]
    async fn what_was_not_written_is_added_to_what_has_come_since() {
        let (_folder, database) = open().await;
        let counter = FollowCounter::new(database, None);
        counter.sums().insert("a".to_owned(), sum(2, 20));
        let unwritten = [("a", sum(3, 10)), ("b", sum(1, 5))];
        counter.keep(unwritten.map(|(id, sum)| (id.to_owned(), sum)).into());
        let sums = counter.sums().clone();
        assert_eq!((sums["a"].follows, sums["a"].last), (5, 20));
        assert_eq!((sums["b"].follows, sums["b"].last), (1, 5));
    }

    #[tokio::test]
    async fn what_is_kept_has_a_bound() {
        let (_folder, database) = open().await;
        let counter = FollowCounter::new(database, None);
        let many = (0..KEPT + 10).map(|n| (n.to_string(), sum(1, 1)));
        counter.keep(many.collect());
        assert_eq!(counter.sums().len(), KEPT);
    }
}
