//! The keys that links were ever signed with. The key file holds their secrets; here stands which IDs
//! were in use, for which secret, so that a file that was made anew, or comes from an old copy, is
//! noticed. Every function here fails only if the database does.

use medialink_link::{KeyId, KeyState};

use super::{
    StorageError,
    engine::{Connection, Lock, Reader, query, query_as, query_scalar},
};
use crate::key_store::KeyFact;

/// Why keys cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyObjection {
    /// The ID belongs to another secret.
    #[error(
        "key {0} is another one than before: links were signed by a key with this ID and another secret. \
         Put the former key file back, or a copy of it; a new key needs an ID that no key ever had"
    )]
    OtherSecret(KeyId),
    /// The key was revoked.
    #[error("key {0} was revoked, and may not verify again: found state {1}; allowed is revoked")]
    Revoked(KeyId, &'static str),
    /// The key was taken out for good.
    #[error("key {0} was retired, and may not come back: take it out of the file")]
    Retired(KeyId),
}

/// The keys cannot be used, or the database failed.
#[derive(Debug, thiserror::Error)]
pub enum AdmitError {
    /// The keys cannot be used.
    #[error(transparent)]
    Objection(#[from] KeyObjection),
    /// The database failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// What is known of a key.
struct Known {
    fingerprint: Vec<u8>,
    ended: Option<String>,
}

impl Known {
    async fn find(connection: &mut Connection, id: KeyId) -> Result<Option<Self>, StorageError> {
        let known: Option<(Vec<u8>, Option<String>)> =
            query_as("SELECT fingerprint, ended FROM link_keys WHERE key_id = $1")
                .bind(i64::from(id))
                .fetch_optional(connection)
                .await?;
        Ok(known.map(|(fingerprint, ended)| Self { fingerprint, ended }))
    }

    /// Compares it with the key of this ID in a key file.
    fn compare(&self, key: &KeyFact) -> Result<(), KeyObjection> {
        if self.ended.as_deref() == Some("retired") {
            return Err(KeyObjection::Retired(key.id));
        }
        if self.fingerprint != key.fingerprint {
            return Err(KeyObjection::OtherSecret(key.id));
        }
        if self.ended.is_some() && key.state != KeyState::Revoked {
            return Err(KeyObjection::Revoked(key.id, key.state.as_str()));
        }
        Ok(())
    }
}

/// Makes sure that no key of a key file contradicts those that were there before.
pub async fn compare(connection: &mut Connection, keys: &[KeyFact]) -> Result<(), AdmitError> {
    for key in keys {
        if let Some(known) = Known::find(connection, key.id).await? {
            known.compare(key)?;
        }
    }
    Ok(())
}

/// Notes the keys of a key file, if none of them contradicts those that were there before.
pub async fn admit(
    connection: &mut Connection,
    keys: &[KeyFact],
    now: i64,
) -> Result<(), AdmitError> {
    // Of two first starts with different files, one is refused.
    connection.lock(&[Lock::LinkKeys]).await?;
    for key in keys {
        if let Some(known) = Known::find(connection, key.id).await? {
            known.compare(key)?;
            if known.ended.is_some() || key.state != KeyState::Revoked {
                continue;
            }
        }
        let ended = (key.state == KeyState::Revoked).then_some("revoked");
        query(
            "INSERT INTO link_keys (key_id, fingerprint, seen_at, ended) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (key_id) DO UPDATE SET ended = COALESCE(link_keys.ended, $4)",
        )
        .bind(i64::from(key.id))
        .bind(&key.fingerprint[..])
        .bind(now)
        .bind(ended)
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

/// Notes that a key was taken out of the key file for good.
pub async fn retire(connection: &mut Connection, id: KeyId) -> Result<(), StorageError> {
    query("UPDATE link_keys SET ended = 'retired' WHERE key_id = $1")
        .bind(i64::from(id))
        .execute(connection)
        .await?;
    Ok(())
}

/// The IDs of the keys that were in the key file and are not retired.
pub async fn not_retired(reader: &Reader) -> Result<Vec<KeyId>, StorageError> {
    let ids = query_scalar(
        "SELECT key_id FROM link_keys WHERE ended IS NULL OR ended <> 'retired' ORDER BY key_id",
    );
    Ok(key_ids(ids.fetch_all(reader).await?))
}

fn key_ids(ids: Vec<i64>) -> Vec<KeyId> {
    let ids = ids.into_iter();
    ids.filter_map(|id| KeyId::try_from(id).ok()).collect()
}

/// The highest ID that a link was ever signed with, or could have been; `None`: no link was.
pub async fn highest_used(reader: &Reader) -> Result<Option<KeyId>, StorageError> {
    Ok(ever_used(reader).await?.last().copied())
}

/// The IDs of all keys that links were ever signed with, or could have been, in ascending order.
pub async fn ever_used(reader: &Reader) -> Result<Vec<KeyId>, StorageError> {
    let mut connection = reader.acquire().await?;
    let mut ids: Vec<i64> = query_scalar("SELECT key_id FROM link_keys")
        .fetch_all(&mut connection)
        .await?;
    // Keys that were taken out before their IDs were noted, as long as their links live.
    let mut last = -1;
    loop {
        let next: Option<i64> =
            query_scalar("SELECT MIN(key_id) FROM links WHERE state = 'live' AND key_id > $1")
                .bind(last)
                .fetch_one(&mut connection)
                .await?;
        let Some(next) = next else { break };
        ids.push(next);
        last = next;
    }
    ids.sort_unstable();
    ids.dedup();
    Ok(key_ids(ids))
}
