//! One medium and its history.

use std::collections::VecDeque;
use std::sync::Arc;

use serde::Serialize;
use tempfile::TempPath;

use crate::access::Access;
use crate::clock::now_ms;

pub(super) const HISTORY_LENGTH: usize = 1000;

/// Where the bytes of a medium are.
#[derive(Debug)]
pub(crate) enum Source {
    /// Created, not uploaded (Client-Server API, `POST /_matrix/media/v1/create`).
    Pending,
    /// Being uploaded.
    Uploading,
    /// In a file, which goes with the last medium that has it.
    File(Arc<TempPath>),
    /// Made while they are read, see [`crate::generated_byte`].
    Generated,
    /// Cleaned up.
    Deleted,
}

impl Source {
    /// The same bytes for another medium; None where there are none.
    pub fn share(&self) -> Option<Self> {
        match self {
            Self::File(path) => Some(Self::File(Arc::clone(path))),
            Self::Generated => Some(Self::Generated),
            Self::Pending | Self::Uploading | Self::Deleted => None,
        }
    }
}

/// One medium.
#[derive(Debug)]
pub(crate) struct Medium {
    pub mxc: String,
    pub uploader: String,
    pub content_token: Option<String>,
    pub access: Access,
    /// The mxc URI that this was copied from.
    copy_of: Option<String>,
    pub content_type: String,
    pub file_name: Option<String>,
    pub size: u64,
    pub source: Source,
    pub uploaded_at: u64,
    pub last_accessed_at: u64,
    pub downloads: u64,
    pub not_modified: u64,
    references: u64,
    max_references: u64,
    min_references_since_counted: Option<u64>,
    history: VecDeque<(u64, u64)>,
}

/// The report about a medium at `/_demo/media`.
#[derive(Debug, Serialize)]
pub(crate) struct Inspection {
    pub(super) mxc: String,
    pub(super) references: u64,
    pub(super) downloads: u64,
    pub(super) not_modified: u64,
    pub(super) last_accessed_ts: u64,
    pub(super) size: u64,
    pub(super) deleted: bool,
    /// Whether it is for those only who may see its event (MSC3911).
    pub(super) restricted: bool,
    pub(super) attached_to: Option<String>,
    pub(super) copy_of: Option<String>,
    /// How many copies of it are attached to an event and not deleted.
    pub(super) copies: usize,
    pub(super) max_references: u64,
    /// Null until it is first counted.
    pub(super) min_references_since_counted: Option<u64>,
    /// `[time in milliseconds, references from then on]`, the latest thousand.
    pub(super) history: VecDeque<(u64, u64)>,
}

/// The facts that an upload has beside its bytes.
#[derive(Debug, Clone)]
pub(crate) struct Description {
    pub content_type: String,
    pub file_name: Option<String>,
}

impl Medium {
    /// An entry without bytes.
    pub(super) fn new(
        mxc: String,
        uploader: &str,
        content_token: Option<String>,
        access: Access,
        copy_of: Option<String>,
    ) -> Self {
        let now = now_ms();
        Self {
            mxc,
            uploader: uploader.to_owned(),
            content_token,
            access,
            copy_of,
            content_type: String::new(),
            file_name: None,
            size: 0,
            source: Source::Pending,
            uploaded_at: now,
            last_accessed_at: now,
            downloads: 0,
            not_modified: 0,
            references: 0,
            max_references: 0,
            min_references_since_counted: None,
            history: VecDeque::new(),
        }
    }

    pub(super) fn references(&self) -> u64 {
        self.references
    }

    pub(super) fn copy_of(&self) -> Option<&str> {
        self.copy_of.as_deref()
    }

    /// The event on which this depends.
    pub fn attached_to(&self) -> Option<&str> {
        match &self.access {
            Access::Event { event_id, .. } => Some(event_id),
            Access::Everybody | Access::Uploader => None,
        }
    }

    pub(super) fn expire(&mut self, now: u64, unattached_for: u64) {
        let until = self.uploaded_at.saturating_add(unattached_for);
        if self.access == Access::Uploader && until <= now {
            self.source = Source::Deleted;
        }
    }

    pub(super) fn count(&mut self, references: u64, now: u64) {
        self.references = references;
        self.max_references = self.max_references.max(references);
        self.min_references_since_counted = match self.min_references_since_counted {
            Some(min) => Some(min.min(references)),
            None => (references > 0).then_some(references),
        };
        if self.history.len() >= HISTORY_LENGTH {
            self.history.pop_front();
        }
        self.history.push_back((now, references));
    }

    pub(super) fn inspect(&self, copies: Option<usize>) -> Inspection {
        Inspection {
            mxc: self.mxc.clone(),
            references: self.references,
            downloads: self.downloads,
            not_modified: self.not_modified,
            last_accessed_ts: self.last_accessed_at,
            size: self.size,
            deleted: matches!(self.source, Source::Deleted),
            restricted: self.access != Access::Everybody,
            attached_to: self.attached_to().map(str::to_owned),
            copy_of: self.copy_of.clone(),
            copies: copies.unwrap_or_default(),
            max_references: self.max_references,
            min_references_since_counted: self.min_references_since_counted,
            history: self.history.clone(),
        }
    }
}
