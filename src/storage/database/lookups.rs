//! Lookups of links that are wanted at the same time: one statement finds them together.
//!
//! To hand a statement to a database and its answer back costs more than to find a link there. What is wanted while
//! others are looked up waits, and is looked up with all that waits then.

use std::{
    collections::HashMap,
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::oneshot;

use crate::storage::{
    StorageError,
    engine::Reader,
    links::{self, LinkRow},
};

/// How many statements look links up at once: what one of them has to fetch from a disk does not hold up all.
const AT_ONCE: usize = 2;
/// How many links one statement looks up.
const TOGETHER: usize = 100;

type Found = Option<Arc<LinkRow>>;

/// Who waits, by the ID of the link.
type Waiting = HashMap<String, Vec<oneshot::Sender<Found>>>;

/// What waits to be looked up. Clones share it.
#[derive(Debug, Clone, Default)]
pub(super) struct Lookups(Arc<Mutex<Queue>>);

#[derive(Debug, Default)]
struct Queue {
    waiting: Waiting,
    /// How many statements are under way.
    running: usize,
}

impl Lookups {
    /// The link with this ID, as it is after this call has begun.
    pub(super) async fn find(&self, reader: &Reader, link_id: &str) -> Result<Found, StorageError> {
        let (answer, answered) = oneshot::channel();
        if let Some(turn) = self.enqueue(link_id, answer) {
            tokio::spawn(turn.run(reader.clone()));
        }
        match answered.await {
            Ok(found) => Ok(found),
            // The lookup of all failed, perhaps by another one's fault.
            Err(_) => Ok(links::find(reader, link_id).await?.map(Arc::new)),
        }
    }

    /// Notes who waits; a turn, if more statements may be under way.
    fn enqueue(&self, link_id: &str, answer: oneshot::Sender<Found>) -> Option<Turn> {
        let mut queue = self.queue();
        match queue.waiting.get_mut(link_id) {
            Some(waiting) => waiting.push(answer),
            None => {
                queue.waiting.insert(link_id.to_owned(), vec![answer]);
            }
        }
        if queue.running >= AT_ONCE {
            return None;
        }
        queue.running += 1;
        Some(Turn {
            lookups: self.clone(),
            is_over: false,
        })
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One after another, the statements of one of those that may be under way at once.
struct Turn {
    lookups: Lookups,
    is_over: bool,
}

impl Turn {
    /// Looks up what waits, until nothing does.
    async fn run(mut self, reader: Reader) {
        while let Some(waiting) = self.take() {
            let link_ids = waiting.keys().cloned().collect();
            // Whoever is not answered looks for itself.
            if let Ok(rows) = links::find_all(&reader, link_ids).await {
                answer(waiting, rows);
            }
        }
    }

    /// What is looked up next; `None`: the turn is over.
    fn take(&mut self) -> Option<Waiting> {
        let mut queue = self.lookups.queue();
        if queue.waiting.is_empty() {
            queue.running -= 1;
            self.is_over = true;
            return None;
        }
        if queue.waiting.len() <= TOGETHER {
            return Some(mem::take(&mut queue.waiting));
        }
        let first: Vec<_> = queue.waiting.keys().take(TOGETHER).cloned().collect();
        let taken = first
            .into_iter()
            .filter_map(|link_id| queue.waiting.remove_entry(&link_id));
        Some(taken.collect())
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if self.is_over {
            return;
        }
        // Its thread ends.
        let mut queue = self.lookups.queue();
        queue.running -= 1;
        if queue.running == 0 {
            // Whoever waits looks for itself.
            queue.waiting.clear();
        }
    }
}

fn answer(mut waiting: Waiting, rows: Vec<LinkRow>) {
    for row in rows.into_iter().map(Arc::new) {
        for waiter in waiting.remove(&row.link_id).into_iter().flatten() {
            // It may not wait any more.
            let _ = waiter.send(Some(Arc::clone(&row)));
        }
    }
    for waiter in waiting.into_values().flatten() {
        let _ = waiter.send(None);
    }
}

#[cfg(test)]
mod tests;
