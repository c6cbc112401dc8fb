//! The files of a service: enough for commands that ask no homeserver.

use anyhow::Context;

use crate::{
    clock::Clock,
    config::Config,
    homeserver::{Features, LINKED_MEDIA},
    key_store::{KeyStore, KeyStoreError},
    storage::{Database, Opener, features, history, link_keys},
};

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
        features.set_links_media(features::has(database.reader(), LINKED_MEDIA).await?);
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
}

async fn open_database(config: &Config, opener: Opener) -> anyhow::Result<Database> {
    Database::open(&config.database, opener)
        .await
        .with_context(|| format!("database {}", config.database.display()))
}

async fn open_keys(
    config: &Config,
    opener: Opener,
    database: &Database,
) -> anyhow::Result<KeyStore> {
    let path = &config.key_file;
    let bridges: Vec<String> = config
        .bridges
        .iter()
        .map(|bridge| bridge.id.clone())
        .collect();
    match KeyStore::open(path, bridges.clone()) {
        Err(error @ KeyStoreError::Missing { .. }) => {
            let used = link_keys::ever_used(database.reader()).await?;
            if !used.is_empty() {
                return Err(KeyStoreError::lost(path, &used).into());
            }
            match opener {
                Opener::Service => Ok(KeyStore::make(path, bridges)?),
                Opener::Command => Err(error.into()),
            }
        }
        opened => Ok(opened?),
    }
}
