//! What is known about the requests of a batch before any of them is acted on, read by sets.

use std::collections::{BTreeSet, HashMap};

use crate::storage::{
    Connection, StorageError,
    history::{self, Shown},
    links::{self, LinkRow, Repeated},
    open_questions,
    room_policies::{self, KnownPolicy, RoomPolicy},
};
use medialink_link::LinkForm;

use super::{
    policy::permitted,
    request::{IssueError, IssueRequest},
};

/// What is known about the requests of a batch.
pub(super) struct Known {
    policies: HashMap<String, KnownPolicy>,
    /// Of each request: whether its event was redacted, has lost the media by an edit, or the edit
    /// that brought it was redacted.
    gone: Vec<bool>,
    /// Of each request: whether the homeserver has not told yet whether any of that is so.
    doubted: Vec<bool>,
}

impl Known {
    pub(super) async fn about(
        connection: &mut Connection,
        requests: &[IssueRequest],
    ) -> Result<Self, StorageError> {
        let rooms = requests
            .iter()
            .map(|request| request.claims.room_id.as_str());
        let rooms = BTreeSet::from_iter(rooms);
        let policies = room_policies::find_all(&mut *connection, &rooms).await?;
        let (owners, events): (Vec<usize>, Vec<Shown<'_>>) = requests
            .iter()
            .enumerate()
            .flat_map(|(index, request)| events_of(request).map(move |event| (index, event)))
            .unzip();
        let mut known = Self {
            policies,
            gone: vec![false; requests.len()],
            doubted: vec![false; requests.len()],
        };
        let gone = history::are_gone(connection, &events).await?;
        let doubted = open_questions::are_doubted(connection, &events).await?;
        for (owner, (is_gone, is_doubted)) in owners.into_iter().zip(gone.into_iter().zip(doubted))
        {
            known.gone[owner] |= is_gone;
            known.doubted[owner] |= is_doubted;
        }
        Ok(known)
    }

    /// The policy for a request of the batch, if it may be granted.
    pub(super) fn policy_for(
        &self,
        index: usize,
        request: &IssueRequest,
    ) -> Result<RoomPolicy, IssueError> {
        if self.gone.get(index) != Some(&false) {
            return Err(IssueError::Redacted);
        }
        if self.doubted.get(index) != Some(&false) {
            return Err(IssueError::Doubted);
        }
        let known = self.policies.get(request.claims.room_id.as_str());
        let policy = known.map_or_else(RoomPolicy::default, |known| known.policy.clone());
        permitted(&policy, request.size)?;
        Ok(policy)
    }
}

/// The events that a request is about: its own, which has to show the media, and the edit that has
/// brought the media.
fn events_of(request: &IssueRequest) -> impl Iterator<Item = Shown<'_>> {
    let claims = &request.claims;
    let room_id = claims.room_id.as_str();
    let event = claims.event_id.as_ref();
    let event = event.map(|event_id| (room_id, event_id.as_str(), Some(&claims.mxc)));
    let edit = request.shown_by.as_ref();
    let edit = edit.map(|event_id| (room_id, event_id.as_str(), None));
    event.into_iter().chain(edit)
}

/// The newest live links that requests may ask for again.
pub(super) async fn earlier(
    connection: &mut Connection,
    bridge: &str,
    asked: impl Iterator<Item = Repeated>,
    now: i64,
) -> Result<HashMap<Repeated, LinkRow>, StorageError> {
    let rows = links::find_repeated(connection, bridge, asked.collect(), now).await?;
    let by_key = rows
        .into_iter()
        .filter(|row| row.decided.is_none())
        .map(|row| (Repeated::of(&row.claims, row.form), row));
    Ok(by_key.collect())
}

/// The form that a request asks for. A link with a limited number of follows is a short one.
pub(super) fn form_of(request: &IssueRequest, default: LinkForm) -> LinkForm {
    match request.max_follows {
        Some(_) => LinkForm::Short,
        None => request.form.unwrap_or(default),
    }
}
