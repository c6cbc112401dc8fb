//! The files of a service: enough for commands that ask no homeserver.

use anyhow::Context;

use crate::{
    config::Config,
    homeserver::{FEATURES, Features},
    key_store::KeyStore,
    storage::{Database, Opener, features},
};

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
    /// Opens keys and database; makes them if they are missing.
    ///
    /// # Errors
    /// If the key file or the database cannot be used.
    pub async fn open(config: &Config, opener: Opener) -> anyhow::Result<Self> {
        let bridges = config
            .bridges
            .iter()
            .map(|bridge| bridge.id.clone())
            .collect();
        let keys = KeyStore::open(&config.key_file, bridges)?;
        let database = Database::open(&config.database, opener)
            .await
            .with_context(|| format!("database {}", config.database.display()))?;
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
}
