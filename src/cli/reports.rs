//! `reports`: what readers have reported, on the database.

use std::process::ExitCode;

use crate::{
    app::Stores,
    config::Config,
    storage::reports::{self, ReportSummary},
};

use super::terminal::{Terminal, moment};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Shows reports, newest first: as a table on a terminal, elsewhere one JSON object a line.
    List {
        /// How many at most.
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
    let listed = reports::list(database.reader(), limit).await?;
    if let Some(terminal) = Terminal::unless(json) {
        let head = ["id", "made", "link", "bridge", "reason", "note", "sender"];
        let rows: Vec<_> = listed.into_iter().map(row).collect();
        print!("{}", terminal.table(head, &rows));
        return Ok(ExitCode::SUCCESS);
    }
    for report in listed {
        println!("{}", serde_json::to_string(&report)?);
    }
    Ok(ExitCode::SUCCESS)
}

fn row(report: ReportSummary) -> [String; 7] {
    [
        report.id.to_string(),
        moment(Some(report.created_at)),
        report.link_id,
        report.bridge,
        report.reason,
        report.note,
        report.sender,
    ]
}
