//! `keys`: the key ring. A running service notices changes within a second.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context as _, bail};
use zeroize::Zeroizing;

use crate::{
    app::{Stores, bridge_ids},
    clock::Clock,
    config::{Config, KeyPlace},
    key_store,
    operations::{
        Auditor, EndingKey, KeyHome, KeyHomeError, import_keys, retire_key, revoke_key, rotate_keys,
    },
    storage::{Database, history, link_keys},
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
        /// Only says whether it would be taken out, and how many links would end.
        #[arg(long)]
        dry_run: bool,
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
        Command::Export { file } => {
            let auditor = Auditor::of_command(&database, &Clock::default());
            let (subject, count) = (file.display().to_string(), keys.len());
            let export = async { export(&file, &keys) };
            auditor
                .during("keys export", subject, export, |()| count)
                .await?;
        }
        Command::List { json } => keys_list::list(&database, keys, json).await?,
        Command::Rotate => {
            let clock = Clock::default();
            let auditor = Auditor::of_command(&database, &clock);
            let (old, new) = rotate_keys(config, &database, &auditor, &clock).await?;
            println!("key {new} signs from now on; key {old} still verifies");
        }
        Command::Add { bridge, file } => add(config, &database, bridge, &file, now).await?,
        Command::Retire { id, force, dry_run } => {
            retire(config, &database, id, (force, dry_run)).await?;
        }
        Command::Revoke { id, dry_run: true } => would_revoke(config, &database, id, now).await?,
        Command::Revoke { id, .. } => revoke(config, &database, id).await?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn revoke(config: &Config, database: &Database, id: KeyId) -> anyhow::Result<()> {
    let clock = Clock::default();
    let auditor = Auditor::of_command(database, &clock);
    let revocation = revoke_key(config, database, &auditor, &clock, id);
    let (revoked, new) = shown("revoking", revocation).await?;
    println!("key {id} is revoked, and with it {revoked} live links");
    if let Some(new) = new {
        println!("key {new} signs from now on");
    }
    Ok(())
}

/// What a revocation would do.
async fn would_revoke(
    config: &Config,
    database: &Database,
    id: KeyId,
    now: i64,
) -> anyhow::Result<()> {
    let key = EndingKey::find(config, database, id, now).await?;
    key.check_revocable()?;
    let live = key.live_links;
    println!("key {id} would be revoked, and with it {live} live links");
    if key.state == Some(KeyState::Active) {
        println!("a new key would sign from then on");
    }
    Ok(())
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
    database: &Database,
    id: KeyId,
    (is_forced, is_dry): (bool, bool),
) -> anyhow::Result<()> {
    let clock = Clock::default();
    if let Some(newest) = history::newest(database.reader()).await? {
        clock.compare_with_records(newest);
    }
    let key = EndingKey::find(config, database, id, clock.now_ms()).await?;
    if key.check_retirable().is_ok() {
        let needs = key.needs(config, &clock);
        if !needs.is_empty() && !is_forced {
            for need in &needs {
                eprintln!("medialink: {need}");
            }
            bail!("key {id} is not retired; --force does it all the same, and those links die");
        }
        for need in needs {
            println!("forced: {need}");
        }
    }
    let with_links = |ended: usize| match ended {
        0 => String::new(),
        ended => format!(", and with it {ended} live links"),
    };
    if is_dry {
        key.check_retirable()?;
        let ended = usize::try_from(key.live_links).unwrap_or(0);
        println!("key {id} would be retired{}", with_links(ended));
        return Ok(());
    }
    let auditor = Auditor::of_command(database, &clock);
    let retirement = retire_key(config, database, &auditor, &clock, (&key, is_forced));
    let ended = shown("revoking", retirement).await?;
    println!("key {id} is retired{}", with_links(ended));
    Ok(())
}
