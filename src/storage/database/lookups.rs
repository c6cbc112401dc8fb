//! Lookups of links that are wanted at the same time: one statement finds them together.
//!
//! To hand a statement to a database and its answer back costs more than to find a link there. What is wanted while
//! others are looked up waits, and is looked up with all that waits then.

use std::{collections::HashMap, mem, sync::Arc};

use tokio::sync::oneshot;

use crate::{
    storage::{
        StorageError,
        engine::Reader,
        links::{self, LinkRow},
    },
    turns::{Turn, Turns},
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
pub(super) struct Lookups(Turns<Waiting>);

impl Lookups {
    /// The link with this ID, as it is after this call has begun.
    pub(super) async fn find(&self, reader: &Reader, link_id: &str) -> Result<Found, StorageError> {
        let (answer, answered) = oneshot::channel();
        if let Some(turn) = self.enqueue(link_id, answer) {
            tokio::spawn(run(turn, reader.clone()));
        }
        match answered.await {
            Ok(found) => Ok(found),
            // The lookup of all failed, perhaps by another one's fault, or its thread has ended.
            Err(_) => Ok(links::find(reader, link_id).await?.map(Arc::new)),
        }
    }

    /// Notes who waits; a turn, if more statements may be under way.
    fn enqueue(&self, link_id: &str, answer: oneshot::Sender<Found>) -> Option<Turn<Waiting>> {
        self.0
            .join(AT_ONCE, |waiting| match waiting.get_mut(link_id) {
                Some(waiting) => waiting.push(answer),
                None => {
                    waiting.insert(link_id.to_owned(), vec![answer]);
                }
            })
    }
}

/// Looks up what waits, until nothing does.
async fn run(mut turn: Turn<Waiting>, reader: Reader) {
    while let Some(waiting) = turn.next(take) {
        let link_ids = waiting.keys().cloned().collect();
        // Whoever is not answered looks for itself.
        if let Ok(rows) = links::find_all(&reader, link_ids).await {
            answer(waiting, rows);
        }
    }
}

/// What one statement looks up.
fn take(waiting: &mut Waiting) -> Option<Waiting> {
    if waiting.is_empty() {
        return None;
    }
    if waiting.len() <= TOGETHER {
        return Some(mem::take(waiting));
    }
    let first: Vec<_> = waiting.keys().take(TOGETHER).cloned().collect();
    let first = first.into_iter();
    Some(
        first
            .filter_map(|link_id| waiting.remove_entry(&link_id))
            .collect(),
    )
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
