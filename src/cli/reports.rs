//! `reports`: what readers have reported, on the database.

use std::process::ExitCode;

use crate::{
    app::Stores,
    clock::Clock,
    config::Config,
    operations::{Auditor, mark_report},
    storage::{
        Database,
        reports::{self, ReportSummary},
    },
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
    /// Marks reports as seen to; exit 1 if one of them is none, or is marked already.
    Mark {
        /// Their numbers.
        #[arg(required = true)]
        ids: Vec<i64>,
    },
}

pub(super) async fn run(config: &Config, command: Command) -> anyhow::Result<ExitCode> {
    let database = Stores::open_database(config).await?;
    match command {
        Command::List { limit, json } => list(&database, limit, json).await,
        Command::Mark { ids } => mark(&database, &ids).await,
    }
}

async fn mark(database: &Database, ids: &[i64]) -> anyhow::Result<ExitCode> {
    let clock = Clock::default();
    let auditor = Auditor::of_command(database, &clock);
    let mut code = ExitCode::SUCCESS;
    for id in ids {
        if mark_report(database, *id, &auditor, &clock).await? {
            println!("report {id} is marked as seen to");
        } else {
            eprintln!("medialink: there is no report {id} that is not marked");
            code = ExitCode::FAILURE;
        }
    }
    Ok(code)
}

async fn list(database: &Database, limit: i64, json: bool) -> anyhow::Result<ExitCode> {
    let listed = reports::list(database.reader(), limit).await?;
    if let Some(terminal) = Terminal::unless(json) {
        let head = [
            "id", "made", "link", "bridge", "reason", "note", "sender", "seen to",
        ];
        let rows: Vec<_> = listed.into_iter().map(row).collect();
        print!("{}", terminal.table(head, &rows));
        return Ok(ExitCode::SUCCESS);
    }
    for report in listed {
        println!("{}", serde_json::to_string(&report)?);
    }
    Ok(ExitCode::SUCCESS)
}

fn row(report: ReportSummary) -> [String; 8] {
    [
        report.id.to_string(),
        moment(Some(report.created_at)),
        report.link_id,
        report.bridge,
        report.reason,
        report.note,
        report.sender,
        moment(report.handled_at),
    ]
}
