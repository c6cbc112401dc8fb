//! Takedowns: bytes are served by nobody any more, under whatever mxc URI they were uploaded or will be.

use std::sync::Arc;

use futures_util::StreamExt;
use sha2::{Digest, Sha256};

use crate::{
    clock::Clock,
    config::{Config, Denial, DenyKind},
    homeserver::{Features, Homeserver, MediaClient, MediaVariant},
    limits::Limits,
    links::{FoundLink, Presence, Revoker},
    media::{
        Fetcher, MediaProxy, ObjectKeys, Order, RecentAnswers, RequestConditions, Thumbnailer,
    },
    random,
    storage::{
        Database, StorageError,
        links::{Criteria, LinkRow},
    },
};

use super::{audit::Auditor, deny::put, links::RecordedLink};

/// Takes media down, past cache and limits.
pub struct Takedown {
    database: Database,
    media: MediaProxy,
    clock: Clock,
    auditor: Auditor,
}

/// What has come of a takedown.
#[derive(Debug)]
pub struct TakenDown {
    /// How many live links were revoked.
    pub revoked: usize,
    /// What is denied now.
    pub denied: Vec<Denial>,
    /// Why its bytes could not be had, so that they are not known again where they are uploaded once more; `None`:
    /// they are denied.
    pub unread: Option<String>,
}

/// Why media could not be taken down.
#[derive(Debug, thiserror::Error)]
pub enum TakedownError {
    /// What is left of a link tells no media.
    #[error("the link ended too long ago: nothing tells its media any more")]
    Forgotten,
    /// What is to be denied is nothing of the kind.
    #[error("{0}")]
    Undeniable(String),
    /// The database failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl Takedown {
    /// Takes down media that this homeserver has.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn open(
        config: &Config,
        database: &Database,
        (homeserver, features): (Arc<Homeserver>, Features),
        auditor: Auditor,
        clock: &Clock,
    ) -> Result<Self, StorageError> {
        let keys = ObjectKeys::new(&database.secret("media_names", random::bytes()).await?);
        let fetcher = Fetcher::new(
            Arc::new(MediaClient::new(homeserver)),
            features,
            Presence::new(database.clone(), config, clock.clone()),
            config,
            Limits::none(clock),
        );
        let thumbnailer = Thumbnailer::new(config.media.thumbnail_program.clone());
        let recent = RecentAnswers::new(clock.clone());
        Ok(Self {
            database: database.clone(),
            media: MediaProxy::new(fetcher, None, keys, thumbnailer, recent),
            clock: clock.clone(),
            auditor,
        })
    }

    /// Denies the media of a link and its bytes, and revokes the links to it.
    ///
    /// # Errors
    /// If nothing tells its media any more, or the database fails.
    pub async fn take_down(
        &self,
        config: &Config,
        found: &RecordedLink,
        reason: &str,
    ) -> Result<TakenDown, TakedownError> {
        let FoundLink::Recorded(row) = &found.link else {
            return Err(TakedownError::Forgotten);
        };
        let mxc = row.claims.mxc.to_string();
        let subject = format!("link {}, media {mxc}", found.link_id);
        let work = self.end(config, row, mxc, reason);
        self.auditor
            .during("takedown", subject, work, |done| done.revoked)
            .await
    }

    async fn end(
        &self,
        config: &Config,
        row: &LinkRow,
        mxc: String,
        reason: &str,
    ) -> Result<TakenDown, TakedownError> {
        let digest = self.digest(config, row).await;
        let mut denied = vec![self.deny(DenyKind::Media, &mxc, reason).await?];
        let criteria = Criteria {
            mxc: Some(mxc),
            ..Criteria::default()
        };
        let revoker = Revoker::new(self.database.clone(), config, self.clock.clone());
        let revoked = revoker.revoke(None, criteria).await?.links;
        let unread = match digest {
            Ok(digest) => {
                denied.push(
                    self.deny(DenyKind::Sha256, &hex::encode(digest), reason)
                        .await?,
                );
                None
            }
            Err(why) => Some(why),
        };
        Ok(TakenDown {
            revoked,
            denied,
            unread,
        })
    }

    /// Denies bytes by their SHA-256.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn deny_bytes(
        &self,
        digest: &[u8; 32],
        reason: &str,
    ) -> Result<Denial, TakedownError> {
        let value = hex::encode(digest);
        let work = self.deny(DenyKind::Sha256, &value, reason);
        let subject = format!("sha256 {value}");
        self.auditor.during("takedown", subject, work, |_| 0).await
    }

    /// The SHA-256 of the bytes of a link, or why it could not be had.
    async fn digest(&self, config: &Config, row: &LinkRow) -> Result<[u8; 32], String> {
        let bridge = config.bridge(&row.bridge);
        let bridge = bridge.ok_or("its bridge is not configured any more")?;
        let order = Order {
            max_bytes: None,
            whole_only: false,
            ..Order::of(row, bridge, MediaVariant::Original)
        };
        let all = RequestConditions::default();
        let opened = self.media.open(&order, all).await;
        let mut body = opened.map_err(|error| error.to_string())?.body;
        let mut digest = Sha256::new();
        while let Some(piece) = body.next().await {
            digest.update(piece.map_err(|error| error.to_string())?);
        }
        Ok(digest.finalize().into())
    }

    async fn deny(
        &self,
        kind: DenyKind,
        value: &str,
        reason: &str,
    ) -> Result<Denial, TakedownError> {
        let denial = Denial::parse(kind, value).map_err(TakedownError::Undeniable)?;
        put(&self.database, &denial, reason.to_owned(), &self.clock).await?;
        Ok(denial)
    }
}
