//! What waits is done together: whoever brings something joins those that wait, and a few turns take what waits, one
//! piece of work after the other, until nothing does.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What waits, and how many turns there are. Clones share both.
#[derive(Debug)]
pub struct Turns<W>(Arc<Mutex<Queue<W>>>);

#[derive(Debug, Default)]
struct Queue<W> {
    waiting: W,
    turns: usize,
}

impl<W: Default> Default for Turns<W> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<W> Clone for Turns<W> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<W: Default> Turns<W> {
    /// Joins what waits. If there are fewer turns than `at_once`, there is one more, whose work the caller does.
    #[must_use]
    pub fn join(&self, at_once: usize, join: impl FnOnce(&mut W)) -> Option<Turn<W>> {
        let mut queue = self.queue();
        join(&mut queue.waiting);
        let has_room = queue.turns < at_once;
        has_room.then(|| {
            queue.turns += 1;
            Turn {
                turns: self.clone(),
                is_over: false,
            }
        })
    }

    fn queue(&self) -> MutexGuard<'_, Queue<W>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes what waits, piece by piece.
#[derive(Debug)]
pub struct Turn<W: Default> {
    turns: Turns<W>,
    is_over: bool,
}

impl<W: Default> Turn<W> {
    /// The next piece of work, which `take` takes from what waits; `None`: nothing waits, and the turn is over.
    pub fn next<T>(&mut self, take: impl FnOnce(&mut W) -> Option<T>) -> Option<T> {
        let mut queue = self.turns.queue();
        let taken = take(&mut queue.waiting);
        if taken.is_none() && !self.is_over {
            // Under the same lock, so that nothing waits for a turn that is over.
            queue.turns -= 1;
            self.is_over = true;
        }
        taken
    }
}

impl<W: Default> Drop for Turn<W> {
    /// A turn that is broken off, by a panic or at the end of its thread, leaves its place as well. What waits is
    /// dropped if nobody else takes it.
    fn drop(&mut self) {
        if self.is_over {
            return;
        }
        let mut queue = self.turns.queue();
        queue.turns -= 1;
        if queue.turns == 0 {
            queue.waiting = W::default();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn join(turns: &Turns<Vec<u8>>, one: u8) -> Option<Turn<Vec<u8>>> {
        turns.join(2, |waiting| waiting.push(one))
    }

    #[test]
    fn there_are_as_many_turns_as_may_be_at_once() {
        let turns = Turns::default();
        let (first, second) = (join(&turns, 1), join(&turns, 2));
        let (mut first, mut second) = (first.expect("a turn"), second.expect("a turn"));
        assert!(join(&turns, 3).is_none());
        assert_eq!(first.next(Vec::pop), Some(3));
        assert_eq!(second.next(Vec::pop), Some(2));
        assert_eq!(first.next(Vec::pop), Some(1));
        assert_eq!(first.next(Vec::pop), None);
        let mut third = join(&turns, 4).expect("the place of the first one");
        assert!(join(&turns, 5).is_none());
        assert_eq!(third.next(Vec::pop), Some(5));
    }

    #[test]
    fn the_last_turn_that_is_broken_off_leaves_nothing_waiting() {
        let turns = Turns::default();
        let (first, second) = (join(&turns, 1), join(&turns, 2));
        drop(first);
        let mut third = join(&turns, 3).expect("the place of the first one");
        assert_eq!(third.next(Vec::pop), Some(3));
        drop((second, third));
        let mut fourth = join(&turns, 4).expect("a turn");
        assert_eq!(fourth.next(Vec::pop), Some(4));
        assert_eq!(fourth.next(Vec::pop), None);
    }
}
