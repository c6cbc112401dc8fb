//! `deny`: the list of what gets no link or no service, on the database. A running service notices within a second.

use std::process::ExitCode;

use crate::{
    app::Stores,
    clock::Clock,
    config::{Config, Denial, DenyKind},
    operations::{Auditor, check_reason, deny, undeny},
    storage::denials::{self, StoredDenial},
};

use super::terminal::Terminal;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Puts something on the list.
    Add {
        #[command(flatten)]
        entry: Entry,
        /// Why, for the operator; readers are not told.
        #[arg(long, default_value = "")]
        reason: String,
    },
    /// Takes something from the list. What the configuration denies is not on it.
    Remove(Entry),
    /// Shows the list: as a table on a terminal, elsewhere one JSON object a line.
    List {
        /// JSON on a terminal as well.
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, clap::Args)]
pub(super) struct Entry {
    /// `server`, `room`, `sender`, `media`, `media_type`, `client` or `sha256`.
    kind: DenyKind,
    /// What is denied: a name, an ID, an mxc URI, a type, an address or network, or a SHA-256; * stands for anything
    /// where it is a name, an ID, a URI or a type.
    value: String,
}

impl Entry {
    fn read(&self) -> anyhow::Result<Denial> {
        Denial::parse(self.kind, &self.value)
            .map_err(|problem| anyhow::anyhow!("{}: {problem}", self.kind.as_str()))
    }
}

pub(super) async fn run(config: &Config, command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Add { entry, reason } => add(config, entry.read()?, reason).await,
        Command::Remove(entry) => remove(config, entry.read()?).await,
        Command::List { json } => list(config, json).await,
    }
}

async fn add(config: &Config, denial: Denial, reason: String) -> anyhow::Result<ExitCode> {
    check_reason(&reason).map_err(|problem| anyhow::anyhow!("--reason: {problem}"))?;
    let database = Stores::open_database(config).await?;
    let clock = Clock::default();
    let auditor = Auditor::of_command(&database, &clock);
    match deny(&database, &denial, reason, (&auditor, &clock)).await? {
        true => println!("{denial} is denied now"),
        false => println!("{denial} is denied already; its reason is this one now"),
    }
    Ok(ExitCode::SUCCESS)
}

async fn remove(config: &Config, denial: Denial) -> anyhow::Result<ExitCode> {
    let database = Stores::open_database(config).await?;
    let auditor = Auditor::of_command(&database, &Clock::default());
    if undeny(&database, &denial, &auditor).await? {
        println!("{denial} is not denied any more");
        return Ok(ExitCode::SUCCESS);
    }
    match config.abuse.deny.contains(&denial) {
        true => println!("{denial} is denied by the configuration, which is not changed"),
        false => println!("{denial} is not on the list"),
    }
    Ok(ExitCode::FAILURE)
}

async fn list(config: &Config, json: bool) -> anyhow::Result<ExitCode> {
    let database = Stores::open_database(config).await?;
    let configured = config.abuse.deny.iter().map(|denial| StoredDenial {
        kind: denial.kind.as_str().to_owned(),
        value: denial.value.clone(),
        reason: "abuse.deny".to_owned(),
        created_at: 0,
    });
    let stored = denials::all(database.reader()).await?;
    let listed = configured.chain(stored);
    if let Some(terminal) = Terminal::unless(json) {
        let head = ["kind", "value", "reason"];
        let rows = listed.map(|entry| [entry.kind, entry.value, entry.reason]);
        print!("{}", terminal.table(head, &rows.collect::<Vec<_>>()));
        return Ok(ExitCode::SUCCESS);
    }
    for entry in listed {
        println!("{}", serde_json::to_string(&entry)?);
    }
    Ok(ExitCode::SUCCESS)
}
