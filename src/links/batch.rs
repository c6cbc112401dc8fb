//! The requests of one write, decided one after the other as if each were recorded at once. New links are
//! kept and recorded together, but never later than something that depends on them.

use std::collections::HashMap;

use crate::limits::{Recorded, Reservation};
use crate::storage::{
    Connection, StorageError,
    links::{LinkRow, Repeated},
    media_references::NotedUsage,
    room_policies::RoomPolicy,
};
use medialink_link::{LinkClaims, LinkForm, matrix::MxcUri};

use super::{
    known::{Known, earlier, form_of},
    lifetime::bounded,
    record::{Draft, Terms},
    recorder::Recorder,
    renew::{Changes, Present},
    request::{IssueError, IssueRequest, IssuedLink, Outcome},
};

/// What a request has led to.
enum Decided {
    Refused(IssueError),
    /// A link of this batch, by its number, and whether the request has made it.
    New(usize, bool),
    /// A link from before, as it was then.
    Earlier(LinkRow),
    /// A link that was changed.
    Renewed(LinkRow),
}

/// The newest link that repeats get.
#[derive(Clone)]
enum Newest {
    New(usize),
    Row(Box<LinkRow>),
}

/// A batch that is being decided.
struct Batch<'a> {
    recorder: &'a Recorder,
    bridge: &'a str,
    now: i64,
    newest: HashMap<Repeated, Newest>,
    /// New links that are recorded, and after them those that are not yet.
    written: Vec<LinkRow>,
    drafts: Vec<Draft>,
    /// The usages of the new links, as they were noted last.
    usages: HashMap<i64, NotedUsage>,
    /// What the new links take of their budgets.
    reserved: Vec<Reservation>,
    decided: Vec<Decided>,
}

impl Recorder {
    /// Issues links, or finds those that the bridge has already, by what is known of their rooms and
    /// events.
    pub(super) async fn issue(
        &self,
        connection: &mut Connection,
        bridge: &str,
        requests: Vec<IssueRequest>,
    ) -> Result<Recorded<Vec<Outcome>>, StorageError> {
        let now = self.clock.now_ms();
        let known = Known::about(connection, &requests).await?;
        let form = self.config.links.form;
        let policies = requests.iter().enumerate();
        let policies = policies.map(|(index, request)| known.policy_for(index, request));
        let policies: Vec<Result<RoomPolicy, IssueError>> = policies.collect();
        let shared = requests
            .iter()
            .zip(&policies)
            .filter(|(request, policy)| policy.is_ok() && request.max_follows.is_none());
        let shared =
            shared.map(|(request, _)| Repeated::of(&request.claims, form_of(request, form)));
        let earlier = earlier(connection, bridge, shared, now).await?;
        let mut batch = Batch {
            recorder: self,
            bridge,
            now,
            newest: earlier
                .into_iter()
                .map(|(key, row)| (key, Newest::Row(Box::new(row))))
                .collect(),
            written: Vec::new(),
            drafts: Vec::new(),
            usages: HashMap::new(),
            reserved: Vec::new(),
            decided: Vec::with_capacity(requests.len()),
        };
        for (request, policy) in requests.into_iter().zip(policies) {
            let decided = match policy {
                Ok(policy) => batch.decide(connection, request, &policy).await,
                Err(refusal) => Err(refusal),
            };
            batch.decided.push(match decided {
                Ok(decided) => decided,
                Err(IssueError::Storage(error)) => return Err(error),
                Err(refusal) => Decided::Refused(refusal),
            });
        }
        batch.write(connection).await?;
        let reserved = std::mem::take(&mut batch.reserved);
        Ok(Recorded::new(batch.outcomes()?, reserved))
    }
}

impl Batch<'_> {
    async fn decide(
        &mut self,
        connection: &mut Connection,
        request: IssueRequest,
        policy: &RoomPolicy,
    ) -> Result<Decided, IssueError> {
        let form = form_of(&request, self.recorder.config.links.form);
        if request.max_follows.is_some() {
            return self.make(form, request, policy);
        }
        let key = Repeated::of(&request.claims, form);
        let Some(newest) = self.newest.get(&key).cloned() else {
            return self.make_shared(key, form, request, policy);
        };
        let present = self.present(&newest)?;
        let claims = merged(present.claims, &request.claims);
        match form {
            LinkForm::SelfContained if request.lifetime.is_some() || claims != *present.claims => {
                let merged = IssueRequest { claims, ..request };
                self.make_shared(key, form, merged, policy)
            }
            LinkForm::SelfContained => Ok(newest.into()),
            LinkForm::Short | LinkForm::Legacy => {
                let changes = Changes {
                    claims,
                    appearance: request.appearance,
                    shown_by: request.shown_by,
                    lifetime: request.lifetime.map(|lifetime| bounded(lifetime, policy)),
                };
                if changes.are_none(&present, self.now) {
                    return Ok(newest.into());
                }
                let row = self.renew(connection, newest, changes).await?;
                let newest = Newest::Row(Box::new(row.clone()));
                self.newest.insert(key, newest);
                Ok(Decided::Renewed(row))
            }
        }
    }

    /// Makes a link that repeats of the request get.
    fn make_shared(
        &mut self,
        key: Repeated,
        form: LinkForm,
        request: IssueRequest,
        policy: &RoomPolicy,
    ) -> Result<Decided, IssueError> {
        let made = self.make(form, request, policy)?;
        if let Decided::New(number, _) = made {
            self.newest.insert(key, Newest::New(number));
        }
        Ok(made)
    }

    fn make(
        &mut self,
        form: LinkForm,
        request: IssueRequest,
        policy: &RoomPolicy,
    ) -> Result<Decided, IssueError> {
        let terms = Terms {
            bridge: self.bridge,
            form,
            policy,
            now: self.now,
            paste: None,
        };
        self.drafts.push(self.recorder.draft(&terms, request)?);
        let number = self.written.len() + self.drafts.len() - 1;
        Ok(Decided::New(number, true))
    }

    /// A link as it is now.
    fn present<'l>(&'l self, newest: &'l Newest) -> Result<Present<'l>, StorageError> {
        match newest {
            Newest::Row(row) => Ok(Present::from(&**row)),
            Newest::New(number) => match number.checked_sub(self.written.len()) {
                None => self.written.get(*number).map(Present::from),
                Some(index) => self.drafts.get(index).map(|draft| (&draft.link).into()),
            }
            .ok_or(LOST),
        }
    }

    async fn renew(
        &mut self,
        connection: &mut Connection,
        newest: Newest,
        changes: Changes,
    ) -> Result<LinkRow, StorageError> {
        let row = match newest {
            Newest::Row(row) => {
                if changes.claims.content_token != row.claims.content_token {
                    // The usage that it leaves may have a new link in this batch.
                    self.write(connection).await?;
                }
                *row
            }
            Newest::New(number) => {
                self.write(connection).await?;
                self.written.get(number).cloned().ok_or(LOST)?
            }
        };
        self.recorder
            .renew(connection, row, changes, self.now)
            .await
    }

    /// Records the new links that are not recorded yet.
    async fn write(&mut self, connection: &mut Connection) -> Result<(), StorageError> {
        if self.drafts.is_empty() {
            return Ok(());
        }
        let drafts = std::mem::take(&mut self.drafts);
        let written = self
            .recorder
            .write(connection, self.bridge, drafts, self.now)
            .await?;
        let usages = written.usages.into_iter().map(|usage| (usage.id, usage));
        self.usages.extend(usages);
        self.written.extend(written.rows);
        self.reserved.extend(written.reserved);
        Ok(())
    }

    fn outcomes(self) -> Result<Vec<Outcome>, StorageError> {
        let issued = |link, is_new| Ok(Ok(IssuedLink { link, is_new }));
        let outcome = |decided| match decided {
            Decided::Refused(refusal) => Ok(Err(refusal)),
            Decided::New(number, is_new) => {
                issued(self.written.get(number).cloned().ok_or(LOST)?, is_new)
            }
            Decided::Earlier(mut row) => {
                if let Some(usage) = self.usages.get(&row.media_reference_id) {
                    let copy = usage.copy.as_deref().map(MxcUri::parse).transpose();
                    row.copy = copy.map_err(|_| StorageError::Corrupt("copy's mxc URI"))?;
                    row.usage_state = usage.state;
                    row.usage_event_id.clone_from(&usage.event_id);
                }
                issued(row, false)
            }
            Decided::Renewed(row) => issued(row, false),
        };
        self.decided.into_iter().map(outcome).collect()
    }
}

impl From<Newest> for Decided {
    fn from(newest: Newest) -> Self {
        match newest {
            Newest::New(number) => Self::New(number, false),
            Newest::Row(row) => Self::Earlier(*row),
        }
    }
}

const LOST: StorageError = StorageError::Corrupt("link, gone as soon as it was stored");

/// The stored claims, with those that a repeated request has replaced.
fn merged(stored: &LinkClaims, given: &LinkClaims) -> LinkClaims {
    LinkClaims {
        content_token: given
            .content_token
            .clone()
            .or_else(|| stored.content_token.clone()),
        file: given.file.clone().or_else(|| stored.file.clone()),
        filename: given.filename.clone().or_else(|| stored.filename.clone()),
        mimetype: given.mimetype.clone().or_else(|| stored.mimetype.clone()),
        ..stored.clone()
    }
}
