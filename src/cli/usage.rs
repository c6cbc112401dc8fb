//! `usage`: how media is counted, on the database.

use std::{process::ExitCode, sync::Arc};

use anyhow::bail;
use futures_util::FutureExt;

use crate::{
    app::Stores,
    clock::Clock,
    config::Config,
    homeserver::Homeserver,
    storage::{StorageError, media_references, meta_events},
    usage::{ReconcileReport, ReconcileScope, Reconciler},
};
use medialink_link::matrix::RoomId;

const STATES: [&str; 7] = [
    "waiting",
    "sent",
    "redacting",
    "redacted",
    "lost",
    "failed",
    "dropped",
];

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Shows how many usages are in which state, and the newest meta events.
    List {
        /// Only meta events in this state: waiting, sent, redacting, redacted, lost,
        /// failed or dropped.
        #[arg(long)]
        state: Option<String>,
        /// How many meta events at most.
        #[arg(long, default_value_t = 20)]
        limit: i64,
    },
    /// Has usages counted whose meta event could not be sent.
    Retry,
    /// Compares the ledger with the rooms and mends the difference; a running service sends and
    /// redacts what comes of it.
    Reconcile {
        /// Only the rooms of this bridge.
        #[arg(long)]
        bridge: Option<String>,
        /// Only this room.
        #[arg(long)]
        room: Option<RoomId>,
    },
}

pub(super) async fn run(config: Config, command: Command) -> anyhow::Result<ExitCode> {
    let database = Stores::open_database(&config).await?;
    let clock = Clock::default();
    match command {
        Command::List { state, limit } => {
            if let Some(word) = state.as_deref().filter(|word| !STATES.contains(word)) {
                bail!("--state: found {word:?}; allowed are {}", STATES.join(", "));
            }
            let reader = database.reader();
            for (state, count) in meta_events::count_usages(reader).await? {
                println!("usages {state}: {count}");
            }
            for event in meta_events::list(reader, state.as_deref(), limit).await? {
                println!(
                    "meta event {} {}: bridge {}, room {}, event {}, {} media, {} attempts{}",
                    event.id,
                    event.state,
                    event.bridge,
                    event.room_id,
                    event.event_id.as_deref().unwrap_or("-"),
                    event.media,
                    event.attempts,
                    event
                        .last_error
                        .map(|error| format!(", {error}"))
                        .unwrap_or_default(),
                );
            }
        }
        Command::Retry => {
            let now = clock.now_ms();
            let retried = database
                .writer()
                .write::<_, StorageError, _>(move |c| {
                    media_references::retry_failed(c, None, now).boxed()
                })
                .await?;
            println!("{retried} usages wait to be counted again");
        }
        Command::Reconcile { bridge, room } => {
            if let Some(id) = bridge.as_deref().filter(|id| config.bridge(id).is_none()) {
                bail!("--bridge: there is no bridge {id:?}");
            }
            let homeserver = Arc::new(Homeserver::new(config.homeserver.clone())?);
            let scope = ReconcileScope {
                bridge,
                room_id: room.map(|room| room.to_string()),
            };
            let reconciler = Reconciler::new(database, config.into(), clock, homeserver);
            print(&reconciler.compare(scope).await?);
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn print(report: &ReconcileReport) {
    println!("rooms compared: {}", report.rooms);
    println!("meta events compared: {}", report.events);
    println!("usages counted anew: {}", report.counted_anew);
    println!("meta events found to be sent: {}", report.found);
    println!("meta events redacted again: {}", report.redacted_again);
    println!("unknown meta events redacted: {}", report.strays_redacted);
    println!("rooms that could not be read: {}", report.unreadable.len());
    for (bridge, room_id, why) in &report.unreadable {
        println!("bridge {bridge}, room {room_id}: {why}");
    }
}
