//! `keys`: the key ring. A running service notices changes within a second.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context as _, bail};
use futures_util::FutureExt;
use time::{Duration, format_description::well_known::Rfc3339};
use zeroize::Zeroizing;

use crate::{
    app::{Stores, bridge_ids},
    clock::Clock,
    config::{Config, KeyPlace, Lifetime},
    key_store,
    links::Revoker,
    operations::{Auditor, KeyHome, KeyHomeError, import_keys, rotate_keys},
    storage::{
        Database, StorageError, history,
        link_keys::{self, AdmitError, KeyObjection},
        links,
    },
};
use medialink_link::{KeyEntry, KeyId, KeyState};

use super::{keys_import, keys_list, progress::shown};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Shows the keys, never their secrets.
    List {
        /// One JSON object a line.
        #[arg(long)]
        json: bool,
    },
    /// Takes over the key of a bridge that has made links by itself, and prints the entry of
    /// legacy_links for it. Or puts the keys of a key file into the database (key_file: database).
    Import(keys_import::Arguments),
    /// Writes the keys into a key file that is not there yet, with mode 0600.
    Export {
        /// The file.
        file: PathBuf,
    },
    /// Makes a new active key; the one before it still verifies.
    Rotate,
    /// Makes a key for links that a bridge signs by itself: it is fetched as that bridge, and verifies only.
    Add {
        /// The bridge's ID.
        bridge: String,
        /// A key file with that key alone, for the bridge. It is not there yet, and gets mode 0600.
        file: PathBuf,
    },
    /// Takes out a key that no living link needs.
    Retire {
        /// The key.
        id: KeyId,
        /// Even if links may need it, which die then.
        #[arg(long)]
        force: bool,
    },
    /// Kills all links of a key. If it is the active one, a new one takes its place.
    Revoke {
        /// The key.
        id: KeyId,
        /// Only says how many links would end.
        #[arg(long)]
        dry_run: bool,
    },
}

/// `folder`: where the configuration is.
pub(super) async fn run(
    config: &Config,
    folder: &Path,
    command: Command,
) -> anyhow::Result<ExitCode> {
    if let Command::Import(arguments) = &command {
        if is_key_file(&arguments.file) {
            return import(config, &arguments.file).await;
        }
        return keys_import::run(config, folder, arguments);
    }
    let database = Stores::open_database(config).await?;
    let keys = Stores::key_entries(config, &database).await?;
    let now = Clock::default().now_ms();
    match command {
        Command::Import(_) => {}
        Command::Export { file } => export(&file, &keys)?,
        Command::List { json } => keys_list::list(&database, keys, json).await?,
        Command::Rotate => {
            let clock = Clock::default();
            let auditor = Auditor::of_command(&database, &clock);
            let (old, new) = rotate_keys(config, &database, &auditor, &clock).await?;
            println!("key {new} signs from now on; key {old} still verifies");
        }
        Command::Add { bridge, file } => add(config, &database, bridge, &file, now).await?,
        Command::Retire { id, force } => retire(config, database, keys, id, force).await?,
        Command::Revoke { id, dry_run: true } => would_revoke(&database, &keys, id, now).await?,
        Command::Revoke { id, .. } => revoke(config, database, id, now).await?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn revoke(config: &Config, database: Database, id: KeyId, now: i64) -> anyhow::Result<()> {
    let home = KeyHome::of(config, &database);
    if let Err(error) = home.note(&database, now).await
        && !is_mended_by_revoking(&error, id)
    {
        return Err(error.into());
    }
    let used = link_keys::highest_used(database.reader()).await?;
    let auditor = Auditor::of_command(&database, &Clock::default());
    let revocation = async {
        let revoked = home.change(move |keys| key_store::revoke(keys, id, used));
        let new = revoked.await?;
        home.note(&database, now).await?;
        let revoker = Revoker::new(database.clone(), config, Clock::default());
        let revoked = shown("revoking", revoker.revoke_key(id)).await?;
        anyhow::Ok((revoked, new))
    };
    let subject = format!("key {id}");
    let noted = auditor.during("keys revoke", subject, revocation, |(revoked, _)| *revoked);
    let (revoked, new) = noted.await?;
    println!("key {id} is revoked, and with it {revoked} live links");
    if let Some(new) = new {
        println!("key {new} signs from now on");
    }
    Ok(())
}

/// What a revocation would do.
async fn would_revoke(
    database: &Database,
    keys: &[KeyEntry],
    id: KeyId,
    now: i64,
) -> anyhow::Result<()> {
    let key = keys
        .iter()
        .find(|key| key.id == id)
        .with_context(|| format!("there is no key {id}"))?;
    let live = links::count_of_key(database.reader(), id, now).await?;
    println!("key {id} would be revoked, and with it {live} live links");
    if key.state == KeyState::Active {
        println!("a new key would sign from then on");
    }
    Ok(())
}

/// Whether a file is one of an older copy, in which this key is not revoked yet.
fn is_mended_by_revoking(error: &KeyHomeError, id: KeyId) -> bool {
    matches!(
        error,
        KeyHomeError::Admit(AdmitError::Objection(KeyObjection::Revoked(revoked, _))) if *revoked == id
    )
}

/// Whether a file is a key file, and not one of a bridge.
fn is_key_file(file: &Path) -> bool {
    let text = std::fs::read_to_string(file).map(Zeroizing::new);
    text.is_ok_and(|text| key_store::is_key_file(&text))
}

/// Puts the keys of a key file into the database.
async fn import(config: &Config, file: &Path) -> anyhow::Result<ExitCode> {
    if let KeyPlace::File(path) = &config.key_file {
        bail!(
            "{} is a key file, and key_file is the path {}; allowed is to import one into the database, by key_file: \
             database, or to put it where that path leads",
            file.display(),
            path.display()
        );
    }
    let entries = key_store::entries(file)?;
    let database = Stores::open_database(config).await?;
    let now = Clock::default().now_ms();
    let auditor = Auditor::of_command(&database, &Clock::default());
    let importing = import_keys(&database, entries, bridge_ids(config), now);
    let subject = "the keys of a key file";
    let imported = auditor.during("keys import", subject, importing, |is_new| {
        usize::from(*is_new)
    });
    let imported = imported.await;
    let is_new = imported.with_context(|| file.display().to_string())?;
    if is_new {
        println!(
            "the keys are in the database; {} is not needed any more",
            file.display()
        );
    } else {
        println!("the database has these keys already");
    }
    Ok(ExitCode::SUCCESS)
}

fn export(file: &Path, keys: &[KeyEntry]) -> anyhow::Result<()> {
    if !key_store::write_new(file, keys)? {
        bail!(
            "{} is there already; allowed is a file that is not there yet",
            file.display()
        );
    }
    println!("the keys are in {}, mode 0600", file.display());
    Ok(())
}

/// Makes a key that is bound to a bridge.
async fn add(
    config: &Config,
    database: &Database,
    bridge: String,
    file: &Path,
    now: i64,
) -> anyhow::Result<()> {
    if config.bridge(&bridge).is_none() {
        bail!(
            "{bridge:?} is no configured bridge; there are {}",
            bridge_ids(config).join(", ")
        );
    }
    if file.exists() {
        bail!(
            "{} is there already; allowed is a file that is not there yet",
            file.display()
        );
    }
    let home = KeyHome::of(config, database);
    home.note(database, now).await?;
    let used = link_keys::highest_used(database.reader()).await?;
    let subject = format!("a key for the bridge {bridge}");
    let addition = async {
        let added = home.change(move |keys| key_store::add(keys, bridge, used));
        let key = added.await?;
        home.note(database, now).await?;
        Ok::<_, KeyHomeError>(key)
    };
    let auditor = Auditor::of_command(database, &Clock::default());
    let mut key = auditor.during("keys add", subject, addition, |_| 1).await?;
    let id = key.id;
    // There it is the one that signs.
    (key.state, key.bridge) = (KeyState::Active, None);
    export(file, &[key])?;
    println!("key {id} verifies the links that the bridge signs with it");
    Ok(())
}

async fn retire(
    config: &Config,
    database: Database,
    keys: Vec<KeyEntry>,
    id: KeyId,
    force: bool,
) -> anyhow::Result<()> {
    let key = keys.iter().find(|key| key.id == id);
    // One that is gone from the file can be retired as well.
    let is_gone = key.is_none()
        && link_keys::not_retired(database.reader())
            .await?
            .contains(&id);
    if key.is_some() || is_gone {
        let needs = who_needs(config, &database, id, key).await?;
        if !needs.is_empty() && !force {
            for need in &needs {
                eprintln!("medialink: {need}");
            }
            bail!("key {id} is not retired; --force does it all the same, and those links die");
        }
        for need in needs {
            println!("forced: {need}");
        }
    }
    // It is known before it is gone, so that it does not come back.
    let home = KeyHome::of(config, &database);
    home.note(&database, Clock::default().now_ms()).await?;
    let auditor = Auditor::of_command(&database, &Clock::default());
    let retirement = take_out(config, &database, id, is_gone);
    let subject = format!("key {id}{}", if force { ", forced" } else { "" });
    let noted = auditor.during("keys retire", subject, retirement, |ended| *ended);
    let ended = noted.await?;
    println!(
        "key {id} is retired{}",
        if ended > 0 {
            format!(", and with it {ended} live links")
        } else {
            String::new()
        }
    );
    Ok(())
}

/// Takes a key out; how many live links end with it.
async fn take_out(
    config: &Config,
    database: &Database,
    id: KeyId,
    is_gone: bool,
) -> anyhow::Result<usize> {
    if !is_gone {
        let home = KeyHome::of(config, database);
        let retired = home.change(move |keys| key_store::retire(keys, id));
        retired.await?;
    }
    database
        .writer()
        .write::<_, StorageError, _>(move |connection| link_keys::retire(connection, id).boxed())
        .await?;
    // Without their key they cannot be followed: they are over, and so is their usage.
    let revoker = Revoker::new(database.clone(), config, Clock::default());
    Ok(shown("revoking", revoker.revoke_key(id)).await?)
}

/// Links that may still need a key: those in the database, and those that were signed elsewhere.
async fn who_needs(
    config: &Config,
    database: &Database,
    id: KeyId,
    key: Option<&KeyEntry>,
) -> anyhow::Result<Vec<String>> {
    if key.is_some_and(|key| key.state == KeyState::Revoked) {
        return Ok(Vec::new());
    }
    let mut needs = Vec::new();
    let clock = Clock::default();
    let now = clock.now_ms();
    if let Some(newest) = history::newest(database.reader()).await? {
        clock.compare_with_records(newest);
    }
    if !clock.is_sure() {
        needs.push(
            "the system's clock is far from the time of the newest record, so that nobody knows which links have ended"
                .to_owned(),
        );
    }
    let live = links::count_of_key(database.reader(), id, now).await?;
    if live > 0 {
        needs.push(format!("{live} live links were signed by key {id}"));
    }
    let last_active = key.and_then(|key| key.last_active);
    let elsewhere = match (config.links.max_lifetime, last_active) {
        (Lifetime::Never, _) => Some(
            "links signed elsewhere by it may live for ever (links.max_lifetime: never)".to_owned(),
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
    };
    needs.extend(elsewhere);
    Ok(needs)
}
