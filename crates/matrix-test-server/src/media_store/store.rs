//! All media, found by ID, by hash and by content token.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use serde_json::{Map, Value};

use crate::access::Access;
use crate::clock::{millis, now_ms};
use crate::counting::{Claim, claims, uri_hash};
use crate::errors::MatrixError;
use crate::random::random_id;

use super::medium::{Description, Inspection, Medium, Source};

/// All media of this server.
#[derive(Debug)]
pub(crate) struct MediaStore {
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

    /// Makes an entry without bytes; returns its media ID.
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
        let medium = Medium::new(mxc, uploader, content_token, access, copy_of);
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

    /// The access of each medium, by media ID.
    pub fn access(&self) -> HashMap<String, Access> {
        let media = self.media.iter();
        media
            .map(|(id, medium)| (id.clone(), medium.access.clone()))
            .collect()
    }

    /// Goes back to the counts in `references`, by media ID, and to the attachments in `access`.
    /// Media that is in neither was made later, and is deleted if it was attached to an event.
    pub fn restore(&mut self, references: &HashMap<&str, u64>, access: &HashMap<String, Access>) {
        let now = now_ms();
        for (id, medium) in &mut self.media {
            match access.get(id) {
                Some(access) => medium.access = access.clone(),
                None if medium.attached_to().is_some() => medium.source = Source::Deleted,
                None => {}
            }
            let counted = references.get(id.as_str()).copied().unwrap_or_default();
            if medium.references() != counted {
                medium.count(counted, now);
            }
        }
    }

    /// Deletes media, such as that whose event was redacted.
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
                medium.count(medium.references().saturating_add(1), now);
            }
        }
    }

    pub fn release_references(&mut self, ids: &[String], now: u64) {
        for id in ids {
            if let Some(medium) = self.media.get_mut(id) {
                medium.count(medium.references().saturating_sub(1), now);
            }
        }
    }

    /// Deletes restricted media that nobody has attached in time, and unrestricted media that is not
    /// in use: that nothing references and that is older than `grace`. A server without content tokens
    /// cannot count; it deletes media that nobody has asked for during `grace`, as Synapse does by
    /// `media_retention`. Returns the mxc URIs.
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
                countable && medium.references() == 0 && Some(medium.uploaded_at) <= before
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

    /// By the mxc URI of the source, how many copies are attached and not deleted. Media that was not
    /// attached in time is deleted first.
    fn count_copies(&mut self) -> HashMap<String, usize> {
        let now = now_ms();
        let mut copies = HashMap::new();
        for medium in self.media.values_mut() {
            medium.expire(now, self.unattached_for);
            let live = !matches!(medium.source, Source::Deleted);
            if let Some(source) = medium.copy_of()
                && live
                && medium.attached_to().is_some()
            {
                *copies.entry(source.to_owned()).or_default() += 1;
            }
        }
        copies
    }
}
