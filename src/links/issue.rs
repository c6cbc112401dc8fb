//! Issuing links: the homeserver is asked first, then all links of a request are recorded in one
//! write, together with those of others who ask at the same time.

use std::{sync::Arc, time::Duration};

use futures_util::{FutureExt, StreamExt, stream};
use tokio::time::Instant;

use crate::{
    config::BridgeConfig,
    storage::{Connection, Lock, StorageError},
};

use super::{
    gather::{Gathered, SMALL},
    request::{IssueError, IssueRequest, Outcome},
    service::Links,
};

/// How many requests for links wait for the homeserver at once, of one batch.
const AT_ONCE: usize = 16;
/// How long the lookups of all requests of a batch may take together.
const BATCH_WITHIN: Duration = Duration::from_secs(30);

impl Links {
    /// Issues links for a bridge, after asking the homeserver for the policies of rooms, and with
    /// `links.provenance` for the events. The links that are returned are durable. A request that is
    /// refused has its error in its place.
    ///
    /// # Errors
    /// If the database fails: then none was issued.
    pub async fn issue(
        &self,
        bridge: &Arc<BridgeConfig>,
        requests: Vec<IssueRequest>,
    ) -> Result<Vec<Outcome>, StorageError> {
        let rooms = requests.iter().map(|request| &request.claims.room_id);
        self.learn_policies(bridge, rooms).await?;
        let deadline = Instant::now() + BATCH_WITHIN;
        let examined: Vec<Result<IssueRequest, IssueError>> = stream::iter(requests)
            .map(|request| async move {
                tokio::time::timeout_at(deadline, self.examined(bridge, request))
                    .await
                    .unwrap_or_else(|_| {
                        let slow = "all events of the batch together took too long";
                        Err(IssueError::EventLookup(slow.to_owned()))
                    })
            })
            .buffered(AT_ONCE)
            .collect()
            .await;
        let mut good = Vec::with_capacity(examined.len());
        let mut refused = Vec::with_capacity(examined.len());
        for outcome in examined {
            match outcome {
                Ok(request) => {
                    good.push(request);
                    refused.push(None);
                }
                Err(IssueError::Storage(error)) => return Err(error),
                Err(error) => refused.push(Some(error)),
            }
        }
        let mut issued = self.record(&bridge.id, good).await?.into_iter();
        Ok(refused
            .into_iter()
            .filter_map(|error| error.map(Err).or_else(|| issued.next()))
            .collect())
    }

    async fn record(
        &self,
        bridge: &str,
        requests: Vec<IssueRequest>,
    ) -> Result<Vec<Outcome>, StorageError> {
        if requests.is_empty() {
            return Ok(Vec::new());
        }
        if requests.len() > SMALL {
            return self.write_batch(bridge, requests).await;
        }
        let (answered, row) = self.gatherer.add(bridge, requests);
        if let Some(mut row) = row {
            let this = self.clone();
            // In a task of its own: it goes on if the caller stops waiting.
            tokio::spawn(async move {
                while let Some(gathered) = row.next() {
                    this.write_gathered(gathered).await;
                }
            });
        }
        answered.await.map_err(|_| StorageError::Closed)?
    }

    async fn write_gathered(&self, gathered: Gathered) {
        let answer = self
            .write_batch(&gathered.bridge, gathered.requests())
            .await;
        for alone in gathered.answer(answer) {
            let answer = self.write_batch(&alone.bridge, alone.requests()).await;
            alone.answer(answer);
        }
    }

    async fn write_batch(
        &self,
        bridge: &str,
        requests: Vec<IssueRequest>,
    ) -> Result<Vec<Outcome>, StorageError> {
        let (recorder, bridge) = (self.recorder.clone(), bridge.to_owned());
        let written = self.database.writer().write(move |connection| {
            async move {
                lock(connection, &bridge, &requests).await?;
                recorder.issue(connection, &bridge, requests).await
            }
            .boxed()
        });
        Ok(written.await?.kept())
    }
}

/// Of several who ask for the same link, all get the same one, and none for an event that is being
/// redacted.
async fn lock(
    connection: &mut Connection,
    bridge: &str,
    requests: &[IssueRequest],
) -> Result<(), StorageError> {
    let media: Vec<String> = requests
        .iter()
        .map(|request| request.claims.mxc.to_string())
        .collect();
    let media = media.iter().map(|mxc| Lock::Medium(bridge, mxc));
    let rooms = requests.iter();
    let rooms = rooms.map(|request| Lock::KnownRoom(request.claims.room_id.as_str()));
    let locks: Vec<Lock<'_>> = media.chain(rooms).collect();
    connection.lock(&locks).await
}
