//! `migrate`: moves a whole database into another.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::{Context as _, anyhow, bail};

use crate::{
    config::{Config, DatabaseConfig},
    storage::moving::{self, Moved, Step, Work},
};

/// How often a table tells how far it is.
const TELL_EVERY: Duration = Duration::from_secs(2);

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Where the database is: sqlite:<path> or postgres://<user>@<host>/<name>. Left out, it is that of
    /// the configuration. No service may run on it.
    #[arg(long)]
    from: Option<String>,
    /// A file with the password of --from; a URL with a password is refused, since everybody sees
    /// arguments.
    #[arg(long, requires = "from")]
    from_password_file: Option<PathBuf>,
    /// Where it goes: an empty database, or a SQLite file that is not there yet. Left out, it is that of
    /// the configuration.
    #[arg(long)]
    to: Option<String>,
    /// A file with the password of --to.
    #[arg(long, requires = "to")]
    to_password_file: Option<PathBuf>,
    /// Prints what was moved as one JSON object.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(config: &Config, arguments: Arguments) -> anyhow::Result<ExitCode> {
    if arguments.from.is_none() && arguments.to.is_none() {
        bail!(
            "nothing is given; --from, --to or both are needed: the one left out is the database of the configuration"
        );
    }
    let read = |option, text: Option<&str>, password: Option<&Path>| match text {
        Some(text) => DatabaseConfig::of_option(option, text, password).map_err(|why| anyhow!(why)),
        None => Ok(config.database.clone()),
    };
    let from = arguments.from.as_deref();
    let from = read("--from", from, arguments.from_password_file.as_deref())?;
    let to = arguments.to.as_deref();
    let to = read("--to", to, arguments.to_password_file.as_deref())?;
    let mut telling = Telling::default();
    let moved = moving::move_all(&from, &to, &mut |step| telling.tell(step))
        .await
        .with_context(|| format!("{from} is not moved to {to}"))?;
    print(&moved, arguments.json)?;
    Ok(ExitCode::SUCCESS)
}

fn print(moved: &Moved, is_json: bool) -> anyhow::Result<()> {
    if is_json {
        println!("{}", serde_json::to_string(moved)?);
        return Ok(());
    }
    for table in moved.tables.iter().filter(|table| table.rows > 0) {
        println!(
            "{}: {} rows, SHA-256 {}",
            table.name, table.rows, table.sha256
        );
    }
    let rows: i64 = moved.tables.iter().map(|table| table.rows).sum();
    println!(
        "{rows} rows of {} tables have moved from {} to {}, and are the same there",
        moved.tables.len(),
        moved.from,
        moved.to
    );
    Ok(())
}

/// Tells on standard error how far a move is.
#[derive(Default)]
struct Telling {
    last: Option<Instant>,
}

impl Telling {
    fn tell(&mut self, step: Step<'_>) {
        let is_due = self.last.is_none_or(|last| last.elapsed() >= TELL_EVERY);
        let is_at_end = step.rows == step.of;
        if step.of == 0 || !(is_due || is_at_end) {
            return;
        }
        self.last = Some(Instant::now());
        let work = match step.work {
            Work::Moving => "moving",
            Work::Comparing => "comparing",
        };
        eprintln!("{work} {}: {} of {} rows", step.table, step.rows, step.of);
    }
}
