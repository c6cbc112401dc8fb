//! Where the link keys are: in a file, or in the database.

use std::path::Path;

use futures_util::FutureExt;

use crate::{
    config::{Config, KeyPlace},
    key_store::{self, KeyFact, KeyStore, KeyStoreError},
    storage::{
        Database, StorageError, kept_keys,
        link_keys::{self, AdmitError},
    },
};
use medialink_link::KeyEntry;

/// What errors call the keys in the database.
const KEPT: &str = "in the database";

/// Where the link keys are.
#[derive(Debug, Clone, Copy)]
pub enum KeyHome<'a> {
    /// In a file.
    File(&'a Path),
    /// In the database.
    Database(&'a Database),
}

/// The keys cannot be read, or not changed.
#[derive(Debug, thiserror::Error)]
pub enum KeyHomeError {
    /// The keys themselves are why.
    #[error(transparent)]
    Keys(#[from] KeyStoreError),
    /// They contradict those that were there before.
    #[error(transparent)]
    Admit(#[from] AdmitError),
    /// The database failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl KeyHomeError {
    /// Whether there are none.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::Keys(KeyStoreError::Missing { .. }))
    }
}

impl<'a> KeyHome<'a> {
    /// By the configuration.
    #[must_use]
    pub fn of(config: &'a Config, database: &'a Database) -> Self {
        match &config.key_file {
            KeyPlace::File(path) => Self::File(path),
            KeyPlace::Database => Self::Database(database),
        }
    }

    /// The keys with their secrets.
    ///
    /// # Errors
    /// If there are none, or they cannot be read.
    pub async fn entries(self) -> Result<Vec<KeyEntry>, KeyHomeError> {
        match self {
            Self::File(path) => Ok(key_store::entries(path)?),
            Self::Database(database) => {
                let text = kept_keys::read(database.reader()).await?;
                let text = text.ok_or_else(|| KeyStoreError::none_kept(KEPT))?;
                Ok(key_store::parse(KEPT, &text)?)
            }
        }
    }

    /// The keys of a service that runs; `bridges`: the IDs that keys may be bound to.
    ///
    /// # Errors
    /// If there are none, or they cannot be read.
    pub async fn open(self, bridges: Vec<String>) -> Result<KeyStore, KeyHomeError> {
        match self {
            Self::File(path) => Ok(KeyStore::open(path, bridges)?),
            Self::Database(database) => {
                let text = kept_keys::read(database.reader()).await?;
                let text = text.ok_or_else(|| KeyStoreError::none_kept(KEPT))?;
                Ok(KeyStore::of_text(KEPT, &text, bridges)?)
            }
        }
    }

    /// Makes a first key, unless somebody has made one meanwhile.
    ///
    /// # Errors
    /// If it cannot be written.
    pub async fn make(self, bridges: Vec<String>) -> Result<KeyStore, KeyHomeError> {
        let database = match self {
            Self::File(path) => return Ok(KeyStore::make(path, bridges)?),
            Self::Database(database) => database,
        };
        let text = key_store::new_text();
        let kept = database.writer().write::<_, StorageError, _>(move |c| {
            async move { kept_keys::make(c, &text).await }.boxed()
        });
        Ok(KeyStore::of_text(KEPT, &kept.await?, bridges)?)
    }

    /// The error of keys that are missing though links were signed by keys of these IDs; `None`: none were.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn lost(self, database: &Database) -> Result<Option<KeyStoreError>, StorageError> {
        let used = link_keys::ever_used(database.reader()).await?;
        Ok((!used.is_empty()).then(|| match self {
            Self::File(path) => KeyStoreError::lost(path, &used),
            Self::Database(_) => KeyStoreError::lost_kept(KEPT, &used),
        }))
    }

    /// The keys of the running service, if they have changed.
    ///
    /// # Errors
    /// If there are none any more, or they cannot be read.
    pub async fn changed(
        self,
        keys: &KeyStore,
    ) -> Result<Option<key_store::ChangedKeys>, KeyHomeError> {
        match self {
            Self::File(_) => Ok(keys.changed()?),
            Self::Database(database) => match kept_keys::read(database.reader()).await {
                Ok(Some(text)) => Ok(keys.changed_to(&text)?),
                Ok(None) => Err(KeyStoreError::none_kept(KEPT).into()),
                // That is told by others; the keys stay as they are.
                Err(error) if error.is_outage() => Ok(None),
                Err(error) => Err(error.into()),
            },
        }
    }

    /// Notes the keys as they are now, if none of them contradicts those that there were before. A running service
    /// does so as well; `database`: where the links are.
    ///
    /// # Errors
    /// If there are no keys, they cannot be read, or contradict those that there were before.
    pub async fn note(self, database: &Database, now: i64) -> Result<(), KeyHomeError> {
        let entries = self.entries().await?;
        let facts: Vec<KeyFact> = entries.iter().map(KeyFact::of).collect();
        let noted = database.writer().write::<_, AdmitError, _>(move |c| {
            async move { link_keys::admit(c, &facts, now).await }.boxed()
        });
        Ok(noted.await?)
    }

    /// Changes the keys while nobody else does.
    ///
    /// # Errors
    /// If the change is refused, or the keys cannot be written.
    pub async fn change<T, F>(self, change: F) -> Result<T, KeyHomeError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Vec<KeyEntry>) -> Result<T, KeyStoreError> + Clone + Send + 'static,
    {
        let database = match self {
            Self::File(path) => return Ok(key_store::change_file(path, change)?),
            Self::Database(database) => database,
        };
        let changed = database.writer().write(move |c| {
            async move {
                let text = kept_keys::hold(c).await?;
                let text = text.ok_or_else(|| KeyStoreError::none_kept(KEPT))?;
                let (text, result) = key_store::change_text(KEPT, &text, change)?;
                kept_keys::put(c, &text).await?;
                Ok(result)
            }
            .boxed()
        });
        changed.await
    }
}

/// Puts keys into a database that has none; `false`: the same are there already.
///
/// # Errors
/// If others are there, or they contradict those that links were signed by.
pub async fn import(
    database: &Database,
    entries: Vec<KeyEntry>,
    bridges: Vec<String>,
    now: i64,
) -> Result<bool, KeyHomeError> {
    let text = key_store::text_of(&entries);
    KeyStore::of_text("to be imported", &text, bridges)?;
    let imported = database.writer().write(move |c| {
        async move {
            let is_new = kept_keys::hold(c).await?.is_none();
            let kept = kept_keys::make(c, &text).await?;
            let facts = |entries: &[KeyEntry]| entries.iter().map(KeyFact::of).collect::<Vec<_>>();
            let (kept, given) = (facts(&key_store::parse(KEPT, &kept)?), facts(&entries));
            if kept != given {
                let ids = kept.iter().map(|key| key.id.to_string());
                return Err(KeyHomeError::Keys(KeyStoreError::Refused(format!(
                    "the database has other keys already ({}); allowed is to import into one without keys",
                    ids.collect::<Vec<_>>().join(", ")
                ))));
            }
            link_keys::admit(c, &given, now).await?;
            Ok(is_new)
        }
        .boxed()
    });
    imported.await
}
