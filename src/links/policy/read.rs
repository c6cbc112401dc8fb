//! The known policies of rooms. Those who ask at the same time are answered by one query: single issues would
//! spend more on it than on anything else.

use std::{
    collections::{BTreeSet, HashMap},
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::oneshot;

use crate::storage::{
    Database, StorageError,
    room_policies::{self, KnownPolicy},
};

/// Who asks for more rooms has a query alone.
const FEW: usize = 8;

type Found = Arc<HashMap<String, KnownPolicy>>;

/// Reads the known policies of rooms. Clones read together.
#[derive(Clone)]
pub(in crate::links) struct PolicyReader {
    database: Database,
    waiting: Arc<Mutex<Waiting>>,
}

#[derive(Default)]
struct Waiting {
    asked: Vec<Asked>,
    is_reading: bool,
}

struct Asked {
    rooms: Vec<String>,
    /// Dropped if the query fails: then each who has asked reads by itself.
    answer: oneshot::Sender<Found>,
}

/// Reads for all who wait, until nobody does.
struct Reading {
    reader: PolicyReader,
    has_ended: bool,
}

impl PolicyReader {
    pub(in crate::links) fn new(database: Database) -> Self {
        Self {
            database,
            waiting: Arc::default(),
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The policies of these rooms, of those where any is known, as they are after this call or later.
    pub(super) async fn find(
        &self,
        rooms: &BTreeSet<&str>,
    ) -> Result<HashMap<String, KnownPolicy>, StorageError> {
        if rooms.len() <= FEW
            && let Ok(found) = self.ask(rooms).await
        {
            let known = rooms.iter().filter_map(|room| found.get_key_value(*room));
            return Ok(known
                .map(|(room, known)| (room.clone(), known.clone()))
                .collect());
        }
        room_policies::find_all(self.database.reader(), rooms).await
    }

    fn ask(&self, rooms: &BTreeSet<&str>) -> oneshot::Receiver<Found> {
        let (answer, answered) = oneshot::channel();
        let mut waiting = self.waiting();
        waiting.asked.push(Asked {
            rooms: rooms.iter().map(ToString::to_string).collect(),
            answer,
        });
        if !mem::replace(&mut waiting.is_reading, true) {
            tokio::spawn(Reading::of(self.clone()).run());
        }
        answered
    }
}

impl Reading {
    fn of(reader: PolicyReader) -> Self {
        Self {
            reader,
            has_ended: false,
        }
    }

    /// What is read next; nothing: it has ended.
    fn next(&mut self) -> Vec<Asked> {
        let mut waiting = self.reader.waiting();
        // Under the same lock, so that nobody waits for one who has ended.
        self.has_ended = waiting.asked.is_empty();
        waiting.is_reading = !self.has_ended;
        mem::take(&mut waiting.asked)
    }

    async fn run(mut self) {
        loop {
            let asked = self.next();
            if asked.is_empty() {
                return;
            }
            let rooms = asked.iter().flat_map(|asked| &asked.rooms);
            let rooms: BTreeSet<&str> = rooms.map(String::as_str).collect();
            let found = room_policies::find_all(self.reader.database.reader(), &rooms).await;
            let Ok(found) = found.map(Arc::new) else {
                continue;
            };
            for asked in asked {
                // Nobody may be waiting any more.
                drop(asked.answer.send(Arc::clone(&found)));
            }
        }
    }
}

impl Drop for Reading {
    /// One that is broken off, by a panic or at the end of its thread, leaves its place, and nobody waiting.
    fn drop(&mut self) {
        if !self.has_ended {
            *self.reader.waiting() = Waiting::default();
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::storage::{room_policies::RoomPolicy, test_database::open};

    use super::*;

    #[tokio::test]
    async fn those_who_ask_together_get_what_each_has_asked_for() {
        let (_folder, database) = open().await;
        let written = database.writer().write::<_, StorageError, _>(|connection| {
            Box::pin(async move {
                for room_id in ["!a", "!b", "!c"] {
                    let policy = RoomPolicy::default();
                    room_policies::note(connection, room_id, "irc", &policy, None, 1).await?;
                }
                Ok(())
            })
        });
        written.await.expect("writes");
        let reader = PolicyReader::new(database);
        let asked = [
            BTreeSet::from(["!a", "!b"]),
            BTreeSet::from(["!c", "!none"]),
        ];
        let found = futures_util::future::join_all(asked.iter().map(|rooms| reader.find(rooms)));
        let found = found.await.into_iter();
        let found = found.map(|found| found.expect("reads").into_keys().collect());
        let found: Vec<BTreeSet<String>> = found.collect();
        assert_eq!(found[0], ["!a", "!b"].map(str::to_owned).into());
        assert_eq!(found[1], ["!c".to_owned()].into());
        assert!(!reader.waiting().is_reading);
    }

    #[tokio::test]
    async fn one_who_reads_and_is_broken_off_leaves_its_place_and_nobody_waiting() {
        let (_folder, database) = open().await;
        let reader = PolicyReader::new(database);
        reader.waiting().is_reading = true;
        let rooms = BTreeSet::from(["!a"]);
        let answered = reader.ask(&rooms);
        drop(Reading::of(reader.clone()));
        assert!(answered.await.is_err());
        assert!(!reader.waiting().is_reading);
    }
}
