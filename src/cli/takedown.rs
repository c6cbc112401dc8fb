//! `takedown`: bytes are served by nobody any more, under whatever mxc URI they were uploaded or will be.

use std::{
    fs::File,
    io::{self, Read},
    path::PathBuf,
    process::ExitCode,
    sync::Arc,
};

use anyhow::{Context, bail};
use futures_util::StreamExt;
use sha2::{Digest, Sha256};

use crate::{
    app::Stores,
    clock::Clock,
    config::{Config, Denial, DenyKind},
    homeserver::{Homeserver, MediaClient, MediaVariant},
    key_store::KeyStore,
    limits::Limits,
    links::{Presence, Revoker},
    media::{
        Fetcher, MediaProxy, ObjectKeys, Order, RecentAnswers, RequestConditions, Thumbnailer,
    },
    random,
    storage::{
        Database, Opener,
        links::{self, Criteria, LinkRow},
    },
};

use super::{deny, link_argument::PastedLink};

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
}

pub(super) async fn run(config: Config, arguments: Arguments) -> anyhow::Result<ExitCode> {
    if arguments.links.is_empty() && arguments.file.is_empty() {
        bail!("nothing is given; links or --file are needed");
    }
    deny::check_reason(&arguments.reason)?;
    let config = Arc::new(config);
    let clock = Clock::default();
    let stores = Stores::open(&config, Opener::Command, &clock).await?;
    let mut takedown = Takedown {
        database: stores.database.clone(),
        keys: stores.keys.clone(),
        media: media(&config, &stores, &clock).await?,
        reason: arguments.reason,
        config,
        clock,
    };
    for path in &arguments.file {
        let digest = digest_of_file(path)
            .with_context(|| format!("--file: {} cannot be read", path.display()))?;
        takedown.deny(DenyKind::Sha256, &hex(&digest)).await?;
    }
    let mut code = ExitCode::SUCCESS;
    for (number, text) in arguments.links.iter().enumerate() {
        if let Err(problem) = takedown.take_down(text).await {
            eprintln!("medialink: link {}: {problem:#}", number + 1);
            code = ExitCode::FAILURE;
        }
    }
    Ok(code)
}

/// A way to media, past cache and limits.
async fn media(config: &Arc<Config>, stores: &Stores, clock: &Clock) -> anyhow::Result<MediaProxy> {
    let homeserver = Arc::new(Homeserver::new(config.homeserver.clone())?);
    let database = &stores.database;
    let keys = ObjectKeys::new(&database.secret("media_names", random::bytes()).await?);
    let fetcher = Fetcher::new(
        Arc::new(MediaClient::new(homeserver)),
        stores.features.clone(),
        Presence::new(database.clone(), config, clock.clone()),
        config,
        Limits::none(clock),
    );
    let thumbnailer = Thumbnailer::new(config.media.thumbnail_program.clone());
    let recent = RecentAnswers::new(clock.clone());
    Ok(MediaProxy::new(fetcher, None, keys, thumbnailer, recent))
}

struct Takedown {
    config: Arc<Config>,
    database: Database,
    keys: KeyStore,
    media: MediaProxy,
    clock: Clock,
    reason: String,
}

impl Takedown {
    /// Denies the media of a link and its bytes, and revokes the links to it.
    async fn take_down(&mut self, text: &str) -> anyhow::Result<()> {
        let pasted = PastedLink::read(text, &self.keys, &self.config);
        let link_id = pasted.context("not a link of this service")?.link_id();
        let row = links::find(self.database.reader(), &link_id).await?;
        let row = row.with_context(|| format!("no link is recorded with the ID {link_id}"))?;
        let digest = self.digest(&row).await;
        let mxc = row.claims.mxc.to_string();
        self.deny(DenyKind::Media, &mxc).await?;
        let criteria = Criteria {
            mxc: Some(mxc),
            ..Criteria::default()
        };
        let revoker = Revoker::new(self.database.clone(), &self.config, self.clock.clone());
        let revoked = revoker.revoke(None, criteria).await?;
        println!("{} links revoked", revoked.links);
        let digest = digest.context(
            "its bytes could not be had, so they are not known again where they are uploaded once more",
        )?;
        self.deny(DenyKind::Sha256, &hex(&digest)).await
    }

    /// The SHA-256 of the bytes of a link.
    async fn digest(&self, row: &LinkRow) -> anyhow::Result<[u8; 32]> {
        let bridge = self.config.bridge(&row.bridge);
        let bridge = bridge.context("its bridge is not configured any more")?;
        let order = Order {
            max_bytes: None,
            whole_only: false,
            ..Order::of(row, bridge, MediaVariant::Original)
        };
        let all = RequestConditions::default();
        let mut body = self.media.open(&order, all).await?.body;
        let mut digest = Sha256::new();
        while let Some(piece) = body.next().await {
            digest.update(piece?);
        }
        Ok(digest.finalize().into())
    }

    async fn deny(&self, kind: DenyKind, value: &str) -> anyhow::Result<()> {
        let denial = Denial::parse(kind, value).map_err(anyhow::Error::msg)?;
        deny::put(&self.database, &denial, self.reason.clone()).await?;
        println!("{denial} is denied now");
        Ok(())
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

fn hex(digest: &[u8; 32]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}
