//! Recorded links, looked up for bridges.

use crate::storage::{
    StorageError,
    links::{self, Criteria, LinkRow},
};

use super::service::Links;

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

    /// A link of a bridge, with its counters as they were written last.
    pub async fn find(&self, bridge: &str, link_id: &str) -> Result<Option<LinkRow>, StorageError> {
        let found = links::find(self.database.reader(), link_id).await?;
        Ok(found.filter(|row| row.bridge == bridge))
    }
}
