//! `takedown`: bytes are served by nobody any more, under whatever mxc URI they were uploaded or will be.

use std::{
    fs::File,
    io::{self, Read},
    path::PathBuf,
    process::ExitCode,
    sync::Arc,
};

use anyhow::{Context, bail};
use sha2::{Digest, Sha256};

use crate::{
    app::Stores,
    clock::Clock,
    config::Config,
    homeserver::Homeserver,
    key_store::KeyStore,
    links::FoundLink,
    operations::{
        Auditor, PastedLink, RecordedLink, Takedown, TakedownError, check_reason, count_live,
        find_link,
    },
    storage::{Database, Opener, links::Criteria},
};

/// How much of a file is read at once.
const PIECE_BYTES: usize = 64 << 10;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Links to the media, pasted URLs or IDs: its bytes are downloaded to be known again.
    links: Vec<String>,
    /// A file with the same bytes; of encrypted media, the decrypted ones.
    #[arg(long)]
    file: Vec<PathBuf>,
    /// Why, for the operator; readers are not told.
    #[arg(long, default_value = "")]
    reason: String,
    /// Only says what would be denied, and how many links would end.
    #[arg(long)]
    dry_run: bool,
}

pub(super) async fn run(config: Config, arguments: Arguments) -> anyhow::Result<ExitCode> {
    if arguments.links.is_empty() && arguments.file.is_empty() {
        bail!("nothing is given; links or --file are needed");
    }
    let reason = arguments.reason;
    check_reason(&reason).map_err(|problem| anyhow::anyhow!("--reason: {problem}"))?;
    let clock = Clock::default();
    let Stores {
        database,
        keys,
        features,
    } = Stores::open(&config, Opener::Command, &clock).await?;
    let homeserver = Arc::new(Homeserver::new(config.homeserver.clone())?);
    let auditor = Auditor::of_command(&database, &clock);
    let way = (homeserver, features);
    let takedown = Takedown::open(&config, &database, way, auditor, &clock).await?;
    let links = Links {
        config,
        database,
        keys,
        takedown,
    };
    for path in &arguments.file {
        let digest = digest_of_file(path)
            .with_context(|| format!("--file: {} cannot be read", path.display()))?;
        if arguments.dry_run {
            println!("sha256 {} would be denied", hex::encode(digest));
            continue;
        }
        let denial = links.takedown.deny_bytes(&digest, &reason).await?;
        println!("{denial} is denied now");
    }
    let mut code = ExitCode::SUCCESS;
    for (number, text) in arguments.links.iter().enumerate() {
        let done = match arguments.dry_run {
            true => links.would_take_down(text, &clock).await,
            false => links.take_down(text, &reason).await,
        };
        if let Err(problem) = done {
            eprintln!("medialink: link {}: {problem:#}", number + 1);
            code = ExitCode::FAILURE;
        }
    }
    Ok(code)
}

/// What is known of links, and how they are taken down.
struct Links {
    config: Config,
    database: Database,
    keys: KeyStore,
    takedown: Takedown,
}

impl Links {
    async fn find(&self, text: &str) -> anyhow::Result<RecordedLink> {
        let pasted = PastedLink::read(text, &self.keys, &self.config);
        let link_id = pasted.context("not a link of this service")?.link_id();
        let found = find_link(&self.database, &self.config, &link_id).await?;
        found.with_context(|| format!("no link is recorded with the ID {link_id}"))
    }

    /// Says what would become of the media of a link.
    async fn would_take_down(&self, text: &str, clock: &Clock) -> anyhow::Result<()> {
        let found = self.find(text).await?;
        let FoundLink::Recorded(row) = &found.link else {
            return Err(TakedownError::Forgotten.into());
        };
        let mxc = row.claims.mxc.to_string();
        println!("media {mxc} would be denied, and the bytes that it has");
        let criteria = Criteria {
            mxc: Some(mxc),
            ..Criteria::default()
        };
        let live = count_live(&self.database, None, criteria, clock).await?;
        println!("{live} links would be revoked");
        Ok(())
    }

    /// Takes down the media of a link.
    async fn take_down(&self, text: &str, reason: &str) -> anyhow::Result<()> {
        let found = self.find(text).await?;
        let done = self.takedown.take_down(&self.config, &found, reason);
        let done = done.await?;
        for denial in &done.denied {
            println!("{denial} is denied now");
        }
        println!("{} links revoked", done.revoked);
        match done.unread {
            None => Ok(()),
            Some(why) => bail!(
                "its bytes could not be had, so they are not known again where they are uploaded once more: {why}"
            ),
        }
    }
}

fn digest_of_file(path: &PathBuf) -> io::Result<[u8; 32]> {
    let (mut file, mut digest) = (File::open(path)?, Sha256::new());
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        match file.read(&mut piece)? {
            0 => return Ok(digest.finalize().into()),
            length => digest.update(&piece[..length]),
        }
    }
}
