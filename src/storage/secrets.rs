//! Secrets that the service generates for itself.

use futures_util::FutureExt;

use super::{
    Database, StorageError,
    engine::{Connection, query_scalar},
    sealer::{Open, Secret, SecretKind},
};

impl Database {
    /// The secret of this name; if there is none yet, `fresh` becomes the secret.
    ///
    /// # Errors
    /// If the database fails, or the stored secret does not have 32 bytes.
    pub async fn secret(
        &self,
        name: &'static str,
        fresh: [u8; 32],
    ) -> Result<[u8; 32], StorageError> {
        self.writer()
            .write(move |connection| get_or_insert(connection, name, fresh).boxed())
            .await
    }
}

async fn get_or_insert(
    connection: &mut Connection,
    name: &str,
    fresh: [u8; 32],
) -> Result<[u8; 32], StorageError> {
    let stored: Vec<u8> = query_scalar(
        "INSERT INTO secrets (name, value) VALUES ($1, $2) \
         ON CONFLICT (name) DO UPDATE SET value = secrets.value RETURNING value",
    )
    .bind(name)
    .bind(Secret::new(
        SecretKind::Own,
        name,
        Open::Bytes(fresh.to_vec()),
    ))
    .fetch_one(&mut *connection)
    .await?;
    connection
        .sealing
        .open_bytes(SecretKind::Own, name, stored)?
        .try_into()
        .map_err(|_| StorageError::Corrupt("secret, which is not 32 bytes"))
}
