//! Where the statements stand that a test runs.

use std::{cell::RefCell, collections::BTreeSet, panic::Location};

thread_local! {
    static NOTED: RefCell<BTreeSet<(Site, String)>> = const { RefCell::new(BTreeSet::new()) };
}

/// The place in the source where a statement is made.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Site {
    /// The file, from the root of the package.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1.
    pub column: usize,
}

impl Site {
    #[track_caller]
    pub(super) fn caller() -> Self {
        let place = Location::caller();
        Self {
            file: place.file().to_owned(),
            line: place.line() as usize,
            column: place.column() as usize,
        }
    }
}

/// Notes that a statement runs.
pub(super) fn note_statement(site: Site, text: &str) {
    NOTED.with_borrow_mut(|noted| noted.insert((site, text.to_owned())));
}

/// The statements that this thread has run.
pub fn noted_statements() -> BTreeSet<(Site, String)> {
    NOTED.with_borrow(Clone::clone)
}
