//! `links`: the same as the API, on the database.

use std::process::ExitCode;

use anyhow::bail;

use crate::{
    app::Stores,
    clock::Clock,
    config::Config,
    links::{LinkViews, Revoker},
    storage::{
        Opener,
        links::{self, Criteria},
    },
};
use medialink_link::LinkState;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Shows links, newest first, one JSON object a line.
    List {
        #[command(flatten)]
        which: Which,
        /// Only those in this state: live, expired, revoked, redacted or spent.
        #[arg(long)]
        state: Option<String>,
        /// How many at most.
        #[arg(long, default_value_t = 100)]
        limit: i64,
    },
    /// Revokes all live links that match everything that is given.
    Revoke {
        #[command(flatten)]
        which: Which,
        /// Those of media that this user shared.
        #[arg(long)]
        sender: Option<String>,
        /// Those issued before this time, in milliseconds since the epoch.
        #[arg(long)]
        issued_before_ts: Option<i64>,
    },
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
}

impl Which {
    fn criteria(self) -> (Option<String>, Criteria) {
        let criteria = Criteria {
            room_id: self.room,
            event_id: self.event,
            mxc: self.mxc,
            ..Criteria::default()
        };
        (self.bridge, criteria)
    }
}

pub(super) async fn run(config: &Config, command: Command) -> anyhow::Result<ExitCode> {
    let clock = Clock::default();
    match command {
        Command::List {
            which,
            state,
            limit,
        } => {
            let (bridge, mut criteria) = which.criteria();
            if let Some(word) = state {
                let Some(state) = LinkState::parse(&word) else {
                    bail!(
                        "--state: found {word:?}; allowed are live, expired, revoked, redacted and spent"
                    );
                };
                criteria.state = Some(state);
            }
            let Stores { database, keys, .. } =
                Stores::open(config, Opener::Command, &clock).await?;
            let (reader, now) = (database.reader(), clock.now_ms());
            let views = LinkViews::new(keys, config, clock);
            for row in links::list(reader, bridge.as_deref(), &criteria, None, limit, now).await? {
                println!("{}", serde_json::to_string(&views.view(&row))?);
            }
        }
        Command::Revoke {
            which,
            sender,
            issued_before_ts,
        } => {
            let (bridge, mut criteria) = which.criteria();
            criteria.sender = sender;
            criteria.issued_before = issued_before_ts;
            if criteria.is_empty() {
                bail!(
                    "nothing is given; at least one of --room, --event, --mxc, --sender and --issued-before-ts is needed"
                );
            }
            // Also while the key file is missing.
            let database = Stores::open_database(config).await?;
            let revoker = Revoker::new(database, config, clock);
            let revoked = revoker.revoke(bridge.as_deref(), criteria).await?;
            println!("{} links revoked", revoked.links);
            if !revoked.remembered {
                println!(
                    "links that were signed elsewhere and not followed yet do not tell their sender: they live on"
                );
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}
