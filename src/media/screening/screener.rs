//! Whether the bytes of media may be served: looked at once, by all who ask for it, and remembered.

use std::{future::Future, sync::Arc, time::Duration};

use futures_util::{FutureExt, StreamExt};
use moka::future::Cache;
use sha2::{Digest, Sha256};

use super::{
    super::{MediaBody, MediaError, object_key::ObjectKey},
    known::{Known, Scanned},
    scan::Scan,
};
use crate::{
    clock::Clock,
    config::{DenyKind, OnScanFailure, ScanConfig},
    denials::{Denials, Denied},
    storage::{Database, StorageError, screened_media},
};

/// How many media are remembered in memory, a hundred bytes or two each.
const MAX_KNOWN: u64 = 50_000;
/// How long a failed scan is not tried again.
const FAILED_FOR: Duration = Duration::from_secs(10);

/// Looks into media. Clones share what they know.
#[derive(Clone)]
pub struct Screener(Arc<Shared>);

struct Shared {
    database: Database,
    denials: Denials,
    scan: Option<ScanConfig>,
    clock: Clock,
    known: Cache<ObjectKey, Known>,
    /// Media whose scan has failed.
    failed: Cache<ObjectKey, Known>,
}

/// Why nothing lasting is known of media.
#[derive(Debug, Clone)]
enum Unknown {
    /// Its scan has failed; its bytes are known.
    Unscanned(Known),
    Media(MediaError),
}

impl Screener {
    /// Looks into media as the configuration and the list of what is denied ask for it.
    #[must_use]
    pub fn new(
        database: Database,
        denials: Denials,
        scan: Option<ScanConfig>,
        clock: Clock,
    ) -> Self {
        let cache = || Cache::builder().max_capacity(MAX_KNOWN);
        Self(Arc::new(Shared {
            database,
            denials,
            scan,
            clock,
            known: cache().build(),
            failed: cache().time_to_live(FAILED_FOR).build(),
        }))
    }

    /// Whether anything has to be looked into.
    pub(in crate::media) fn is_needed(&self) -> bool {
        let shared = &self.0;
        shared.scan.is_some() || shared.denials.list().is_some_and(|list| list.has_digests())
    }

    /// Looks into media, unless it is known; `open` opens the whole, decrypted.
    ///
    /// # Errors
    /// If it may not be served, or cannot be opened.
    pub(in crate::media) async fn screen<O, F>(
        &self,
        key: ObjectKey,
        open: O,
    ) -> Result<(), MediaError>
    where
        O: FnOnce() -> F,
        F: Future<Output = Result<MediaBody, MediaError>>,
    {
        let shared = &self.0;
        if let Some(known) = shared.failed.get(&key).await {
            return self.judge(&known);
        }
        let known = shared.known.try_get_with(key, self.learn(key, open)).await;
        match known.map_err(|unknown| Unknown::clone(&unknown)) {
            Ok(known) => self.judge(&known),
            Err(Unknown::Unscanned(known)) => self.judge(&known),
            Err(Unknown::Media(error)) => Err(error),
        }
    }

    fn judge(&self, known: &Known) -> Result<(), MediaError> {
        let shared = &self.0;
        let list = shared.denials.list();
        if list.is_some_and(|list| list.denies_bytes(&known.sha256)) {
            return Err(MediaError::Denied(Denied::counted(DenyKind::Sha256)));
        }
        let Some(scan) = &shared.scan else {
            return Ok(());
        };
        match (&known.scanned, scan.on_failure) {
            (Scanned::Found(_), _) => Err(MediaError::Infected),
            (Scanned::Clean, _) | (_, OnScanFailure::Serve) => Ok(()),
            (Scanned::TooLarge, OnScanFailure::Refuse) => Err(MediaError::TooLarge),
            (_, OnScanFailure::Refuse) => Err(MediaError::NotScanned),
        }
    }

    /// What is remembered of media, or comes of looking into it.
    async fn learn<O, F>(&self, key: ObjectKey, open: O) -> Result<Known, Unknown>
    where
        O: FnOnce() -> F,
        F: Future<Output = Result<MediaBody, MediaError>>,
    {
        let shared = &self.0;
        match self.remembered(key).await {
            Ok(Some(known)) if shared.scan.is_none() || known.scanned != Scanned::NotAsked => {
                return Ok(known);
            }
            Ok(_) => {}
            Err(error) => tracing::warn!(%error, "what is known of media could not be read"),
        }
        let body = open().await.map_err(Unknown::Media)?;
        let known = self.look_into(body).await.map_err(Unknown::Media)?;
        if known.scanned == Scanned::Failed {
            shared.failed.insert(key, known.clone()).await;
            return Err(Unknown::Unscanned(known));
        }
        if let Err(error) = self.remember(key, &known).await {
            tracing::warn!(%error, "what is known of media could not be noted");
        }
        Ok(known)
    }

    async fn remembered(&self, key: ObjectKey) -> Result<Option<Known>, StorageError> {
        let reader = self.0.database.reader();
        let stored = screened_media::find(reader, key.as_bytes()).await?;
        stored.map(Known::read).transpose()
    }

    async fn remember(&self, key: ObjectKey, known: &Known) -> Result<(), StorageError> {
        let (stored, now) = (known.stored(), self.0.clock.now_ms());
        let writer = self.0.database.writer();
        let noted = writer.write_counts::<_, StorageError, _>(move |c| {
            let stored = stored.clone();
            async move { screened_media::note(c, key.as_bytes(), &stored, now).await }.boxed()
        });
        noted.await
    }

    async fn look_into(&self, mut body: MediaBody) -> Result<Known, MediaError> {
        let mut scan = match &self.0.scan {
            None => None,
            Some(config) => Some(Scan::begin(config).await),
        };
        let mut digest = Sha256::new();
        while let Some(piece) = body.next().await {
            let piece = piece?;
            digest.update(&piece);
            if let Some(scan) = &mut scan {
                scan.push(&piece).await;
            }
        }
        let sha256 = digest.finalize().into();
        let scanned = match scan {
            None => Scanned::NotAsked,
            Some(scan) => scan.finish().await,
        };
        if self.0.scan.is_some() {
            let outcome = scanned.outcome();
            metrics::counter!("medialink_scans_total", "outcome" => outcome).increment(1);
        }
        if let Scanned::Found(name) = &scanned {
            tracing::warn!(
                name = &**name,
                "the scanner has found something in media, which is not served"
            );
        }
        Ok(Known { sha256, scanned })
    }
}
