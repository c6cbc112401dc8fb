//! Links that are reserved before they are recorded.

use std::{fmt, sync::Arc};

use super::budgets::{Budget, Budgets};

/// What was recorded, with what it takes of its budgets.
#[derive(Debug)]
pub struct Recorded<T> {
    outcome: T,
    reserved: Vec<Reservation>,
}

impl<T> Recorded<T> {
    /// What is recorded once its write is committed.
    pub fn new(outcome: T, reserved: Vec<Reservation>) -> Self {
        Self { outcome, reserved }
    }

    /// What is recorded.
    pub fn outcome(&self) -> &T {
        &self.outcome
    }

    /// The write is committed.
    pub fn kept(self) -> T {
        self.reserved.into_iter().for_each(Reservation::keep);
        self.outcome
    }
}

/// What a new link takes of its budgets. It is given back unless the link is recorded.
pub struct Reservation {
    budgets: Arc<Budgets>,
    of: Vec<(Budget, u64)>,
}

impl Reservation {
    pub(super) fn new(budgets: Arc<Budgets>, of: Vec<(Budget, u64)>) -> Self {
        Self { budgets, of }
    }

    /// The link is recorded.
    pub fn keep(mut self) {
        self.of.clear();
    }
}

impl fmt::Debug for Reservation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Reservation").field(&self.of.len()).finish()
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        if !self.of.is_empty() {
            self.budgets.give_back(self.of.drain(..));
        }
    }
}
