//! The media of this server, how often each is referenced (MSC3910), and what it is attached to
//! (MSC3911). No I/O but the removal
//! of a file when its entry lets go of it.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde_json::{Map, Value};
use tempfile::TempPath;

use super::counting::{Claim, claims, uri_hash};
use super::errors::MatrixError;
use super::linked_media::Access;
use super::state::{now_ms, random_id};

const HISTORY_LENGTH: usize = 1000;

/// Where the bytes of a medium are.
#[derive(Debug)]
pub(super) enum Source {
    /// Created, not uploaded (Client-Server API, `POST /_matrix/media/v1/create`).
    Pending,
    /// Being uploaded.
    Uploading,
    /// In a file, which goes with the last medium that has it.
    File(Arc<TempPath>),
    /// Made while they are read, see [`super::generated_byte`].
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
pub(super) struct Medium {
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

/// What `/_demo/media` tells about a medium.
#[derive(Debug, Serialize)]
pub(super) struct Inspection {
    mxc: String,
    references: u64,
    downloads: u64,
    not_modified: u64,
    last_accessed_ts: u64,
    size: u64,
    deleted: bool,
    /// Whether it is for those only who may see its event (MSC3911).
    restricted: bool,
    attached_to: Option<String>,
    copy_of: Option<String>,
    /// How many copies of it are attached to an event and not deleted.
    copies: usize,
    max_references: u64,
    /// Null until it is first counted.
    min_references_since_counted: Option<u64>,
    /// `[time in milliseconds, references from then on]`, the latest thousand.
    history: VecDeque<(u64, u64)>,
}

/// What an upload brings along beside its bytes.
#[derive(Debug, Clone)]
pub(super) struct Description {
    pub content_type: String,
    pub file_name: Option<String>,
}

/// All media of this server.
#[derive(Debug)]
pub(super) struct MediaStore {
    server_name: String,
    media: HashMap<String, Medium>,
    by_hash: HashMap<String, String>,
    by_token: HashMap<String, String>,
    /// How long restricted media is kept unattached, in milliseconds.
    unattached_for: u64,
}

impl MediaStore {
    pub fn new(server_name: String, unattached_for: Duration) -> Self {
        Self {
            server_name,
            media: HashMap::new(),
            by_hash: HashMap::new(),
            by_token: HashMap::new(),
            unattached_for: millis(unattached_for),
        }
    }

    /// Makes an entry without bytes; gives its media ID.
    pub fn create(&mut self, uploader: &str, with_token: bool) -> (String, &Medium) {
        let content_token = with_token.then(|| random_id(32));
        self.insert(uploader, content_token, Access::Everybody, None)
    }

    /// Makes an entry without bytes that is for its uploader alone; `copy_of` is an mxc URI.
    pub fn create_restricted(
        &mut self,
        uploader: &str,
        copy_of: Option<String>,
    ) -> (String, &Medium) {
        self.insert(uploader, None, Access::Uploader, copy_of)
    }

    fn insert(
        &mut self,
        uploader: &str,
        content_token: Option<String>,
        access: Access,
        copy_of: Option<String>,
    ) -> (String, &Medium) {
        let id = random_id(18);
        let mxc = format!("mxc://{}/{id}", self.server_name);
        self.by_hash.insert(uri_hash(&mxc), id.clone());
        if let Some(token) = &content_token {
            self.by_token.insert(token.clone(), id.clone());
        }
        let now = now_ms();
        let medium = Medium {
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
        };
        let medium = self.media.entry(id.clone()).insert_entry(medium).into_mut();
        (id, medium)
    }

    /// Gives an entry its bytes.
    pub fn fill(&mut self, id: &str, description: Description, size: u64, source: Source) {
        if let Some(medium) = self.media.get_mut(id) {
            medium.content_type = description.content_type;
            medium.file_name = description.file_name;
            medium.size = size;
            medium.source = source;
            medium.uploaded_at = now_ms();
            medium.last_accessed_at = medium.uploaded_at;
        }
    }

    /// The medium, also before its upload; 404 where it never was or is no more.
    pub fn find(&mut self, id: &str) -> Result<&mut Medium, MatrixError> {
        if let Some(medium) = self.media.get_mut(id) {
            medium.expire(now_ms(), self.unattached_for);
        }
        self.media
            .get_mut(id)
            .filter(|medium| !matches!(medium.source, Source::Deleted))
            .ok_or_else(|| MatrixError::not_found("Not found"))
    }

    /// The entry, also of media that is no more.
    pub fn get(&self, id: &str) -> Option<&Medium> {
        self.media.get(id)
    }

    /// The media ID in an mxc URI of this server.
    pub fn id_of<'a>(&self, uri: &'a str) -> Option<&'a str> {
        let (server, id) = uri.strip_prefix("mxc://")?.split_once('/')?;
        (server == self.server_name).then_some(id)
    }

    /// Ties media to an event, on which its life depends from now on.
    pub fn attach(&mut self, ids: &[String], room_id: &str, event_id: &str) {
        for id in ids {
            if let Some(medium) = self.media.get_mut(id) {
                medium.access = Access::Event {
                    room_id: room_id.to_owned(),
                    event_id: event_id.to_owned(),
                };
            }
        }
    }

    /// By media ID, what each is attached to.
    pub fn access(&self) -> HashMap<String, Access> {
        let media = self.media.iter();
        media
            .map(|(id, medium)| (id.clone(), medium.access.clone()))
            .collect()
    }

    /// Goes back to the counts in `references`, by media ID, and to the attachments in `access`.
    /// What is not in there was made later, and goes if an event had it.
    pub fn restore(&mut self, references: &HashMap<&str, u64>, access: &HashMap<String, Access>) {
        let now = now_ms();
        for (id, medium) in &mut self.media {
            match access.get(id) {
                Some(access) => medium.access = access.clone(),
                None if medium.attached_to().is_some() => medium.source = Source::Deleted,
                None => {}
            }
            let counted = references.get(id.as_str()).copied().unwrap_or_default();
            if medium.references != counted {
                medium.count(counted, now);
            }
        }
    }

    /// Deletes media whose event was redacted.
    pub fn delete(&mut self, ids: &[String]) {
        for id in ids {
            if let Some(medium) = self.media.get_mut(id) {
                medium.source = Source::Deleted;
            }
        }
    }

    /// The media that `content` references with the right token, each once.
    pub fn resolve(&self, content: &Map<String, Value>) -> Vec<String> {
        let found = claims(content).into_iter().filter_map(|claim| {
            let (id, token) = match claim {
                Claim::Uri { mxc, token } => (self.by_hash.get(&uri_hash(mxc))?, token),
                Claim::Hash { hash, token } => (self.by_hash.get(hash)?, token),
                Claim::Token { token } => (self.by_token.get(token)?, token),
            };
            let medium = self.media.get(id)?;
            let counts = medium.content_token.as_deref() == Some(token)
                && !matches!(medium.source, Source::Deleted);
            counts.then(|| id.clone())
        });
        found.collect::<BTreeSet<_>>().into_iter().collect()
    }

    pub fn add_references(&mut self, ids: &[String], now: u64) {
        for id in ids {
            if let Some(medium) = self.media.get_mut(id) {
                medium.count(medium.references.saturating_add(1), now);
            }
        }
    }

    pub fn release_references(&mut self, ids: &[String], now: u64) {
        for id in ids {
            if let Some(medium) = self.media.get_mut(id) {
                medium.count(medium.references.saturating_sub(1), now);
            }
        }
    }

    /// Deletes restricted media that nobody has attached in time, and unrestricted media that is not
    /// in use: what nothing references and is older than `grace`. A server without content tokens
    /// cannot count; there it is what nobody has asked for during `grace`, which is how Synapse's
    /// `media_retention` goes about it. Gives the mxc URIs.
    pub fn clean_up(&mut self, counting: bool, grace: Duration) -> Vec<String> {
        let now = now_ms();
        let before = now.checked_sub(millis(grace));
        let mut deleted = Vec::new();
        for medium in self.media.values_mut() {
            let stored = matches!(medium.source, Source::File(_) | Source::Generated);
            medium.expire(now, self.unattached_for);
            let unused = if medium.access != Access::Everybody {
                matches!(medium.source, Source::Deleted)
            } else if counting {
                let countable = medium.content_token.is_some();
                countable && medium.references == 0 && Some(medium.uploaded_at) <= before
            } else {
                Some(medium.last_accessed_at) <= before
            };
            if stored && unused {
                medium.source = Source::Deleted;
                deleted.push(medium.mxc.clone());
            }
        }
        deleted.sort();
        deleted
    }

    pub fn inspect_all(&mut self) -> Vec<Inspection> {
        let copies = self.count_copies();
        let inspect = |medium: &Medium| medium.inspect(copies.get(&medium.mxc).copied());
        let mut all: Vec<_> = self.media.values().map(inspect).collect();
        all.sort_by(|a, b| a.mxc.cmp(&b.mxc));
        all
    }

    pub fn inspect(&mut self, server: &str, id: &str) -> Result<Inspection, MatrixError> {
        let copies = self.count_copies();
        let found = self.media.get(id).filter(|_| server == self.server_name);
        found
            .map(|medium| medium.inspect(copies.get(&medium.mxc).copied()))
            .ok_or_else(|| MatrixError::not_found("Not found"))
    }

    /// By the mxc URI of the source, how many copies are attached and not deleted. What was not
    /// attached in time is deleted first.
    fn count_copies(&mut self) -> HashMap<String, usize> {
        let now = now_ms();
        let mut copies = HashMap::new();
        for medium in self.media.values_mut() {
            medium.expire(now, self.unattached_for);
            let live = !matches!(medium.source, Source::Deleted);
            if let Some(source) = &medium.copy_of
                && live
                && medium.attached_to().is_some()
            {
                *copies.entry(source.clone()).or_default() += 1;
            }
        }
        copies
    }
}

impl Medium {
    /// The event on which this depends.
    pub fn attached_to(&self) -> Option<&str> {
        match &self.access {
            Access::Event { event_id, .. } => Some(event_id),
            Access::Everybody | Access::Uploader => None,
        }
    }

    fn expire(&mut self, now: u64, unattached_for: u64) {
        let until = self.uploaded_at.saturating_add(unattached_for);
        if self.access == Access::Uploader && until <= now {
            self.source = Source::Deleted;
        }
    }

    fn count(&mut self, references: u64, now: u64) {
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

    fn inspect(&self, copies: Option<usize>) -> Inspection {
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

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn store_with_one() -> (MediaStore, String, String, String) {
        let mut store = MediaStore::new("s".to_owned(), Duration::MAX);
        let (id, medium) = store.create("@a:s", true);
        let (mxc, token) = (medium.mxc.clone(), medium.content_token.clone().unwrap());
        let description = Description {
            content_type: "text/plain".to_owned(),
            file_name: None,
        };
        store.fill(&id, description, 3, Source::Generated);
        (store, id, mxc, token)
    }

    fn object(value: Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn only_the_right_token_counts_and_each_medium_once() {
        let (store, id, mxc, token) = store_with_one();
        let hash = uri_hash(&mxc);
        let right = object(json!({"content_token": {hash.clone(): token}}));
        assert_eq!(store.resolve(&right), std::slice::from_ref(&id));
        let twice = object(json!({
            "url": mxc, "content_token": token,
            "avatar_url": mxc, "avatar_content_token": token,
        }));
        assert_eq!(store.resolve(&twice), [id]);
        let wrong = object(json!({"content_token": {hash: "x"}}));
        assert!(store.resolve(&wrong).is_empty());
    }

    #[test]
    fn the_lowest_count_is_kept_from_the_first_reference_on() {
        let (mut store, id, mxc, _) = store_with_one();
        let ids = [id.clone()];
        let lowest = |store: &mut MediaStore| store.inspect("s", &id).unwrap();
        assert_eq!(lowest(&mut store).min_references_since_counted, None);
        store.add_references(&ids, 1);
        store.add_references(&ids, 2);
        store.release_references(&ids, 3);
        assert_eq!(lowest(&mut store).min_references_since_counted, Some(1));
        store.release_references(&ids, 4);
        let seen = lowest(&mut store);
        assert_eq!(
            (seen.min_references_since_counted, seen.max_references),
            (Some(0), 2)
        );
        assert_eq!(seen.history, [(1, 1), (2, 2), (3, 1), (4, 0)]);
        assert_eq!(seen.mxc, mxc);
    }

    #[test]
    fn clean_up_spares_what_is_counted_and_what_is_young() {
        let (mut store, id, mxc, _) = store_with_one();
        assert!(store.clean_up(true, Duration::from_secs(60)).is_empty());
        assert!(store.clean_up(true, Duration::MAX).is_empty());
        store.add_references(std::slice::from_ref(&id), 1);
        assert!(store.clean_up(true, Duration::ZERO).is_empty());
        store.release_references(std::slice::from_ref(&id), 2);
        assert_eq!(store.clean_up(true, Duration::ZERO), [mxc]);
        assert!(store.find(&id).is_err());
        assert!(store.clean_up(true, Duration::ZERO).is_empty());
    }

    #[test]
    fn the_history_is_bounded() {
        let (mut store, id, _, _) = store_with_one();
        for now in 0..2 * HISTORY_LENGTH as u64 {
            store.add_references(std::slice::from_ref(&id), now);
        }
        assert_eq!(
            store.inspect("s", &id).unwrap().history.len(),
            HISTORY_LENGTH
        );
    }
}
