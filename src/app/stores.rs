//! The files of a service: enough for commands that ask no homeserver.

use std::path::Path;

use anyhow::Context;

use crate::{
    clock::Clock,
    config::Config,
    homeserver::{FEATURES, Features},
    key_store::{self, KeyStore, KeyStoreError},
    storage::{Database, Opener, StorageError, features, history, link_keys},
};
use medialink_link::KeyEntry;

use super::keys::{admit, warn_of_missing};

/// The files of a configuration, opened.
#[derive(Debug)]
pub struct Stores {
    /// The database.
    pub database: Database,
    /// The keys that sign links.
    pub keys: KeyStore,
    /// The features of the homeserver, as they were known last.
    pub features: Features,
}

impl Stores {
    /// Opens database and keys. The service makes them if they are missing, but no key file where links
    /// were ever signed; a command makes neither.
    ///
    /// # Errors
    /// If the key file or the database cannot be used.
    pub async fn open(config: &Config, opener: Opener, clock: &Clock) -> anyhow::Result<Self> {
        let database = open_database(config, opener).await?;
        if let Some(newest) = history::newest(database.reader()).await? {
            clock.compare_with_records(newest);
        }
        let keys = open_keys(config, opener, &database).await?;
        admit(&database, keys.facts(), clock.now_ms())
            .await
            .with_context(|| format!("key file {}", config.key_file.display()))?;
        warn_of_missing(&database, &keys.facts()).await?;
        let features = Features::default();
        for name in FEATURES {
            features.set(name, features::has(database.reader(), name).await?);
        }
        Ok(Self {
            database,
            keys,
            features,
        })
    }

    /// Opens the database alone, for commands that need no keys.
    ///
    /// # Errors
    /// If it cannot be used.
    pub async fn open_database(config: &Config) -> anyhow::Result<Database> {
        open_database(config, Opener::Command).await
    }

    /// Says why the service would not start with its key file. Nothing is made or changed; a database
    /// that a command cannot open, since there is none yet for instance, says nothing.
    ///
    /// # Errors
    /// If the key file cannot be used, or is not that of the database.
    pub async fn look_at_keys(config: &Config) -> anyhow::Result<()> {
        let keys = KeyStore::open(&config.key_file, bridge_ids(config));
        if !matches!(keys, Ok(_) | Err(KeyStoreError::Missing { .. })) {
            return Ok(keys.map(drop)?);
        }
        let Ok(database) = open_database(config, Opener::Command).await else {
            return Ok(());
        };
        let path = &config.key_file;
        match keys {
            Ok(keys) => {
                let mut reader = database.reader().acquire().await?;
                let compared = link_keys::compare(&mut reader, &keys.facts()).await;
                compared.with_context(|| format!("key file {}", path.display()))
            }
            Err(_) => match lost(path, &database).await? {
                Some(lost) => Err(lost.into()),
                None => Ok(()),
            },
        }
    }

    /// The keys of the file with their secrets, for commands that change them.
    ///
    /// # Errors
    /// If the file cannot be read; if it is missing, why.
    pub async fn key_entries(
        config: &Config,
        database: &Database,
    ) -> anyhow::Result<Vec<KeyEntry>> {
        match key_store::entries(&config.key_file) {
            Err(error @ KeyStoreError::Missing { .. }) => {
                let lost = lost(&config.key_file, database).await?;
                Err(lost.unwrap_or(error).into())
            }
            read => Ok(read?),
        }
    }
}

fn bridge_ids(config: &Config) -> Vec<String> {
    let bridges = config.bridges.iter();
    bridges.map(|bridge| bridge.id.clone()).collect()
}

/// The error of a key file that is missing though links were signed.
async fn lost(path: &Path, database: &Database) -> Result<Option<KeyStoreError>, StorageError> {
    let used = link_keys::ever_used(database.reader()).await?;
    Ok((!used.is_empty()).then(|| KeyStoreError::lost(path, &used)))
}

async fn open_database(config: &Config, opener: Opener) -> anyhow::Result<Database> {
    Database::open(&config.database, opener)
        .await
        .with_context(|| format!("database {}", config.database))
}

async fn open_keys(
    config: &Config,
    opener: Opener,
    database: &Database,
) -> anyhow::Result<KeyStore> {
    let (path, bridges) = (&config.key_file, bridge_ids(config));
    match KeyStore::open(path, bridges.clone()) {
        Err(error @ KeyStoreError::Missing { .. }) => match (lost(path, database).await?, opener) {
            (Some(lost), _) => Err(lost.into()),
            (None, Opener::Service) => Ok(KeyStore::make(path, bridges)?),
            (None, Opener::Command) => Err(error.into()),
        },
        opened => Ok(opened?),
    }
}
