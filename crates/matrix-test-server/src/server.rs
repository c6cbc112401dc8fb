//! The state of the running server.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use serde_json::Value;
use tokio::sync::Notify;

use crate::backup::Backup;
use crate::errors::MatrixError;
use crate::media_store::MediaStore;
use crate::options::Options;
use crate::push_queue::PushQueue;
use crate::rate_limit::Buckets;
use crate::requester::Requester;
use crate::room::Room;
use crate::transaction::TransactionKey;

/// The running server; shared by all workers.
pub(super) struct Server {
    pub options: Options,
    pub media_dir: PathBuf,
    pub http: reqwest::Client,
    /// One for each appservice: there is something to push.
    pub pushed: Vec<Notify>,
    /// Some media was uploaded.
    pub uploaded: Notify,
    data: Mutex<Data>,
    requests: Mutex<BTreeMap<&'static str, u64>>,
}

/// The changing state; behind one lock, so that all changes of a request are seen together.
pub(super) struct Data {
    /// User ID to device IDs. Appservice senders need not be in it.
    pub users: HashMap<String, HashSet<String>>,
    /// Access token to user ID and device ID.
    pub tokens: HashMap<String, (String, String)>,
    pub rooms: HashMap<String, Room>,
    pub transactions: HashMap<TransactionKey, String>,
    pub media: MediaStore,
    pub queues: Vec<PushQueue>,
    pub backup: Option<Backup>,
    /// What users have reported.
    pub reports: Vec<Value>,
    /// How much each user may still send, if that is limited.
    pub buckets: Buckets,
}

impl Server {
    pub fn new(options: Options, media_dir: PathBuf, http: reqwest::Client) -> Self {
        let appservices = &options.appservices;
        let data = Data {
            users: HashMap::new(),
            tokens: HashMap::new(),
            rooms: HashMap::new(),
            transactions: HashMap::new(),
            media: MediaStore::new(options.server_name.clone(), options.unattached_for),
            queues: appservices
                .iter()
                .map(|one| PushQueue::new(one.url.clone()))
                .collect(),
            backup: None,
            reports: Vec::new(),
            buckets: Buckets::default(),
        };
        Self {
            media_dir,
            http,
            pushed: appservices.iter().map(|_| Notify::new()).collect(),
            uploaded: Notify::new(),
            data: Mutex::new(data),
            requests: Mutex::new(BTreeMap::new()),
            options,
        }
    }

    pub fn data(&self) -> MutexGuard<'_, Data> {
        self.data.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn count_request(&self, endpoint: &'static str) {
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        *requests.entry(endpoint).or_default() += 1;
    }

    pub fn requests(&self) -> BTreeMap<&'static str, u64> {
        self.requests
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Counts one event against the limit of the requester. The sender of an appservice is exempt
    /// unless the options say otherwise, as on Synapse; its other users are not.
    pub fn limit(&self, data: &mut Data, who: &Requester) -> Result<(), MatrixError> {
        let Some(limit) = self.options.rate_limits else {
            return Ok(());
        };
        let appservice = who
            .appservice
            .and_then(|at| self.options.appservices.get(at));
        let sender = appservice.is_some_and(|one| one.sender == who.user_id);
        if sender && !self.options.limits_appservices {
            return Ok(());
        }
        data.buckets.take(limit, &who.user_id, Instant::now())
    }
}
