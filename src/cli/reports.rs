//! `reports`: what readers have reported, on the database.

use std::process::ExitCode;

use crate::{app::Stores, config::Config, storage::reports};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Shows reports, newest first, one JSON object a line.
    List {
        /// How many at most.
        #[arg(long, default_value_t = 100)]
        limit: i64,
    },
}

pub(super) async fn run(config: &Config, command: Command) -> anyhow::Result<ExitCode> {
    let Command::List { limit } = command;
    let database = Stores::open_database(config).await?;
    for report in reports::list(database.reader(), limit).await? {
        println!("{}", serde_json::to_string(&report)?);
    }
    Ok(ExitCode::SUCCESS)
}
