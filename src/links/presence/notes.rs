//! What is noted in the database of the homeserver's answers about media.

use std::collections::BTreeMap;

use futures_util::FutureExt;

use crate::{
    clock::millis,
    config::{Config, Lifetime},
    storage::{
        Connection, Database, StorageError,
        ending::{self, AT_ONCE, Ending},
        media_references::ReleaseDelays,
        missing_media::{self, AskedMedium},
        touches,
    },
};
use medialink_link::matrix::ServerName;

use crate::links::recorder::release_delays;

use super::{entry::Entry, medium::MediumRef, terms::Terms};

/// The outcome of an answer that the media is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It was the first one, or came too soon after it.
    Doubted,
    /// It has ended so many links.
    Ended(usize),
}

#[derive(Clone)]
pub(super) struct Notes {
    database: Database,
    terms: Terms,
    delays: ReleaseDelays,
    server_name: ServerName,
    /// How often media is touched, in milliseconds.
    touch_every: Option<i64>,
}

impl Notes {
    pub(super) fn new(database: Database, config: &Config, terms: Terms) -> Self {
        Self {
            database,
            terms,
            delays: release_delays(config),
            server_name: config.homeserver.server_name.clone(),
            touch_every: match config.usage.touch {
                Lifetime::Never => None,
                Lifetime::For(every) => Some(millis(every)),
            },
        }
    }

    /// Remembers from the database whether the homeserver did not have the media when it was last
    /// asked.
    pub(super) async fn recall(
        &self,
        medium: MediumRef<'_>,
        entry: &Entry,
        now: i64,
    ) -> Result<(), StorageError> {
        if !entry.is_recalled() {
            let reader = self.database.reader();
            let since = missing_media::since(reader, &medium.to_owned()).await?;
            entry.recall(since.is_some(), now);
        }
        Ok(())
    }

    /// The homeserver has the media after all.
    pub(super) async fn forget(&self, medium: AskedMedium) -> Result<(), StorageError> {
        self.database
            .writer()
            .write_counts::<_, StorageError, _>(move |connection| {
                async move { missing_media::forget(connection, &medium).await }.boxed()
            })
            .await
    }

    /// A question that was answered by yes has been a touch.
    pub(super) async fn touched(
        &self,
        medium: MediumRef<'_>,
        now: i64,
    ) -> Result<(), StorageError> {
        let Some(every) = self.touch_every else {
            return Ok(());
        };
        let is_local = medium.mxc.is_of(&self.server_name);
        let (mxc, next) = (medium.mxc.to_string(), now.saturating_add(every));
        self.database
            .writer()
            .write_counts::<_, StorageError, _>(move |connection| {
                async move {
                    let touched = BTreeMap::from([(&*mxc, next)]);
                    if is_local {
                        touches::touched(connection, &touched).await
                    } else {
                        touches::touched_elsewhere(connection, &touched).await
                    }
                }
                .boxed()
            })
            .await
    }

    /// An administrator has withdrawn media: it counts as a first answer that it is missing.
    pub(super) async fn doubt(&self, media: Vec<String>, now: i64) -> Result<(), StorageError> {
        if media.is_empty() {
            return Ok(());
        }
        let ask_at = now.saturating_add(self.terms.apart);
        self.database
            .writer()
            .write::<_, StorageError, _>(move |connection| {
                async move {
                    for mxc in &media {
                        missing_media::doubt(connection, mxc, now, ask_at).await?;
                    }
                    Ok(())
                }
                .boxed()
            })
            .await
    }

    /// The homeserver does not have the media.
    pub(super) async fn missing(
        &self,
        medium: AskedMedium,
        now: i64,
    ) -> Result<Outcome, StorageError> {
        let (terms, delays) = (self.terms, self.delays);
        let mut ended = 0;
        loop {
            let medium = medium.clone();
            let outcome = self
                .database
                .writer()
                .write::<_, StorageError, _>(move |connection| {
                    async move { note_missing(connection, &medium, terms, delays, now).await }
                        .boxed()
                })
                .await?;
            let Outcome::Ended(links) = outcome else {
                return Ok(outcome);
            };
            metrics::counter!("medialink_gone_links_total").increment(links as u64);
            ended += links;
            if links < AT_ONCE {
                return Ok(Outcome::Ended(ended));
            }
        }
    }
}

async fn note_missing(
    connection: &mut Connection,
    medium: &AskedMedium,
    terms: Terms,
    delays: ReleaseDelays,
    now: i64,
) -> Result<Outcome, StorageError> {
    let since = missing_media::since(&mut *connection, medium).await?;
    match since.map(|since| now - since) {
        Some(apart) if (terms.apart..=terms.within).contains(&apart) => {
            let links = ending::end(connection, Ending::MediaGone(medium), delays, now).await?;
            // It is remembered until the last one has ended.
            if links < AT_ONCE {
                missing_media::forget(connection, medium).await?;
            }
            Ok(Outcome::Ended(links))
        }
        Some(apart) if (0..terms.apart).contains(&apart) => Ok(Outcome::Doubted),
        // Two answers that are too far apart are two first ones.
        _ => {
            let ask_at = now.saturating_add(terms.again);
            missing_media::note(connection, medium, now, ask_at).await?;
            Ok(Outcome::Doubted)
        }
    }
}
