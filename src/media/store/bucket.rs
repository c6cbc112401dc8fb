//! The bucket: what is asked of it, within a time, and whether it answers.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use object_store::{
    ClientOptions, Error, GetOptions, GetRange, MultipartUpload, ObjectMeta, ObjectStore,
    ObjectStoreExt, PutMode, PutOptions, PutPayload, RetryConfig,
    aws::{AmazonS3, AmazonS3Builder},
    client::SpawnedReqwestConnector,
    path::Path,
};
use tokio::runtime::Handle;

use crate::{config::S3Config, media::object_key::ObjectKey, telemetry::ForeignText};

use super::health::{Health, Way};

/// How long connecting may take.
const CONNECT_WITHIN: Duration = Duration::from_secs(2);
/// How long a request may take: it moves a few megabytes at most.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);
/// How long a reader waits for bytes: after that, the homeserver is asked.
const READ_WITHIN: Duration = Duration::from_secs(4);
/// How long a request is tried again.
const RETRY_WITHIN: Duration = Duration::from_secs(2);
/// How many objects are deleted by one request.
const DELETED_AT_ONCE: usize = 1000;

/// A bucket of an object store. Clones share its connections.
#[derive(Clone)]
pub struct Bucket {
    client: Arc<AmazonS3>,
    prefix: Arc<str>,
    health: Health,
}

/// It has failed, which has been noted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Failed;

impl Bucket {
    /// Opens a bucket; nothing is asked yet. Its connections belong to the runtime of the caller.
    ///
    /// # Errors
    /// If its settings make no sense.
    pub fn open(config: &S3Config) -> Result<Self, ForeignText> {
        let options = ClientOptions::new()
            .with_connect_timeout(CONNECT_WITHIN)
            .with_timeout(ANSWER_WITHIN)
            .with_http1_only();
        let builder = AmazonS3Builder::new()
            .with_endpoint(endpoint(config))
            .with_region(&config.region)
            .with_bucket_name(&config.bucket)
            .with_access_key_id(config.access_key_id.expose())
            .with_secret_access_key(config.secret_access_key.expose())
            .with_virtual_hosted_style_request(!config.path_style)
            .with_client_options(options)
            .with_allow_http(config.endpoint.scheme() == "http")
            .with_http_connector(SpawnedReqwestConnector::new(Handle::current()))
            .with_retry(RetryConfig {
                max_retries: 1,
                retry_timeout: RETRY_WITHIN,
                ..RetryConfig::default()
            });
        let client = builder.build().map_err(|error| masked(&error))?;
        Ok(Self {
            client: Arc::new(client),
            prefix: config.prefix.as_str().into(),
            health: Health::default(),
        })
    }

    fn path(&self, key: &ObjectKey) -> Path {
        let name = key.to_hex();
        Path::from(format!("{}{}/{name}", self.prefix, &name[..2]))
    }

    /// Whether an object has a name of ours: others may be in the bucket as well.
    fn is_ours(&self, path: &Path) -> bool {
        let name = path.as_ref().strip_prefix(&*self.prefix);
        name.and_then(|name| name.split_once('/'))
            .is_some_and(|(shelf, name)| {
                name.starts_with(shelf) && ObjectKey::from_hex(name).is_some()
            })
    }

    /// The folder of all objects; `None`: they are at the root.
    fn folder(&self) -> Option<Path> {
        let folder = self.prefix.trim_end_matches('/');
        (!folder.is_empty()).then(|| Path::from(folder))
    }

    /// Whether it may be asked now: it has not failed lately.
    pub(super) fn is_usable(&self, way: Way) -> bool {
        self.health.is_usable(way)
    }

    /// Whether objects may be deleted now.
    pub(in crate::media) fn is_deletable(&self) -> bool {
        self.is_usable(Way::Delete)
    }

    pub(super) fn note_damage(&self) {
        let why = "an object is not what was stored under its name";
        self.health.note_failure(Way::Read, ForeignText::new(why));
    }

    /// Why it fails, if it does; one that has not failed is asked.
    pub async fn failure(&self) -> Option<String> {
        if self.is_usable(Way::Read) {
            // No digest is zero.
            let nothing = ObjectKey::from_bytes([0; ObjectKey::LENGTH]);
            drop(self.read(&nothing, 0..1).await);
        }
        self.health.failure()
    }

    /// Bytes of an object, as many as it has, and its length; `None`: there is no such object.
    pub(super) async fn read(
        &self,
        key: &ObjectKey,
        range: std::ops::Range<u64>,
    ) -> Result<Option<(Bytes, u64)>, Failed> {
        let options = GetOptions {
            range: Some(GetRange::Bounded(range)),
            ..GetOptions::default()
        };
        let path = self.path(key);
        let read = async {
            let found = self.client.get_opts(&path, options).await?;
            let length = found.meta.size;
            Ok((found.bytes().await?, length))
        };
        match self.noted(Way::Read, read).await {
            Ok(read) => Ok(Some(read)),
            Err(Some(Error::NotFound { .. })) => Ok(None),
            Err(_) => Err(Failed),
        }
    }

    /// Whether there is such an object.
    pub(super) async fn has(&self, key: &ObjectKey) -> Result<bool, Failed> {
        let path = self.path(key);
        match self.noted(Way::Read, self.client.head(&path)).await {
            Ok(_) => Ok(true),
            Err(Some(Error::NotFound { .. })) => Ok(false),
            Err(_) => Err(Failed),
        }
    }

    /// Stores a small object, unless there is one of this name.
    pub(super) async fn put(&self, key: &ObjectKey, bytes: Bytes) -> Result<(), Failed> {
        let path = self.path(key);
        let (payload, mode) = (PutPayload::from(bytes), PutOptions::from(PutMode::Create));
        let put = self.client.put_opts(&path, payload, mode);
        match self.noted(Way::Write, put).await {
            Ok(_) | Err(Some(Error::AlreadyExists { .. })) => Ok(()),
            Err(_) => Err(Failed),
        }
    }

    /// Begins to store an object in parts. It is there once all of them are.
    pub(super) async fn begin(&self, key: &ObjectKey) -> Result<Upload, Failed> {
        let path = self.path(key);
        let begun = self.noted(Way::Write, self.client.put_multipart(&path));
        Ok(Upload {
            parts: begun.await.map_err(|_| Failed)?,
            bucket: self.clone(),
        })
    }

    /// Deletes objects; those that are not there are no failure.
    pub(in crate::media) async fn delete(&self, keys: &[ObjectKey]) -> bool {
        let paths: Vec<Path> = keys.iter().map(|key| self.path(key)).collect();
        self.delete_paths(paths).await.is_ok()
    }

    async fn delete_paths(&self, paths: Vec<Path>) -> Result<(), Failed> {
        let paths = stream::iter(paths).map(Ok).boxed();
        let deleted = self.client.delete_stream(paths);
        let gone = deleted.filter_map(|deleted| async move {
            match deleted {
                Err(Error::NotFound { .. }) => None,
                deleted => Some(deleted.map(drop)),
            }
        });
        let deleted = self.noted(Way::Delete, gone.try_collect::<()>());
        deleted.await.map_err(|_| Failed)
    }

    /// Deletes all objects of ours that were stored before this time, in milliseconds since the epoch; `false`: that has
    /// failed.
    pub(in crate::media) async fn delete_older(&self, before: i64) -> bool {
        let folder = self.folder();
        let is_old = |meta: &ObjectMeta| {
            meta.last_modified.timestamp_millis() < before && self.is_ours(&meta.location)
        };
        let mut listed = self
            .client
            .list(folder.as_ref())
            .try_filter(|meta| std::future::ready(is_old(meta)))
            .map_ok(|meta| meta.location)
            .try_chunks(DELETED_AT_ONCE);
        loop {
            let next = async { listed.try_next().await.map_err(|failed| failed.1) };
            let paths = match self.noted(Way::Delete, next).await {
                Ok(None) => return true,
                Ok(Some(paths)) => paths,
                Err(_) => return false,
            };
            if self.delete_paths(paths).await.is_err() {
                return false;
            }
        }
    }

    /// The answer to a question, within a time; what it says of the bucket is noted. An error of one object is
    /// handed on.
    async fn noted<T>(
        &self,
        way: Way,
        answer: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Option<Error>> {
        let within = match way {
            Way::Read => READ_WITHIN,
            Way::Write | Way::Delete => 2 * ANSWER_WITHIN,
        };
        let Ok(answer) = tokio::time::timeout(within, answer).await else {
            let slow = format!("no answer within {} seconds", within.as_secs());
            self.health.note_failure(way, ForeignText::new(&slow));
            return Err(None);
        };
        match &answer {
            Ok(_) | Err(Error::NotFound { .. } | Error::AlreadyExists { .. }) => {
                self.health.note_success(way);
            }
            Err(error) => self.health.note_failure(way, masked(error)),
        }
        answer.map_err(Some)
    }
}

/// An object that is stored in parts.
pub(super) struct Upload {
    parts: Box<dyn MultipartUpload>,
    bucket: Bucket,
}

impl Upload {
    pub(super) async fn put(&mut self, part: Bytes) -> Result<(), Failed> {
        let put = self.parts.put_part(part.into());
        let put = self.bucket.noted(Way::Write, put).await;
        put.map_err(|_| Failed)
    }

    pub(super) async fn complete(&mut self) -> Result<(), Failed> {
        let completed = self.bucket.noted(Way::Write, self.parts.complete()).await;
        completed.map(drop).map_err(|_| Failed)
    }

    /// Has the store forget the parts; if that fails, its own rules have to.
    pub(super) async fn abort(mut self) {
        drop(self.bucket.noted(Way::Delete, self.parts.abort()).await);
    }
}

/// Where requests go: with the name of the bucket in the host name, unless it is in the path.
fn endpoint(config: &S3Config) -> String {
    let endpoint = config.endpoint.as_str().trim_end_matches('/');
    match endpoint.split_once("://") {
        Some((scheme, rest)) if !config.path_style => {
            format!("{scheme}://{}.{rest}", config.bucket)
        }
        _ => endpoint.to_owned(),
    }
}

/// Why it has failed. What is known to be secret is masked; an error of the library holds the URL of a request, and
/// what the store has answered.
fn masked(error: &Error) -> ForeignText {
    let mut text = String::new();
    let mut cause: Option<&dyn std::error::Error> = Some(error);
    // The last cause says most, and comes first.
    while let Some(error) = cause {
        text = error.to_string();
        cause = error.source();
    }
    ForeignText::new(&text)
}
