//! `audit`: what operators have done, on the database.

use std::process::ExitCode;

use crate::{
    app::Stores,
    config::Config,
    storage::audit::{self, AuditEntry},
};

use super::terminal::{Terminal, moment};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Shows what was done by commands and by the console, the newest first: as a table on a terminal, elsewhere one
    /// JSON object a line.
    List {
        /// How many entries at most.
        #[arg(long, default_value_t = 100)]
        limit: i64,
        /// JSON on a terminal as well.
        #[arg(long)]
        json: bool,
    },
}

pub(super) async fn run(config: &Config, command: Command) -> anyhow::Result<ExitCode> {
    let Command::List { limit, json } = command;
    let database = Stores::open_database(config).await?;
    let listed = audit::list(database.reader(), i64::MAX, limit).await?;
    if let Some(terminal) = Terminal::unless(json) {
        let head = ["id", "time", "who", "what", "on", "how many"];
        let rows: Vec<_> = listed.into_iter().map(row).collect();
        print!("{}", terminal.table(head, &rows));
        return Ok(ExitCode::SUCCESS);
    }
    for entry in listed {
        println!("{}", serde_json::to_string(&entry)?);
    }
    Ok(ExitCode::SUCCESS)
}

fn row(entry: AuditEntry) -> [String; 6] {
    let affected = entry.affected.map(|affected| affected.to_string());
    [
        entry.id.to_string(),
        moment(Some(entry.done_at)),
        entry.actor,
        entry.deed,
        entry.subject,
        affected.unwrap_or_default(),
    ]
}
