//! Reports of readers about links: taken once for each reader and link, and told to the room's homeserver and to the
//! operator. They end nothing by themselves.

mod delivery;
mod words;

use std::sync::Arc;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use futures_util::FutureExt;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use tokio::sync::Notify;

use crate::{
    clock::Clock,
    config::Settings,
    limits::ClientNetwork,
    links::Grant,
    random,
    storage::{
        Database, StorageError,
        reports::{self, NewReport, Target},
    },
};

pub use delivery::ReportTeller;
pub use words::{MAX_NOTE, Reason, Report, ReportError};

/// Takes reports. Clones are the same.
#[derive(Clone)]
pub struct Reports {
    database: Database,
    config: Settings,
    clock: Clock,
    /// Under which readers are named.
    secret: [u8; 32],
    /// Wakes who tells of reports.
    taken: Arc<Notify>,
}

impl Reports {
    /// Takes reports into a database.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn open(
        database: Database,
        config: Settings,
        clock: Clock,
    ) -> Result<Self, StorageError> {
        Ok(Self {
            secret: database.secret("reports", random::bytes()).await?,
            database,
            config,
            clock,
            taken: Arc::default(),
        })
    }

    /// Whether readers can report links.
    #[must_use]
    pub fn are_taken(&self) -> bool {
        self.config.abuse.reports
    }

    /// Takes the report of a reader; one who has reported the link before has no effect. It is acknowledged once it
    /// is written.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn take(
        &self,
        grant: &Grant,
        reader: ClientNetwork,
        report: Report,
    ) -> Result<(), StorageError> {
        let link = &grant.link;
        let event_id = link.claims.event_id.as_ref().map(ToString::to_string);
        let mut targets = Vec::new();
        if event_id.is_some() {
            targets.push(Target::Homeserver);
        }
        if self.config.abuse.room.is_some() {
            targets.push(Target::Operator);
        }
        let new = NewReport {
            link_id: link.link_id.clone(),
            reporter: self.name(reader),
            bridge: grant.bridge.id.clone(),
            room_id: link.claims.room_id.to_string(),
            event_id: event_id.unwrap_or_default(),
            sender: link.sender.clone().unwrap_or_default(),
            mxc: link.claims.mxc.to_string(),
            reason: report.reason.as_str(),
            note: report.note,
        };
        let (reason, now) = (report.reason.as_str(), self.clock.now_ms());
        let (link_id, bridge) = (new.link_id.clone(), new.bridge.clone());
        let taken = self
            .database
            .writer()
            .write::<_, StorageError, _>(move |c| {
                async move { reports::take(c, &new, &targets, now).await }.boxed()
            });
        if taken.await? {
            metrics::counter!("medialink_reports_total", "reason" => reason).increment(1);
            tracing::warn!(link_id, bridge, reason, "a reader has reported a link");
            self.taken.notify_one();
        }
        Ok(())
    }

    /// The name of a reader, which tells nothing of the address.
    fn name(&self, reader: ClientNetwork) -> String {
        let keyed = Hmac::<Sha256>::new_from_slice(&self.secret);
        let digest = keyed.map(|hmac| hmac.chain_update(reader.to_string()).finalize());
        digest.map_or_else(
            |_| String::new(),
            |digest| URL_SAFE_NO_PAD.encode(&digest.into_bytes()[..16]),
        )
    }
}
