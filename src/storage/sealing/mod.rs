//! The data key of a database: it seals the secrets in rows, and is itself sealed under the root secret.
//!
//! So a root secret is replaced by sealing one key anew, and whatever is read from the database alone, such as
//! a dump, opens nothing.

mod pass;
pub(super) mod places;

use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

use super::{
    StorageError,
    database::opened::Opener,
    engine::{Connection, query, query_as},
    sealer::{DATA_KEY, Sealer, Sealing},
};
use crate::{config::RootSecret, random};

/// What the data key is sealed as.
const LABEL: &str = "data key";

/// The data key as the database holds it.
struct Stored {
    sealed: Vec<u8>,
    /// Whether every secret is sealed by it.
    is_all: bool,
}

impl Stored {
    async fn find(connection: &mut Connection) -> Result<Option<Self>, StorageError> {
        let found: Option<(Vec<u8>, i64)> =
            query_as("SELECT sealed, is_all FROM data_keys WHERE id = 1")
                .fetch_optional(connection)
                .await?;
        Ok(found.map(|(sealed, is_all)| Self {
            sealed,
            is_all: is_all != 0,
        }))
    }

    /// Opens it by the root secret, or by one that was replaced: then it is sealed anew by a service.
    async fn open(
        &self,
        connection: &mut Connection,
        root_secret: &RootSecret,
        place: &str,
        opener: Opener,
    ) -> Result<Sealing, StorageError> {
        for (index, secret) in root_secret.secrets().enumerate() {
            let Some(key) = unsealed(&under(secret)?, &self.sealed) else {
                continue;
            };
            if index > 0 && opener == Opener::Service {
                seal_anew(connection, root_secret, &key, &self.sealed).await?;
            }
            return Ok(Sealing::by(Sealer::new(key)));
        }
        Err(StorageError::RootSecret(format!(
            "the secrets in {place} are sealed under another root secret than that of root_secret_file. Put the former \
             one back, as a line of its own behind the new one if that is to replace it; nothing was changed"
        )))
    }
}

/// What a root secret seals by.
fn under(secret: &[u8; 32]) -> Result<Sealer, StorageError> {
    let mut key = Zeroizing::new([0; DATA_KEY]);
    Hkdf::<Sha256>::new(None, secret)
        .expand(b"medialink root secret", &mut *key)
        .map_err(|_| StorageError::Corrupt("length of a key"))?;
    Ok(Sealer::new(key))
}

fn sealed(under: &Sealer, key: &[u8; DATA_KEY]) -> Result<Vec<u8>, StorageError> {
    let sealed = under.seal(LABEL, "", key);
    sealed.ok_or(StorageError::Corrupt("data key, which cannot be sealed"))
}

fn unsealed(under: &Sealer, sealed: &[u8]) -> Option<Zeroizing<[u8; DATA_KEY]>> {
    let key = Zeroizing::new(under.unseal(LABEL, "", sealed)?);
    <[u8; DATA_KEY]>::try_from(key.as_slice())
        .ok()
        .map(Zeroizing::new)
}

fn first(root_secret: &RootSecret) -> Result<Sealer, StorageError> {
    let mut secrets = root_secret.secrets();
    under(secrets.next().ok_or(StorageError::Corrupt("root secret"))?)
}

/// Seals the data key under the root secret that has replaced another one.
async fn seal_anew(
    connection: &mut Connection,
    root_secret: &RootSecret,
    key: &[u8; DATA_KEY],
    before: &[u8],
) -> Result<(), StorageError> {
    let changed = query("UPDATE data_keys SET sealed = $1 WHERE id = 1 AND sealed = $2")
        .bind(sealed(&first(root_secret)?, key)?)
        .bind(before)
        .execute(connection)
        .await?;
    if changed > 0 {
        tracing::info!("the root secret was replaced; the former one is not needed any more");
    }
    Ok(())
}

/// Makes a data key, unless another service has made one at the same moment; the one that there is.
async fn make(
    connection: &mut Connection,
    root_secret: &RootSecret,
    is_all: bool,
) -> Result<Stored, StorageError> {
    let key = Zeroizing::new(random::bytes::<DATA_KEY>());
    query(
        "INSERT INTO data_keys (id, sealed, is_all) VALUES (1, $1, $2) ON CONFLICT (id) DO NOTHING",
    )
    .bind(sealed(&first(root_secret)?, &key)?)
    .bind(i64::from(is_all))
    .execute(&mut *connection)
    .await?;
    let made = Stored::find(connection).await?;
    made.ok_or(StorageError::Corrupt(
        "data key, gone as soon as it was made",
    ))
}

fn needed(place: &str) -> StorageError {
    StorageError::RootSecret(format!(
        "the secrets in {place} are sealed: root_secret_file is needed, with the root secret under which they are"
    ))
}

fn is_being_sealed(place: &str) -> StorageError {
    StorageError::File(format!(
        "not all secrets in {place} are sealed yet: `medialink serve` seals them at its next start with \
         root_secret_file, before it answers"
    ))
}

/// Has a connection keep secrets as its database does. A service whose database is not sealed yet seals it.
///
/// # Errors
/// If the root secret is missing or another one, or the database fails.
pub(super) async fn prepare(
    connection: &mut Connection,
    root_secret: Option<&RootSecret>,
    place: &str,
    opener: Opener,
) -> Result<(), StorageError> {
    let stored = Stored::find(connection).await?;
    let (stored, root_secret) = match (stored, root_secret) {
        (None, None) if connection.is_sqlite() => return Ok(()),
        (_, None) => return Err(needed(place)),
        (Some(stored), Some(root_secret)) => (stored, root_secret),
        (None, Some(root_secret)) if opener == Opener::Service => {
            (make(connection, root_secret, false).await?, root_secret)
        }
        (None, Some(_)) => return Err(is_being_sealed(place)),
    };
    connection.sealing = stored.open(connection, root_secret, place, opener).await?;
    match opener {
        _ if stored.is_all => Ok(()),
        Opener::Service => pass::seal_all(connection).await,
        Opener::Command => Err(is_being_sealed(place)),
    }
}

/// How a database keeps its secrets, beside what its configuration wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    /// They are not sealed, and need not be.
    Open,
    /// They are going to be sealed by the next start of a service.
    ToBeSealed,
    /// All of them are sealed, and the connection opens them.
    Sealed,
}

/// Has a connection open the secrets of its database, if they are sealed; nothing is changed.
///
/// # Errors
/// If the root secret is missing or another one, or the database fails.
pub(super) async fn look(
    connection: &mut Connection,
    root_secret: Option<&RootSecret>,
    place: &str,
) -> Result<Look, StorageError> {
    let (stored, root_secret) = match (Stored::find(connection).await?, root_secret) {
        (None, None) if connection.is_sqlite() => return Ok(Look::Open),
        (_, None) => return Err(needed(place)),
        (None, Some(_)) => return Ok(Look::ToBeSealed),
        (Some(stored), Some(root_secret)) => (stored, root_secret),
    };
    let sealing = stored.open(connection, root_secret, place, Opener::Command);
    connection.sealing = sealing.await?;
    if stored.is_all {
        Ok(Look::Sealed)
    } else {
        Ok(Look::ToBeSealed)
    }
}

/// Has a connection open the secrets of a database whose rows move away.
pub(super) async fn prepare_source(
    connection: &mut Connection,
    root_secret: Option<&RootSecret>,
    place: &str,
) -> Result<(), StorageError> {
    let Some(stored) = Stored::find(connection).await? else {
        return Ok(());
    };
    if !stored.is_all {
        return Err(is_being_sealed(place));
    }
    let root_secret = root_secret.ok_or_else(|| needed(place))?;
    let sealing = stored.open(connection, root_secret, place, Opener::Command);
    connection.sealing = sealing.await?;
    Ok(())
}

/// The same for one without rows, which get there sealed if there is a root secret.
pub(super) async fn prepare_target(
    connection: &mut Connection,
    root_secret: Option<&RootSecret>,
    place: &str,
) -> Result<(), StorageError> {
    let stored = Stored::find(connection).await?;
    let (stored, root_secret) = match (stored, root_secret) {
        (None, None) if connection.is_sqlite() => return Ok(()),
        (_, None) => return Err(needed(place)),
        (Some(stored), Some(root_secret)) => (stored, root_secret),
        (None, Some(root_secret)) => (make(connection, root_secret, true).await?, root_secret),
    };
    let sealing = stored.open(connection, root_secret, place, Opener::Command);
    connection.sealing = sealing.await?;
    Ok(())
}
