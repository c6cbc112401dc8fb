//! Small requests for links that come at the same time are recorded by one write, as if they had come in one
//! request. What waits while others are being written is the next write.

use std::{collections::VecDeque, mem};

use tokio::sync::oneshot;

use crate::{
    storage::StorageError,
    turns::{Turn, Turns},
};

use super::request::{IssueRequest, Outcome};

/// Calls with more requests are written by themselves.
pub(super) const SMALL: usize = 16;
/// The most requests of one write, give or take a call.
const FULL: usize = 128;
/// How many writes run at once: the next one is ready while one is committed.
const WRITES: usize = 2;

/// What a call gets: an outcome for each of its requests.
type Answer = Result<Vec<Outcome>, StorageError>;

/// A call that waits.
pub(super) struct Call {
    bridge: String,
    requests: Vec<IssueRequest>,
    answer: oneshot::Sender<Answer>,
}

/// Calls of one bridge that are written together.
pub(super) struct Gathered {
    pub(super) bridge: String,
    calls: Vec<Call>,
}

/// The calls that wait. Clones share them.
#[derive(Clone, Default)]
pub(super) struct Gatherer(Turns<VecDeque<Call>>);

/// Writes one after the other, until no call waits.
pub(super) struct WriteRow(Turn<VecDeque<Call>>);

impl Gatherer {
    /// Appends a call. There may be more writes if there is a row of them with it, whose calls the caller has
    /// to write.
    pub(super) fn add(
        &self,
        bridge: &str,
        requests: Vec<IssueRequest>,
    ) -> (oneshot::Receiver<Answer>, Option<WriteRow>) {
        let (answer, answered) = oneshot::channel();
        let call = Call {
            bridge: bridge.to_owned(),
            requests,
            answer,
        };
        let turn = self.0.join(WRITES, |waiting| waiting.push_back(call));
        (answered, turn.map(WriteRow))
    }
}

impl WriteRow {
    /// The calls of the next write; `None`: none wait, and this row has ended.
    pub(super) fn next(&mut self) -> Option<Gathered> {
        self.0.next(Gathered::take)
    }
}

impl Gathered {
    /// The first call that waits, with others of its bridge.
    fn take(waiting: &mut VecDeque<Call>) -> Option<Self> {
        let first = waiting.pop_front()?;
        let mut count = first.requests.len();
        let mut gathered = Self {
            bridge: first.bridge.clone(),
            calls: vec![first],
        };
        for call in mem::take(waiting) {
            if call.bridge == gathered.bridge && count < FULL {
                count += call.requests.len();
                gathered.calls.push(call);
            } else {
                waiting.push_back(call);
            }
        }
        Some(gathered)
    }

    /// The requests of all calls, in order.
    pub(super) fn requests(&self) -> Vec<IssueRequest> {
        let requests = self.calls.iter().flat_map(|call| &call.requests);
        requests.cloned().collect()
    }

    /// Answers the calls. Returns those that are to be written by themselves, since one of them makes the
    /// write fail.
    pub(super) fn answer(self, answer: Answer) -> Vec<Self> {
        let is_alone = self.calls.len() == 1;
        match answer {
            Ok(outcomes) => {
                let mut outcomes = outcomes.into_iter();
                for call in self.calls {
                    let count = call.requests.len();
                    let own = outcomes.by_ref().take(count).collect();
                    // Nobody may be waiting any more: the links stand all the same.
                    drop(call.answer.send(Ok(own)));
                }
                Vec::new()
            }
            Err(error) if is_alone || is_of_commit(&error) => {
                let mut error = Some(error);
                for call in self.calls {
                    let own = error.take().unwrap_or(StorageError::Closed);
                    error = copy(&own);
                    drop(call.answer.send(Err(own)));
                }
                Vec::new()
            }
            Err(_) => {
                let alone = |call: Call| Self {
                    bridge: call.bridge.clone(),
                    calls: vec![call],
                };
                self.calls.into_iter().map(alone).collect()
            }
        }
    }
}

/// Whether a write that has failed was right in itself.
fn is_of_commit(error: &StorageError) -> bool {
    copy(error).is_some()
}

fn copy(error: &StorageError) -> Option<StorageError> {
    match error {
        StorageError::Commit(why) => Some(StorageError::Commit(why.clone())),
        StorageError::Closed => Some(StorageError::Closed),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn add(gatherer: &Gatherer, bridge: &str) -> (oneshot::Receiver<Answer>, Option<WriteRow>) {
        gatherer.add(bridge, Vec::new())
    }

    #[tokio::test]
    async fn what_waits_is_written_together_bridge_by_bridge() {
        let gatherer = Gatherer::default();
        let rows = ["a", "b", "a", "b", "a"].map(|bridge| add(&gatherer, bridge).1);
        let mut rows: Vec<WriteRow> = rows.into_iter().flatten().collect();
        assert_eq!(rows.len(), WRITES);
        for (row, (bridge, calls)) in rows.iter_mut().zip([("a", 3), ("b", 2)]) {
            let gathered = row.next().expect("calls");
            assert_eq!(
                (gathered.bridge.as_str(), gathered.calls.len()),
                (bridge, calls)
            );
        }
        assert!(rows.iter_mut().all(|row| row.next().is_none()));
        drop(rows);
        let rows = [0; 3].map(|_| add(&gatherer, "a").1.is_some());
        assert_eq!(rows, [true; 3], "each ends at once");
    }

    #[tokio::test]
    async fn a_row_that_is_broken_off_leaves_its_place_and_nobody_waiting() {
        let gatherer = Gatherer::default();
        let (one, other) = (add(&gatherer, "a"), add(&gatherer, "a"));
        drop(one.1);
        assert!(add(&gatherer, "a").1.is_some());
        drop(other.1);
        for answered in [one.0, other.0] {
            assert!(answered.await.is_err());
        }
    }

    #[tokio::test]
    async fn one_call_that_fails_does_not_fail_its_neighbours() {
        let gatherer = Gatherer::default();
        let (good, row) = add(&gatherer, "a");
        let (bad, _other) = add(&gatherer, "a");
        let both = row.expect("a row").next().expect("calls");
        let alone = both.answer(Err(StorageError::Corrupt("test")));
        let answers = [Ok(Vec::new()), Err(StorageError::Corrupt("test"))];
        for (alone, answer) in alone.into_iter().zip(answers) {
            assert!(alone.answer(answer).is_empty());
        }
        assert!(good.await.expect("an answer").is_ok());
        assert!(bad.await.expect("an answer").is_err());
    }

    #[tokio::test]
    async fn a_commit_that_fails_fails_them_all() {
        let gatherer = Gatherer::default();
        let (first, row) = add(&gatherer, "a");
        let (second, _other) = add(&gatherer, "a");
        let both = row.expect("a row").next().expect("calls");
        let failed = Err(StorageError::Commit("test".to_owned()));
        assert!(both.answer(failed).is_empty());
        for call in [first, second] {
            let answer = call.await.expect("an answer");
            assert!(matches!(answer, Err(StorageError::Commit(why)) if why == "test"));
        }
    }
}
