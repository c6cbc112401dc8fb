//! Whether the homeserver still has the media that links lead to. Every answer about media is noted
//! here, whoever has asked: follows, questions beside them, and touches.
//!
//! A first answer that it does not have the media keeps the cache from being served from; a second one
//! ends the links. Both are in the database. The time of the latest answers is in memory only, and
//! whoever finds none there asks.

mod doubt;
mod entry;
mod medium;
mod notes;
mod terms;
mod told;

use std::{
    collections::HashSet,
    hash::RandomState,
    num::NonZeroUsize,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use lru::LruCache;

use crate::{
    clock::Clock,
    config::Config,
    storage::{Database, StorageError},
};

use entry::Entry;
use medialink_link::matrix::MxcUri;
use medium::media_name;
use notes::{Notes, Outcome};
use terms::Terms;

pub use doubt::{Doubt, Outlook, Question};
pub use medium::MediumRef;
pub use told::{Asked, Told};

/// How many media are remembered in memory, a hundred bytes or two each.
const MAX_ENTRIES: NonZeroUsize = NonZeroUsize::new(50_000).expect("not zero");

/// Remembers what the homeserver says about media. Clones share it.
#[derive(Clone)]
pub struct Presence {
    /// Looked into at each follow, for a moment.
    entries: Arc<Mutex<LruCache<u64, Arc<Entry>>>>,
    /// Names media by digests that nobody can foresee.
    names: RandomState,
    notes: Notes,
    terms: Terms,
    clock: Clock,
}

impl Presence {
    /// Remembers it for the links of a database.
    #[must_use]
    pub fn new(database: Database, config: &Config, clock: Clock) -> Self {
        let terms = Terms::of(config);
        Self {
            entries: Arc::new(Mutex::new(LruCache::new(MAX_ENTRIES))),
            names: RandomState::new(),
            notes: Notes::new(database, config, terms),
            terms,
            clock,
        }
    }

    fn entries(&self) -> MutexGuard<'_, LruCache<u64, Arc<Entry>>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn entry(&self, medium: MediumRef<'_>) -> Arc<Entry> {
        let name = medium.name(&self.names);
        let new = || Arc::new(Entry::new(medium.media_name(&self.names)));
        Arc::clone(self.entries().get_or_insert(name, new))
    }

    /// Whether media may be served without the homeserver.
    pub fn outlook(&self, medium: MediumRef<'_>) -> Outlook {
        let entry = self.entry(medium);
        match entry.known(self.clock.now_ms()) {
            Some(is_there) => Outlook::Known(is_there),
            None => Outlook::Due(Box::new(self.doubt(entry))),
        }
    }

    /// The same where nothing but the homeserver's answer of a moment ago counts.
    pub fn outlook_within(&self, medium: MediumRef<'_>, age_ms: i64) -> Outlook {
        let entry = self.entry(medium);
        match entry.known_within(self.clock.now_ms(), age_ms) {
            Some(is_there) => Outlook::Known(is_there),
            None => Outlook::Due(Box::new(self.doubt(entry).strict())),
        }
    }

    /// An administrator has quarantined media, or released it (`false`): nobody is given it before the homeserver is
    /// asked again.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn quarantined(&self, changes: &[(MxcUri, bool)]) -> Result<(), StorageError> {
        let withdrawn = changes.iter().filter(|(_, is_quarantined)| *is_quarantined);
        let withdrawn = withdrawn.map(|(mxc, _)| mxc.to_string()).collect();
        self.notes.doubt(withdrawn, self.clock.now_ms()).await?;
        let changed: HashSet<u64> = changes
            .iter()
            .map(|(mxc, _)| media_name(mxc, &self.names))
            .collect();
        let mut entries = self.entries();
        let known = entries
            .iter()
            .filter(|(_, entry)| changed.contains(&entry.of));
        let known: Vec<u64> = known.map(|(name, _)| *name).collect();
        for name in known {
            entries.pop(&name);
        }
        Ok(())
    }

    fn doubt(&self, entry: Arc<Entry>) -> Doubt {
        let (notes, clock) = (self.notes.clone(), self.clock.clone());
        Doubt::new(entry, notes, self.terms, clock)
    }

    /// Notes what the homeserver has said.
    pub async fn note(&self, medium: MediumRef<'_>, told: Told, asked: Asked) {
        let entry = self.entry(medium);
        if asked == Asked::Question {
            let answer = told.name();
            metrics::counter!("medialink_revalidations_total", "answer" => answer).increment(1);
        }
        let noted = match told {
            Told::There => self.note_there(medium, &entry, asked).await,
            Told::Missing => self.note_missing(medium, &entry).await,
            // Media that it has given once is hidden: its event is.
            Told::Hidden if asked == Asked::Question || entry.is_withheld() => {
                self.note_missing(medium, &entry).await
            }
            Told::Refused if asked == Asked::Question => {
                entry.withhold(self.clock.now_ms());
                Ok(())
            }
            Told::Hidden | Told::Refused | Told::Unsure => {
                entry.answered_nothing(self.clock.now_ms(), self.terms);
                Ok(())
            }
        };
        if let Err(error) = noted {
            tracing::error!(%error, "the homeserver's answer about media could not be noted");
        }
    }

    async fn note_there(
        &self,
        medium: MediumRef<'_>,
        entry: &Entry,
        asked: Asked,
    ) -> Result<(), StorageError> {
        let now = self.clock.now_ms();
        if medium.may_be_missing || asked == Asked::Question {
            self.notes.recall(medium, entry, now).await?;
        } else if !entry.is_recalled() {
            // The row of the link has told so, and the homeserver as well. A note that has come since then is
            // asked about when it is due.
            entry.recall(false, now);
        }
        let was_missing = entry.is_withheld();
        entry.there(now, self.terms);
        if was_missing {
            self.notes.forget(medium.to_owned()).await?;
        }
        match asked {
            Asked::Question => self.notes.touched(medium, now).await,
            // The follow that it was for is counted as a touch.
            Asked::Download => Ok(()),
        }
    }

    async fn note_missing(&self, medium: MediumRef<'_>, entry: &Entry) -> Result<(), StorageError> {
        let now = self.clock.now_ms();
        entry.withhold(now);
        if let Outcome::Ended(links) = self.notes.missing(medium.to_owned(), now).await? {
            let name = medium.name(&self.names);
            self.entries().pop(&name);
            tracing::warn!(
                bridge = medium.bridge,
                mxc = %medium.mxc,
                links,
                "the homeserver no longer has media that is linked"
            );
        }
        Ok(())
    }
}
