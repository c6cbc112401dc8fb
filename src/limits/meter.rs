//! The bytes of one answer, charged as they flow.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::time::{Instant, Sleep, sleep_until};

use super::{
    budgets::{Budget, Budgets},
    limited::Limited,
    places::Place,
};

/// So many bytes of an answer never wait: an answer that is no longer than this comes at once.
const UNPAUSED_BYTES: u64 = 1 << 20;
/// The longest time after which a paused answer looks again: the clock may have been set.
const LOOK_AGAIN: Duration = Duration::from_secs(10);

/// Charges the bytes of one answer. An answer that has begun is never cut off: where a budget is used up, a long one
/// pauses until something has flowed back.
pub struct Meter {
    budgets: Arc<Budgets>,
    /// The budgets that are charged, and how many bytes were taken of each before they are sent.
    of: Vec<(Budget, u64)>,
    sent: u64,
    /// Nothing is left before this time.
    pause: Option<Pin<Box<Sleep>>>,
    _place: Option<Place>,
}

impl Meter {
    /// Begins to charge, if something is left of each budget.
    pub(super) fn begin(
        budgets: Arc<Budgets>,
        of: impl IntoIterator<Item = Budget>,
    ) -> Result<Self, Limited> {
        let of: Vec<_> = of
            .into_iter()
            .map(|budget| (budget, budget.provision()))
            .collect();
        if !of.is_empty() {
            budgets.take(&of)?;
        }
        Ok(Self {
            budgets,
            of,
            sent: 0,
            pause: None,
            _place: None,
        })
    }

    /// The same, with the place of the answer among others.
    pub(super) fn at(mut self, place: Option<Place>) -> Self {
        self._place = place;
        self
    }

    /// Waits until something is left of each budget.
    pub fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<()> {
        while let Some(pause) = &mut self.pause {
            ready!(pause.as_mut().poll(context));
            self.pause = None;
            let wait = self.budgets.wait(self.of.iter().map(|(budget, _)| *budget));
            self.pause_for(wait);
        }
        Poll::Ready(())
    }

    /// Charges bytes that are sent.
    pub fn charge(&mut self, bytes: usize) {
        if self.of.is_empty() {
            return;
        }
        let bytes = bytes as u64;
        self.sent += bytes;
        let wait = self
            .budgets
            .charge(self.of.iter_mut().map(|(budget, taken)| {
                let of_taken = bytes.min(*taken);
                *taken -= of_taken;
                (*budget, bytes - of_taken)
            }));
        if self.sent >= UNPAUSED_BYTES {
            self.pause_for(wait);
        }
    }

    fn pause_for(&mut self, wait: i64) {
        if wait > 0 {
            let wait = Duration::from_nanos(wait.unsigned_abs()).min(LOOK_AGAIN);
            // Whole milliseconds: the service's clock has no shorter times.
            let wait = wait + Duration::from_millis(1);
            self.pause = Some(Box::pin(sleep_until(Instant::now() + wait)));
        }
    }
}

impl Drop for Meter {
    /// Gives back what was taken and not sent.
    fn drop(&mut self) {
        if !self.of.is_empty() {
            self.budgets.give_back(self.of.drain(..));
        }
    }
}
