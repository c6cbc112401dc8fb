//! Recorded links, looked up for bridges.

use std::{collections::HashSet, sync::Arc};

use crate::storage::{
    StorageError,
    links::{self, Criteria, LinkRow},
};

use super::{found::FoundLink, grant::Grant, service::Links};

/// How many links of an event are looked at for its thumbnail: an event with more shares many things.
const MAX_BESIDE: i64 = 8;

/// How many links of an event are looked at for what it shares: with pictures and files, each may have a thumbnail.
const MAX_TOGETHER: i64 = 64;
/// How much other media of an event a page shows.
const MAX_SHOWN: usize = 12;

impl Links {
    /// One page of a bridge's links, newest first; `before`: the row that the page before ended
    /// with.
    pub async fn list(
        &self,
        bridge: &str,
        criteria: &Criteria,
        before: Option<i64>,
        limit: i64,
    ) -> Result<Vec<LinkRow>, StorageError> {
        let (reader, now) = (self.database.reader(), self.now());
        links::list(reader, Some(bridge), criteria, before, limit, now).await
    }

    /// The link to the thumbnail that the event of a link has for its media, if that is sure: the
    /// event shares nothing else, and describes one picture without a name beside it.
    pub async fn thumbnail_beside(&self, link: &LinkRow) -> Result<Option<LinkRow>, StorageError> {
        if link.claims.filename.is_none() {
            return Ok(None);
        }
        let (reader, now) = (self.database.reader(), self.now());
        let mut beside = links::beside(reader, link, now, MAX_BESIDE).await?;
        beside.retain(|row| row.decided.is_none());
        let mut thumbnails = beside.iter().filter(|row| is_thumbnail(row));
        let first = thumbnails.next();
        let is_same = |row: &LinkRow| first.is_some_and(|first| first.claims.mxc == row.claims.mxc);
        let shares_more = beside.iter().any(|row| row.claims.filename.is_some());
        let is_sure = !shares_more && thumbnails.all(is_same);
        Ok(first.filter(|_| is_sure).cloned())
    }

    /// The links to other media that the event of a link shares by name, as far as they may be followed as often as
    /// one likes and their media is shown unasked, in the order in which they were issued.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn together(&self, link: &LinkRow) -> Result<Vec<Grant>, StorageError> {
        let (reader, now) = (self.database.reader(), self.now());
        let beside = links::beside(reader, link, now, MAX_TOGETHER).await?;
        let mut seen = HashSet::new();
        let mut together: Vec<Grant> = (beside.into_iter())
            .filter(|row| row.claims.filename.is_some() && row.appearance.warning.is_none())
            .filter(|row| seen.insert(row.claims.mxc.clone()))
            .filter_map(|row| self.recorder.grant(Arc::new(row), now).ok())
            .collect();
        together.reverse();
        together.truncate(MAX_SHOWN);
        Ok(together)
    }

    /// A link of a bridge, with its counters as they were written last.
    pub async fn find(
        &self,
        bridge: &str,
        link_id: &str,
    ) -> Result<Option<FoundLink>, StorageError> {
        match links::find(self.database.reader(), link_id).await? {
            Some(row) => Ok((row.bridge == bridge).then(|| FoundLink::Recorded(Box::new(row)))),
            None => {
                let tombstone = self.tombstone(&[bridge], link_id).await?;
                Ok(tombstone.map(FoundLink::Buried))
            }
        }
    }
}

/// Whether a link leads to a picture without a name, whose sides its event tells.
fn is_thumbnail(row: &LinkRow) -> bool {
    let (claims, appearance) = (&row.claims, &row.appearance);
    let is_picture = |mimetype: &str| mimetype.starts_with("image/");
    claims.filename.is_none()
        && claims.mimetype.as_deref().is_some_and(is_picture)
        && appearance.width.is_some()
        && appearance.height.is_some()
        && appearance.warning.is_none()
}
