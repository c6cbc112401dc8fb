//! Issuing links: the homeserver is asked first, then all links of a request are recorded in one
//! write.

use std::{collections::HashMap, sync::Arc, time::Duration};

use futures_util::{FutureExt, StreamExt, stream};
use sqlx::SqliteConnection;
use tokio::time::Instant;

use crate::{
    config::BridgeConfig,
    storage::{
        StorageError,
        room_policies::{self, RoomPolicy},
    },
};
use medialink_link::matrix::RoomId;

use super::{
    recorder::Recorder,
    request::{IssueError, IssueRequest, IssuedLink},
    service::Links,
};

/// How many requests for links wait for the homeserver at once, of one batch.
const AT_ONCE: usize = 16;
/// How long the lookups of all requests of a batch may take together.
const BATCH_WITHIN: Duration = Duration::from_secs(30);

type Outcome = Result<IssuedLink, IssueError>;

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
        let (recorder, bridge) = (self.recorder.clone(), bridge.to_owned());
        self.database
            .writer()
            .write(move |connection| {
                async move { recorder.issue(connection, &bridge, requests).await }.boxed()
            })
            .await
    }
}

impl Recorder {
    /// Issues links by the known policies of their rooms.
    async fn issue(
        &self,
        connection: &mut SqliteConnection,
        bridge: &str,
        requests: Vec<IssueRequest>,
    ) -> Result<Vec<Outcome>, StorageError> {
        let mut outcomes = Vec::with_capacity(requests.len());
        let mut policies = HashMap::<RoomId, RoomPolicy>::new();
        for request in requests {
            let room_id = &request.claims.room_id;
            let policy = match policies.get(room_id) {
                Some(policy) => policy.clone(),
                None => {
                    let known = room_policies::find_in(connection, room_id.as_str()).await?;
                    let policy = known.unwrap_or_default().policy;
                    policies.insert(room_id.clone(), policy.clone());
                    policy
                }
            };
            match self.issue_one(connection, bridge, request, &policy).await {
                Err(IssueError::Storage(error)) => return Err(error),
                outcome => outcomes.push(outcome),
            }
        }
        Ok(outcomes)
    }
}
