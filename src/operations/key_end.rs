//! Keys that go: revoked with all that they have signed, or retired once nothing needs them.

use futures_util::FutureExt;
use time::{Duration, OffsetDateTime, format_description::well_known::Rfc3339};

use crate::{
    clock::Clock,
    config::{Config, Lifetime},
    key_store::{self, KeyStoreError},
    links::Revoker,
    storage::{
        Database, StorageError,
        link_keys::{self, AdmitError, KeyObjection},
        links,
    },
};
use medialink_link::{KeyId, KeyState};

use super::{
    audit::Auditor,
    key_home::{KeyHome, KeyHomeError},
};

/// A key that may go.
#[derive(Debug, Clone)]
pub struct EndingKey {
    /// Its ID.
    pub id: KeyId,
    /// What it does; `None`: it is gone from where the keys are, though it was never retired.
    pub state: Option<KeyState>,
    /// The bridge that it is bound to.
    pub bridge: Option<String>,
    /// How many live links of the database it has signed.
    pub live_links: i64,
    /// When it stopped being the active one.
    last_active: Option<OffsetDateTime>,
}

impl EndingKey {
    /// The key with this ID, with what it has signed by now.
    ///
    /// # Errors
    /// If there is none, or keys or links cannot be read.
    pub async fn find(
        config: &Config,
        database: &Database,
        id: KeyId,
        now: i64,
    ) -> Result<Self, KeyHomeError> {
        let entries = KeyHome::of(config, database).entries().await?;
        let reader = database.reader();
        let entry = entries.iter().find(|key| key.id == id);
        if entry.is_none() && !link_keys::not_retired(reader).await?.contains(&id) {
            return Err(key_store::no_such_key(&entries, id).into());
        }
        Ok(Self {
            id,
            state: entry.map(|key| key.state),
            bridge: entry.and_then(|key| key.bridge.clone()),
            live_links: links::count_of_key(reader, id, now).await?,
            last_active: entry.and_then(|key| key.last_active),
        })
    }

    /// Whether it can be revoked.
    ///
    /// # Errors
    /// If it is gone from where the keys are.
    pub fn check_revocable(&self) -> Result<(), KeyHomeError> {
        let refused = || {
            let id = self.id;
            KeyStoreError::Refused(format!(
                "key {id} is gone from where the keys are: nothing that it has signed can be followed; it can be retired"
            ))
        };
        self.state.map(drop).ok_or_else(|| refused().into())
    }

    /// Whether it can be retired, though perhaps by force alone.
    ///
    /// # Errors
    /// If it is the active one.
    pub fn check_retirable(&self) -> Result<(), KeyHomeError> {
        match self.state {
            Some(KeyState::Active) => Err(key_store::is_active(self.id).into()),
            _ => Ok(()),
        }
    }

    /// What may still need it: links in the database, and those that were signed elsewhere.
    #[must_use]
    pub fn needs(&self, config: &Config, clock: &Clock) -> Vec<String> {
        if self.state == Some(KeyState::Revoked) {
            return Vec::new();
        }
        let mut needs = Vec::new();
        if !clock.is_sure() {
            needs.push(
                "the system's clock is far from the time of the newest record, so that nobody knows which links have ended"
                    .to_owned(),
            );
        }
        let (id, live) = (self.id, self.live_links);
        if live > 0 {
            needs.push(format!("{live} live links were signed by key {id}"));
        }
        needs.extend(self.signed_elsewhere(config.links.max_lifetime, clock.now_ms()));
        needs
    }

    /// What is to be feared for links that were signed elsewhere.
    fn signed_elsewhere(&self, max_lifetime: Lifetime, now: i64) -> Option<String> {
        match (max_lifetime, self.last_active) {
            (Lifetime::Never, _) => Some(
                "links signed elsewhere by it may live for ever (links.max_lifetime: never)"
                    .to_owned(),
            ),
            (Lifetime::For(_), None) => {
                Some("it does not tell since when it signs nothing (last_active)".to_owned())
            }
            (Lifetime::For(max), Some(last)) => {
                let end = last + Duration::try_from(max).unwrap_or(Duration::MAX);
                (end.unix_timestamp_nanos() > i128::from(now) * 1_000_000).then(|| {
                    format!(
                        "links signed elsewhere by it may live until {}",
                        end.format(&Rfc3339).unwrap_or_default()
                    )
                })
            }
        }
    }
}

/// Revokes a key and ends all links that it has signed; returns how many live ones they were, and the ID of the key that
/// has taken its place if it was the active one.
///
/// # Errors
/// If there is no such key, the keys cannot be written, or contradict those that there were before.
pub async fn revoke(
    config: &Config,
    database: &Database,
    auditor: &Auditor,
    clock: &Clock,
    id: KeyId,
) -> Result<(usize, Option<KeyId>), KeyHomeError> {
    let home = KeyHome::of(config, database);
    if let Err(error) = home.note(database, clock.now_ms()).await
        && !is_mended_by_revoking(&error, id)
    {
        return Err(error);
    }
    let used = link_keys::highest_used(database.reader()).await?;
    let revocation = async {
        let revoked = home.change(move |keys| key_store::revoke(keys, id, used));
        let new = revoked.await?;
        home.note(database, clock.now_ms()).await?;
        let ended = end_links(config, database, clock, id).await?;
        Ok((ended, new))
    };
    let subject = format!("key {id}");
    auditor
        .during("keys revoke", subject, revocation, |(ended, _)| *ended)
        .await
}

/// Whether a file is one of an older copy, in which this key is not revoked yet.
fn is_mended_by_revoking(error: &KeyHomeError, id: KeyId) -> bool {
    matches!(
        error,
        KeyHomeError::Admit(AdmitError::Objection(KeyObjection::Revoked(revoked, _))) if *revoked == id
    )
}

/// Takes a key out for good, whatever needs it; returns how many live links have ended with it. `is_forced`: whether
/// something may need it, for the audit log.
///
/// # Errors
/// If it is the active one, the keys cannot be written, or contradict those that there were before.
pub async fn retire(
    config: &Config,
    database: &Database,
    auditor: &Auditor,
    clock: &Clock,
    (key, is_forced): (&EndingKey, bool),
) -> Result<usize, KeyHomeError> {
    // It is known before it is gone, so that it does not come back.
    let home = KeyHome::of(config, database);
    home.note(database, clock.now_ms()).await?;
    let (id, is_gone) = (key.id, key.state.is_none());
    let retirement = async {
        if !is_gone {
            let retired = home.change(move |keys| key_store::retire(keys, id));
            retired.await?;
        }
        let noted = database.writer().write::<_, StorageError, _>(move |c| {
            async move { link_keys::retire(c, id).await }.boxed()
        });
        noted.await?;
        // Without their key they cannot be followed: they are over, and so is their usage.
        end_links(config, database, clock, id).await
    };
    let subject = format!("key {id}{}", if is_forced { ", forced" } else { "" });
    auditor
        .during("keys retire", subject, retirement, |ended| *ended)
        .await
}

async fn end_links(
    config: &Config,
    database: &Database,
    clock: &Clock,
    id: KeyId,
) -> Result<usize, KeyHomeError> {
    let revoker = Revoker::new(database.clone(), config, clock.clone());
    Ok(revoker.revoke_key(id).await?)
}
