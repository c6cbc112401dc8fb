//! `usage`: how media is counted, on the database.

use std::{collections::BTreeMap, process::ExitCode, sync::Arc};

use anyhow::bail;
use serde_json::json;

use crate::{
    app::Stores,
    clock::Clock,
    config::Config,
    homeserver::Homeserver,
    operations::{Auditor, retry_usage},
    storage::{
        Reader,
        meta_events::{self, MetaEventSummary},
    },
    usage::{ReconcileReport, ReconcileScope, Reconciler},
};
use medialink_link::matrix::RoomId;

use super::{progress::shown, terminal::Terminal};

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
        /// Prints all of it as one JSON object.
        #[arg(long)]
        json: bool,
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
        /// Prints what came of it as one JSON object.
        #[arg(long)]
        json: bool,
    },
}

pub(super) async fn run(config: Config, command: Command) -> anyhow::Result<ExitCode> {
    let database = Stores::open_database(&config).await?;
    let clock = Clock::default();
    match command {
        Command::List { state, limit, json } => {
            list(database.reader(), state.as_deref(), limit, json).await?;
        }
        Command::Retry => {
            let auditor = Auditor::of_command(&database, &clock);
            let retried = retry_usage(&database, &auditor, &clock).await?;
            println!("{retried} usages wait to be counted again");
        }
        Command::Reconcile { bridge, room, json } => {
            if let Some(id) = bridge.as_deref().filter(|id| config.bridge(id).is_none()) {
                bail!("--bridge: there is no bridge {id:?}");
            }
            let homeserver = Arc::new(Homeserver::new(config.homeserver.clone())?);
            let scope = ReconcileScope {
                bridge,
                room_id: room.map(|room| room.to_string()),
            };
            let auditor = Auditor::of_command(&database, &clock);
            let subject = words(&scope);
            let reconciler = Reconciler::new(database, config.into(), clock, homeserver);
            let work = auditor.during(
                "usage reconcile",
                subject,
                reconciler.compare(scope),
                |report| report.rooms,
            );
            let report = shown("comparing", work).await?;
            if json {
                println!("{}", serde_json::to_string(&report)?);
            } else {
                print(&report);
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Which rooms are compared.
fn words(scope: &ReconcileScope) -> String {
    let bridge = scope.bridge.as_deref().unwrap_or("all bridges");
    let room_id = scope.room_id.as_deref().unwrap_or("all rooms");
    format!("{bridge}, {room_id}")
}

async fn list(
    reader: &Reader,
    state: Option<&str>,
    limit: i64,
    is_json: bool,
) -> anyhow::Result<()> {
    if let Some(word) = state.filter(|word| !STATES.contains(word)) {
        bail!("--state: found {word:?}; allowed are {}", STATES.join(", "));
    }
    let usages = meta_events::count_usages(reader).await?;
    let events = meta_events::list(reader, state, limit).await?;
    if is_json {
        let usages: BTreeMap<String, i64> = usages.into_iter().collect();
        println!("{}", json!({"usages": usages, "meta_events": events}));
        return Ok(());
    }
    for (state, count) in usages {
        println!("usages {state}: {count}");
    }
    if let Some(terminal) = Terminal::unless(is_json) {
        let head = [
            "id", "state", "bridge", "media", "attempts", "room", "event", "error",
        ];
        let rows: Vec<_> = events.into_iter().map(row).collect();
        print!("{}", terminal.table(head, &rows));
        return Ok(());
    }
    for event in events {
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
    Ok(())
}

fn row(event: MetaEventSummary) -> [String; 8] {
    [
        event.id.to_string(),
        event.state,
        event.bridge,
        event.media.to_string(),
        event.attempts.to_string(),
        event.room_id,
        event.event_id.unwrap_or_default(),
        event.last_error.unwrap_or_default(),
    ]
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
