//! `usage`: how media is counted, on the database.

use std::process::ExitCode;

use anyhow::bail;
use futures_util::FutureExt;

use crate::{
    config::Config,
    storage::{StorageError, media_references, meta_events},
};

const STATES: [&str; 6] = [
    "waiting",
    "sent",
    "redacting",
    "redacted",
    "failed",
    "dropped",
];

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Shows how many usages are in which state, and the newest meta events.
    List {
        /// Only meta events in this state: waiting, sent, redacting, redacted, failed or dropped.
        #[arg(long)]
        state: Option<String>,
        /// How many meta events at most.
        #[arg(long, default_value_t = 20)]
        limit: i64,
    },
    /// Has usages counted whose meta event could not be sent.
    Retry,
}

pub(super) async fn run(config: Config, command: Command) -> anyhow::Result<ExitCode> {
    let service = super::services(config).await?;
    match command {
        Command::List { state, limit } => {
            if let Some(word) = state.as_deref().filter(|word| !STATES.contains(word)) {
                bail!("--state: found {word:?}; allowed are {}", STATES.join(", "));
            }
            let reader = service.database.reader();
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
            let now = service.clock.now_ms();
            let retried = service
                .database
                .writer()
                .write::<_, StorageError, _>(move |c| {
                    media_references::retry_failed(c, None, now).boxed()
                })
                .await?;
            println!("{retried} usages wait to be counted again");
        }
    }
    Ok(ExitCode::SUCCESS)
}
