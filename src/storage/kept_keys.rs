//! The key file where the database holds it, as a text that is sealed like every secret of the service.
//!
//! Every function here fails with [`StorageError`] if the database does.

use zeroize::Zeroizing;

use super::{
    StorageError,
    engine::{Connection, On, pick, query, query_scalar},
    sealer::{Open, Sealing, Secret, SecretKind},
};

/// Its name among the secrets.
const NAME: &str = "link_keys";

/// The text of a key file.
pub type KeyText = Zeroizing<String>;

fn opened(sealing: &Sealing, stored: Option<Vec<u8>>) -> Result<Option<KeyText>, StorageError> {
    let Some(stored) = stored else {
        return Ok(None);
    };
    let text = String::from_utf8(sealing.open_bytes(SecretKind::Own, NAME, stored)?);
    let text = text.map_err(|_| StorageError::Corrupt("key file, which is no text"))?;
    Ok(Some(Zeroizing::new(text)))
}

fn secret(text: &str) -> Secret {
    Secret::new(SecretKind::Own, NAME, Open::Bytes(text.as_bytes().to_vec()))
}

/// The text; `None`: there is none.
pub async fn read<'e>(reader: impl Into<On<'e>>) -> Result<Option<KeyText>, StorageError> {
    let on = reader.into();
    let sealing = on.sealing;
    let stored = query_scalar("SELECT value FROM secrets WHERE name = $1");
    opened(sealing, stored.bind(NAME).fetch_optional(on).await?)
}

/// The same; nobody else changes it until the end of this write.
pub async fn hold(connection: &mut Connection) -> Result<Option<KeyText>, StorageError> {
    let stored = query_scalar(pick(
        "SELECT value FROM secrets WHERE name = $1",
        "SELECT value FROM secrets WHERE name = $1 FOR UPDATE",
    ));
    let stored = stored.bind(NAME).fetch_optional(&mut *connection).await?;
    opened(&connection.sealing, stored)
}

/// Keeps this text where there is none; the text that is kept.
pub async fn make(connection: &mut Connection, text: &str) -> Result<KeyText, StorageError> {
    query("INSERT INTO secrets (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING")
        .bind(NAME)
        .bind(secret(text))
        .execute(&mut *connection)
        .await?;
    let kept = hold(connection).await?;
    kept.ok_or(StorageError::Corrupt(
        "key file, gone as soon as it was made",
    ))
}

/// Keeps this text in place of the one that is held.
pub async fn put(connection: &mut Connection, text: &str) -> Result<(), StorageError> {
    query("UPDATE secrets SET value = $1 WHERE name = $2")
        .bind(secret(text))
        .bind(NAME)
        .execute(connection)
        .await?;
    Ok(())
}
