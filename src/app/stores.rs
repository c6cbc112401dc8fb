//! The files of a service: enough for commands that ask no homeserver.

use anyhow::Context;

use crate::{
    clock::Clock,
    config::{Config, KeyPlace},
    homeserver::{FEATURES, Features},
    key_store::KeyStore,
    operations::KeyHome,
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
            .with_context(|| format!("key file {}", config.key_file))?;
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

    /// Says why the service would not start with its keys or its root secret. Nothing is made or changed; a
    /// database that a command cannot open, since there is none yet for instance, says nothing.
    ///
    /// # Errors
    /// If the keys cannot be used, or are not those of the database, or its secrets do not open.
    pub async fn look_at_keys(config: &Config) -> anyhow::Result<()> {
        let bridges = || bridge_ids(config);
        if let KeyPlace::File(path) = &config.key_file {
            let opened = KeyHome::File(path).open(bridges()).await;
            if opened.as_ref().is_err_and(|error| !error.is_missing()) {
                return Ok(opened.map(drop)?);
            }
        }
        let database = match Database::open(&config.database, Opener::Command).await {
            Ok(database) => database,
            Err(error @ StorageError::RootSecret(_)) => return Err(error.into()),
            Err(_) => return Ok(()),
        };
        let home = KeyHome::of(config, &database);
        match home.open(bridges()).await {
            Ok(keys) => {
                let mut reader = database.reader().acquire().await?;
                let compared = link_keys::compare(&mut reader, &keys.facts()).await;
                compared.with_context(|| format!("key file {}", config.key_file))
            }
            Err(error) if error.is_missing() => match home.lost(&database).await? {
                Some(lost) => Err(lost.into()),
                None => Ok(()),
            },
            Err(error) => Err(error.into()),
        }
    }

    /// The keys with their secrets, for commands that change them.
    ///
    /// # Errors
    /// If they cannot be read; if they are missing, why.
    pub async fn key_entries(
        config: &Config,
        database: &Database,
    ) -> anyhow::Result<Vec<KeyEntry>> {
        let home = KeyHome::of(config, database);
        match home.entries().await {
            Err(error) if error.is_missing() => match home.lost(database).await? {
                Some(lost) => Err(lost.into()),
                None => Err(error.into()),
            },
            read => Ok(read?),
        }
    }
}

/// The IDs of the bridges, to which keys may be bound.
#[must_use]
pub fn bridge_ids(config: &Config) -> Vec<String> {
    let bridges = config.bridges.iter();
    bridges.map(|bridge| bridge.id.clone()).collect()
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
    let (home, bridges) = (KeyHome::of(config, database), bridge_ids(config));
    let missing = match home.open(bridges.clone()).await {
        Err(error) if error.is_missing() => error,
        opened => return Ok(opened?),
    };
    match (home.lost(database).await?, opener, home) {
        // Another service has made the first ones meanwhile, and has signed by them; or they are lost.
        (Some(lost), _, KeyHome::Database(_)) => match home.open(bridges).await {
            Err(error) if error.is_missing() => Err(lost.into()),
            opened => Ok(opened?),
        },
        (Some(lost), _, KeyHome::File(_)) => Err(lost.into()),
        (None, Opener::Service, _) => Ok(home.make(bridges).await?),
        (None, Opener::Command, _) => Err(missing.into()),
    }
}
