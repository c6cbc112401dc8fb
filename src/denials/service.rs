//! The list as a running service has it.

use std::{
    fmt,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio_util::sync::CancellationToken;

use super::list::{DenyList, Subject};
use crate::{
    config::{Denial, DenyKind},
    storage::{
        Database, StorageError,
        denials::{self, StoredDenial},
    },
};

/// How often to look whether a command has changed the list of the database.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// What the operator denies. Clones are the same list.
#[derive(Clone)]
pub struct Denials(Arc<Shared>);

struct Shared {
    current: RwLock<Current>,
    /// Looked at before all else: most lists are empty.
    is_any: AtomicBool,
}

#[derive(Default)]
struct Current {
    configured: Vec<Denial>,
    stored: Vec<Denial>,
    /// The version of the database's list; `None`: none has been read.
    version: Option<i64>,
    list: Arc<DenyList>,
}

/// Something is on the list of what the operator denies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Denied(pub DenyKind);

impl fmt::Display for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.0 {
            DenyKind::Server => "the server of the media or of its sender",
            DenyKind::Room => "the room",
            DenyKind::Sender => "the sender",
            DenyKind::Media => "the media",
            DenyKind::MediaType => "the type of the media",
            DenyKind::Client => "the client",
            DenyKind::Sha256 => "the content of the media",
        };
        write!(f, "{what} is denied by the operator of this service")
    }
}

impl std::error::Error for Denied {}

impl Denied {
    /// A denial that is acted on now, which is counted.
    pub fn counted(kind: DenyKind) -> Self {
        metrics::counter!("medialink_denied_total", "kind" => kind.as_str()).increment(1);
        Self(kind)
    }
}

impl Denials {
    /// The list of the configuration; that of the database comes by [`Self::refresh`].
    #[must_use]
    pub fn new(configured: &[Denial]) -> Self {
        let denials = Self(Arc::new(Shared {
            current: RwLock::default(),
            is_any: AtomicBool::new(false),
        }));
        denials.configure(configured);
        denials
    }

    /// Takes another list of the configuration over.
    pub fn configure(&self, configured: &[Denial]) {
        self.change(|current| configured.clone_into(&mut current.configured));
    }

    fn change(&self, change: impl FnOnce(&mut Current)) {
        let shared = &self.0;
        let mut current = shared
            .current
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        change(&mut current);
        let list = DenyList::of(current.configured.iter().chain(&current.stored));
        let is_any = !list.is_empty();
        current.list = Arc::new(list);
        shared.is_any.store(is_any, Ordering::Release);
    }

    /// The list, if anything is on it.
    #[must_use]
    pub fn list(&self) -> Option<Arc<DenyList>> {
        if !self.0.is_any.load(Ordering::Acquire) {
            return None;
        }
        let current = self
            .0
            .current
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        Some(Arc::clone(&current.list))
    }

    /// Whether a link may be.
    ///
    /// # Errors
    /// [`Denied`], if it may not.
    pub fn allow(&self, subject: Subject<'_>) -> Result<(), Denied> {
        match self.list().and_then(|list| list.denies(subject)) {
            None => Ok(()),
            Some(kind) => Err(Denied::counted(kind)),
        }
    }

    /// Whether media of a type may be served.
    ///
    /// # Errors
    /// [`Denied`], if it may not.
    pub fn allow_type(&self, kind: &str) -> Result<(), Denied> {
        match self.list().is_some_and(|list| list.denies_type(kind)) {
            false => Ok(()),
            true => Err(Denied::counted(DenyKind::MediaType)),
        }
    }

    /// Reads the list of the database, if it is another one than before.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn refresh(&self, database: &Database) -> Result<(), StorageError> {
        let version = denials::version(database.reader()).await?;
        let known = self.0.current.read().map(|current| current.version);
        if known.unwrap_or_default() == Some(version) {
            return Ok(());
        }
        let stored = denials::all(database.reader()).await?;
        let stored: Vec<Denial> = stored.into_iter().filter_map(read).collect();
        tracing::info!(
            entries = stored.len(),
            "the list of what is denied was read"
        );
        self.change(|current| {
            current.stored = stored;
            current.version = Some(version);
        });
        Ok(())
    }

    /// Follows the list of the database until `stop`.
    pub async fn follow(self, database: Database, stop: CancellationToken) {
        let mut is_failing = false;
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
            let refreshed = self.refresh(&database).await;
            if let Err(error) = &refreshed
                && !is_failing
            {
                tracing::warn!(%error, "the list of what is denied could not be read");
            }
            is_failing = refreshed.is_err();
        }
    }
}

/// An entry of the database. One that this version does not know, of a later one for instance, denies nothing here.
fn read(stored: StoredDenial) -> Option<Denial> {
    let read = stored.kind.parse::<DenyKind>();
    let read = read.and_then(|kind| Denial::parse(kind, &stored.value));
    if read.is_err() {
        tracing::error!(
            kind = stored.kind,
            "an entry of the list of what is denied is not understood"
        );
    }
    read.ok()
}
