//! `links`: the same as the API, on the database.

use std::{io::Read as _, process::ExitCode};

use anyhow::bail;
use serde_json::json;

use crate::{
    app::Stores,
    clock::Clock,
    config::Config,
    key_store::KeyStore,
    links::{LinkViews, Revoker},
    operations::{self, Auditor, PastedLink, RecordedLink, count_live, find_link},
    storage::{
        Database, Opener,
        links::{self, Criteria, LinkRow},
    },
};
use medialink_link::LinkState;

use super::{
    progress::shown,
    terminal::{Terminal, moment},
};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Shows links, newest first: as a table on a terminal, elsewhere one JSON object a line.
    List {
        #[command(flatten)]
        which: Which,
        /// Only those in this state: live, expired, revoked, redacted, gone or spent.
        #[arg(long)]
        state: Option<String>,
        /// How many at most.
        #[arg(long, default_value_t = 100)]
        limit: i64,
        /// JSON on a terminal as well.
        #[arg(long)]
        json: bool,
    },
    /// Shows links, one JSON object a line; exit 1 if one of them is none.
    Show {
        /// Pasted URLs or IDs; `-` reads them from standard input, so that they are in no list of
        /// processes.
        #[arg(required = true)]
        links: Vec<String>,
    },
    /// Revokes links, or all live links that match everything that is given.
    Revoke {
        /// Pasted URLs or IDs; `-` reads them from standard input. Exit 1 if one of them is none.
        links: Vec<String>,
        #[command(flatten)]
        which: Which,
        /// Those issued before this time, in milliseconds since the epoch.
        #[arg(long)]
        issued_before_ts: Option<i64>,
        #[command(flatten)]
        how: How,
    },
}

/// How links are revoked.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(super) struct How {
    /// Only says which links would end, or how many.
    #[arg(long)]
    dry_run: bool,
    /// Prints what was done, or would be, as JSON, one object a line.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
pub(super) struct Which {
    /// Only those of this bridge.
    #[arg(long)]
    bridge: Option<String>,
    /// Only those of this room.
    #[arg(long)]
    room: Option<String>,
    /// Only those of this event.
    #[arg(long)]
    event: Option<String>,
    /// Only those of this media.
    #[arg(long)]
    mxc: Option<String>,
    /// Only those of media that this user shared.
    #[arg(long)]
    sender: Option<String>,
}

impl Which {
    fn criteria(self) -> (Option<String>, Criteria) {
        let criteria = Criteria {
            room_id: self.room,
            event_id: self.event,
            mxc: self.mxc,
            sender: self.sender,
            ..Criteria::default()
        };
        (self.bridge, criteria)
    }
}

pub(super) async fn run(config: &Config, command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::List {
            which,
            state,
            limit,
            json,
        } => list(config, which, state.as_deref(), limit, json).await,
        Command::Show { links } => Pasted::open(config).await?.show(&links).await,
        Command::Revoke {
            links,
            which,
            issued_before_ts,
            how,
        } => {
            let (bridge, mut criteria) = which.criteria();
            criteria.issued_before = issued_before_ts;
            match (links.is_empty(), criteria.is_empty()) {
                (true, true) => bail!(
                    "nothing is given; links, or at least one of --room, --event, --mxc, --sender and --issued-before-ts are needed"
                ),
                (false, false) => bail!(
                    "links are given together with --room, --event, --mxc, --sender or --issued-before-ts; allowed is one of both"
                ),
                (false, true) => {
                    let pasted = Pasted::open(config).await?;
                    pasted.revoke(&links, bridge.as_deref(), how).await
                }
                (true, false) => revoke_matching(config, bridge.as_deref(), criteria, how).await,
            }
        }
    }
}

async fn list(
    config: &Config,
    which: Which,
    state: Option<&str>,
    limit: i64,
    is_json: bool,
) -> anyhow::Result<ExitCode> {
    let clock = Clock::default();
    let (bridge, mut criteria) = which.criteria();
    if let Some(word) = state {
        let Some(state) = LinkState::parse(word) else {
            bail!(
                "--state: found {word:?}; allowed are live, expired, revoked, redacted, gone and spent"
            );
        };
        criteria.state = Some(state);
    }
    let Stores { database, keys, .. } = Stores::open(config, Opener::Command, &clock).await?;
    let (reader, now) = (database.reader(), clock.now_ms());
    let views = LinkViews::new(keys, config, clock);
    let listed = links::list(reader, bridge.as_deref(), &criteria, None, limit, now).await?;
    if let Some(terminal) = Terminal::unless(is_json) {
        let rows: Vec<_> = listed.iter().map(|row| cells(row, now)).collect();
        print!("{}", terminal.table(HEAD, &rows));
        return Ok(ExitCode::SUCCESS);
    }
    for row in listed {
        println!("{}", serde_json::to_string(&views.view(&row))?);
    }
    Ok(ExitCode::SUCCESS)
}

const HEAD: [&str; 8] = [
    "id", "state", "issued", "expires", "follows", "bridge", "room", "media",
];

/// A link for a table, which tells no URL.
fn cells(row: &LinkRow, now: i64) -> [String; 8] {
    let room = row.claims.room().map(ToString::to_string);
    [
        row.link_id.clone(),
        row.state_at(now).as_str().to_owned(),
        moment(Some(row.issued_at)),
        moment(row.expires_at),
        row.follows.to_string(),
        row.bridge.clone(),
        room.unwrap_or_default(),
        row.claims.mxc.to_string(),
    ]
}

async fn revoke_matching(
    config: &Config,
    bridge: Option<&str>,
    criteria: Criteria,
    how: How,
) -> anyhow::Result<ExitCode> {
    // Also while the key file is missing.
    let database = Stores::open_database(config).await?;
    let clock = Clock::default();
    if how.dry_run {
        let counting = count_live(&database, bridge, criteria, &clock);
        let live = shown("counting", counting).await?;
        if how.json {
            println!("{}", json!({"live": live}));
        } else {
            println!("{live} links would be revoked");
        }
        return Ok(ExitCode::SUCCESS);
    }
    let auditor = Auditor::of_command(&database, &clock);
    let revoker = Revoker::new(database, config, clock);
    let revoking = operations::revoke_matching(&revoker, bridge, criteria, &auditor);
    let revoked = shown("revoking", revoking).await?;
    if how.json {
        println!(
            "{}",
            json!({"revoked": revoked.links, "remembered": revoked.remembered})
        );
        return Ok(ExitCode::SUCCESS);
    }
    println!("{} links revoked", revoked.links);
    if !revoked.remembered {
        println!(
            "links that were signed elsewhere and not followed yet do not tell their sender: they live on"
        );
    }
    Ok(ExitCode::SUCCESS)
}

/// Links that were pasted, and what the database has of them.
struct Pasted<'a> {
    database: Database,
    keys: KeyStore,
    config: &'a Config,
    clock: Clock,
}

impl<'a> Pasted<'a> {
    async fn open(config: &'a Config) -> anyhow::Result<Self> {
        let clock = Clock::default();
        let Stores { database, keys, .. } = Stores::open(config, Opener::Command, &clock).await?;
        Ok(Self {
            database,
            keys,
            config,
            clock,
        })
    }

    /// The links in the order in which they are given, or why one is none. A link itself is a secret
    /// and is not repeated.
    async fn find(
        &self,
        arguments: &[String],
    ) -> anyhow::Result<Vec<Result<RecordedLink, String>>> {
        let mut found = Vec::new();
        for (number, text) in texts(arguments)?.iter().enumerate() {
            let number = number + 1;
            let Some(link) = PastedLink::read(text, &self.keys, self.config) else {
                found.push(Err(format!("link {number}: not a link of this service")));
                continue;
            };
            let link_id = link.link_id();
            let recorded = find_link(&self.database, self.config, &link_id).await?;
            found.push(recorded.ok_or_else(|| {
                format!(
                    "link {number}: no link is recorded with the ID {link_id}; of links that were signed elsewhere and not followed yet, only --room, --event and --mxc revoke"
                )
            }));
        }
        Ok(found)
    }

    async fn show(&self, arguments: &[String]) -> anyhow::Result<ExitCode> {
        let views = LinkViews::new(self.keys.clone(), self.config, self.clock.clone());
        let mut code = ExitCode::SUCCESS;
        for found in self.find(arguments).await? {
            match found {
                Ok(found) => {
                    let view = views.view_found(&found.link_id, &found.link);
                    println!("{}", serde_json::to_string(&view)?);
                }
                Err(problem) => {
                    eprintln!("medialink: {problem}");
                    code = ExitCode::FAILURE;
                }
            }
        }
        Ok(code)
    }

    /// Revokes links one by one: those that are none do not keep the others alive.
    async fn revoke(
        &self,
        arguments: &[String],
        bridge: Option<&str>,
        how: How,
    ) -> anyhow::Result<ExitCode> {
        let revoker = Revoker::new(self.database.clone(), self.config, self.clock.clone());
        let auditor = Auditor::of_command(&self.database, &self.clock);
        let mut code = ExitCode::SUCCESS;
        for found in self.find(arguments).await? {
            let outcome = match found {
                Ok(found) if bridge.is_some_and(|bridge| bridge != found.bridge) => Err(format!(
                    "{} is a link of the bridge {}",
                    found.link_id, found.bridge
                )),
                Ok(found) if how.dry_run => {
                    let state = found.link.state_at(self.clock.now_ms());
                    Ok((found.link_id, state))
                }
                Ok(found) => {
                    let revoking = operations::revoke_one(&revoker, &found, &auditor, &self.clock);
                    match revoking.await? {
                        Some(link) => Ok((found.link_id, link.state_at(self.clock.now_ms()))),
                        None => Err(format!("{} is not there any more", found.link_id)),
                    }
                }
                Err(problem) => Err(problem),
            };
            match outcome {
                Ok((link_id, state)) => told(&link_id, state, how),
                Err(problem) => {
                    eprintln!("medialink: {problem}");
                    code = ExitCode::FAILURE;
                }
            }
        }
        Ok(code)
    }
}

/// What has become of a link, or would.
fn told(link_id: &str, state: LinkState, how: How) {
    let would_end = how.dry_run && state == LinkState::Live;
    match (how.json, how.dry_run) {
        (true, true) => println!(
            "{}",
            json!({"link_id": link_id, "state": state.as_str(), "would_be_revoked": would_end})
        ),
        (true, false) => println!("{}", json!({"link_id": link_id, "state": state.as_str()})),
        (false, _) if would_end => println!("{link_id}: live, would be revoked"),
        (false, _) => println!("{link_id}: {}", state.as_str()),
    }
}

/// The pasted texts; those of standard input in place of `-`.
fn texts(arguments: &[String]) -> anyhow::Result<Vec<String>> {
    let mut texts = Vec::new();
    for argument in arguments {
        if argument == "-" {
            let mut input = String::new();
            std::io::stdin().take(1 << 20).read_to_string(&mut input)?;
            texts.extend(input.split_whitespace().map(str::to_owned));
        } else {
            texts.push(argument.clone());
        }
    }
    Ok(texts)
}
