//! Media of which it is not known whether the homeserver still has it.

use std::{sync::Arc, time::Duration};

use crate::clock::Clock;

use super::{entry::Entry, medium::MediumRef, notes::Notes, terms::Terms};

/// The longest time that a reader waits for the answer to a question. A homeserver that needs longer is
/// taken for one that is away.
const PATIENCE: Duration = Duration::from_secs(5);

/// Whether media may be served without the homeserver.
pub enum Outlook {
    /// It may, or not: by the latest answer.
    Known(bool),
    /// The homeserver has not been asked for a while.
    Due(Box<Doubt>),
}

/// A medium that the homeserver is to be asked about.
pub struct Doubt {
    entry: Arc<Entry>,
    notes: Notes,
    terms: Terms,
    clock: Clock,
    must_wait: bool,
    must_ask: bool,
}

impl Doubt {
    pub(super) fn new(entry: Arc<Entry>, notes: Notes, terms: Terms, clock: Clock) -> Self {
        let must_wait = entry.is_old(clock.now_ms(), terms);
        Self {
            entry,
            notes,
            terms,
            clock,
            must_wait,
            must_ask: terms.revalidate.is_some(),
        }
    }

    /// The same where nothing but the homeserver's answer counts.
    pub(super) fn strict(self) -> Self {
        Self {
            must_wait: true,
            must_ask: true,
            ..self
        }
    }

    /// The question, for one of all who have this doubt; `None`: another one is asking.
    #[must_use]
    pub fn question(&self) -> Option<Question> {
        self.entry.begin().then(|| Question {
            entry: Arc::clone(&self.entry),
            notes: self.notes.clone(),
            terms: self.terms,
            clock: self.clock.clone(),
            must_ask: self.must_ask,
        })
    }

    /// Something else vouches for the media for now.
    pub fn vouch(self) {
        self.entry.vouch(self.clock.now_ms());
    }

    /// Whether the media may be served: by the answer to the question, where a reader has to wait for it
    /// and it comes in time.
    pub async fn settled(self) -> bool {
        if self.must_wait {
            let answer = tokio::time::timeout(PATIENCE, self.entry.answer()).await;
            if answer.is_err() {
                // Nobody else has to wait as long for the same answer.
                let now = self.clock.now_ms();
                self.entry.answered_nothing(now, self.terms);
            }
        }
        !self.entry.is_withheld()
    }
}

/// The right to ask about a medium, which one request at a time has.
pub struct Question {
    entry: Arc<Entry>,
    notes: Notes,
    terms: Terms,
    clock: Clock,
    must_ask: bool,
}

impl Question {
    /// Looks into the database; `true`: the homeserver has to be asked.
    pub async fn begin(&self, medium: MediumRef<'_>) -> bool {
        let now = self.clock.now_ms();
        if let Err(error) = self.notes.recall(medium, &self.entry, now).await {
            tracing::error!(%error, "the database does not tell whether media is missing");
        }
        if self.entry.is_withheld() {
            return false;
        }
        if !self.must_ask {
            self.entry.there(now, self.terms);
        }
        self.must_ask
    }
}

impl Drop for Question {
    fn drop(&mut self) {
        self.entry.end();
    }
}
