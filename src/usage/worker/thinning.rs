//! What ended longer ago than `retention` is thinned to what its promise needs, piece by piece. It gives nobody
//! anything to do, and a cached link that has ended stays what it is: so its commits wake nobody.

use futures_util::FutureExt;

use crate::{
    clock::millis,
    config::{Lifetime, Settings},
    links::Links,
    storage::{
        Connection, Database, StorageError, endings,
        history::{self, ForgetBefore},
        thinning::{self, Place, Thinned},
    },
};

/// How many rows of a kind one write looks at.
const AT_ONCE: i64 = 500;
/// How long transactions of the homeserver are remembered, in milliseconds.
const REMEMBER_TRANSACTIONS_MS: i64 = 7 * 86_400_000;
/// How long the outcome of a decision about many links is remembered for whoever waits for it, in milliseconds.
const REMEMBER_ENDINGS_MS: i64 = 86_400_000;
/// How long meta events stay after their end, in milliseconds, whatever `retention` says: rooms are compared
/// with those that were redacted in the last thirty days.
const KEEP_META_EVENTS_MS: i64 = 31 * 86_400_000;

/// What a pass is about to look at.
#[derive(Debug, Clone, Copy)]
enum Step {
    Links(Place),
    MetaEvents(Place),
    Facts,
    Shown,
}

/// A pass over what has ended.
#[derive(Debug)]
pub(super) struct Thinning {
    database: Database,
    config: Settings,
    links: Links,
    step: Step,
}

impl Thinning {
    pub(super) fn new(database: Database, config: Settings, links: Links) -> Self {
        Self {
            database,
            config,
            links,
            step: Step::Links(Place::START),
        }
    }

    /// Does the next piece of the pass; `false`: that was the last one.
    pub(super) async fn go_on(&mut self, now: i64) -> Result<bool, StorageError> {
        let ended_before = match self.config.retention {
            Lifetime::Never => None,
            Lifetime::For(retention) => Some(now.saturating_sub(millis(retention))),
        };
        let next = match (self.step, ended_before) {
            (Step::Links(place), Some(before)) => self.ended_links(place, before).await?,
            (Step::MetaEvents(place), Some(before)) => {
                let before = before.min(now.saturating_sub(KEEP_META_EVENTS_MS));
                self.meta_events(place, before).await?
            }
            (Step::Links(_) | Step::MetaEvents(_), None) | (Step::Facts, _) => {
                self.facts(now).await?
            }
            (Step::Shown, _) => {
                let is_more = is_more(self.links.forget_shown(AT_ONCE).await?);
                is_more.then_some(Step::Shown)
            }
        };
        self.step = next.unwrap_or(Step::Links(Place::START));
        Ok(next.is_some())
    }

    async fn ended_links(&self, from: Place, before: i64) -> Result<Option<Step>, StorageError> {
        // Decisions are about the rows that there were.
        if endings::is_any_open(self.database.reader()).await? {
            return Ok(Some(Step::Links(from)));
        }
        let writer = self.database.writer();
        let thinned = writer.write_counts::<_, StorageError, _>(move |c| {
            thinning::links(c, from, before, AT_ONCE).boxed()
        });
        let thinned = thinned.await?;
        count("links", &thinned);
        Ok(Some(match thinned.next {
            Some(next) => Step::Links(next),
            None => Step::MetaEvents(Place::START),
        }))
    }

    async fn meta_events(&self, from: Place, before: i64) -> Result<Option<Step>, StorageError> {
        let writer = self.database.writer();
        let thinned = writer.write_counts::<_, StorageError, _>(move |c| {
            thinning::meta_events(c, from, before, AT_ONCE).boxed()
        });
        let thinned = thinned.await?;
        count("meta_events", &thinned);
        Ok(Some(match thinned.next {
            Some(next) => Step::MetaEvents(next),
            None => Step::Facts,
        }))
    }

    async fn facts(&self, now: i64) -> Result<Option<Step>, StorageError> {
        let before = self.forget_before(now);
        let writer = self.database.writer();
        let forgotten = writer.write_counts::<_, StorageError, _>(move |connection| {
            async move { forget_facts(connection, before, now).await }.boxed()
        });
        Ok(Some(match is_more(forgotten.await?) {
            true => Step::Facts,
            false => Step::Shown,
        }))
    }

    /// Until when facts are remembered.
    fn forget_before(&self, now: i64) -> ForgetBefore {
        let links = &self.config.links;
        // Where links may live for ever, the records against them are kept for ever.
        let redactions = match links.max_lifetime {
            Lifetime::Never => None,
            Lifetime::For(_) => Some(now - millis(links.remember)),
        };
        let has_legacy_links = !self.config.legacy_links.entries().is_empty();
        ForgetBefore {
            transactions: now - REMEMBER_TRANSACTIONS_MS,
            redactions,
            // The age of links that bridges have made by themselves is not known.
            revocations: redactions.filter(|_| !has_legacy_links),
            reports: match self.config.retention {
                Lifetime::Never => None,
                Lifetime::For(retention) => Some(now - millis(retention)),
            },
        }
    }
}

async fn forget_facts(
    connection: &mut Connection,
    before: ForgetBefore,
    now: i64,
) -> Result<u64, StorageError> {
    endings::forget(connection, now - REMEMBER_ENDINGS_MS).await?;
    history::forget(connection, before, AT_ONCE).await
}

fn is_more(rows: u64) -> bool {
    i64::try_from(rows).is_ok_and(|rows| rows >= AT_ONCE)
}

fn count(what: &'static str, thinned: &Thinned) {
    metrics::counter!("medialink_thinned_total", "what" => what).increment(thinned.ended as u64);
    metrics::counter!("medialink_thinned_total", "what" => "usages").increment(thinned.usages);
}
