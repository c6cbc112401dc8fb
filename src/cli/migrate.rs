//! `migrate`: moves a whole database into another.

use std::{
    io::IsTerminal as _,
    path::{Path, PathBuf},
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::{Context as _, anyhow, bail};

use crate::{
    config::{Config, DatabaseConfig, RootSecret},
    storage::moving::{self, Moved, Step, Work},
};

use super::progress::Bar;

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
    /// A file with the root secret of --from, if its secrets are sealed under another one than that of the
    /// configuration.
    #[arg(long, requires = "from")]
    from_root_secret_file: Option<PathBuf>,
    /// Where it goes: an empty database, or a SQLite file that is not there yet. Left out, it is that of
    /// the configuration.
    #[arg(long)]
    to: Option<String>,
    /// A file with the password of --to.
    #[arg(long, requires = "to")]
    to_password_file: Option<PathBuf>,
    /// A file with the root secret of --to, if it is to be another one than that of the configuration. In a
    /// SQLite file, secrets are sealed only if this is given.
    #[arg(long, requires = "to")]
    to_root_secret_file: Option<PathBuf>,
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
    let from = Given {
        option: "--from",
        database: arguments.from.as_deref(),
        password_file: arguments.from_password_file.as_deref(),
        root_secret_file: arguments.from_root_secret_file.as_deref(),
    };
    let to = Given {
        option: "--to",
        database: arguments.to.as_deref(),
        password_file: arguments.to_password_file.as_deref(),
        root_secret_file: arguments.to_root_secret_file.as_deref(),
    };
    let (from, to) = (from.read(config)?, to.read(config)?);
    let mut telling = Telling::default();
    let moved = moving::move_all(&from, &to, &mut |step| telling.tell(step))
        .await
        .with_context(|| format!("{from} is not moved to {to}"))?;
    drop(telling);
    print(&moved, arguments.json)?;
    Ok(ExitCode::SUCCESS)
}

/// What is given of one of the two databases.
struct Given<'a> {
    option: &'static str,
    database: Option<&'a str>,
    password_file: Option<&'a Path>,
    root_secret_file: Option<&'a Path>,
}

impl Given<'_> {
    /// The database that is given, or that of the configuration.
    fn read(&self, config: &Config) -> anyhow::Result<DatabaseConfig> {
        let Some(database) = self.database else {
            return Ok(config.database.clone());
        };
        let option = self.option;
        let root_secret = match self.root_secret_file {
            // What comes into a file may be open there.
            None if option == "--to" && database.starts_with("sqlite:") => None,
            None => config.database.root_secret.clone(),
            Some(file) => {
                let read = RootSecret::read(file);
                Some(read.map_err(|why| anyhow!("{option}-root-secret-file: {why}"))?)
            }
        };
        DatabaseConfig::of_option(option, database, self.password_file, root_secret)
            .map_err(|why| anyhow!(why))
    }
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

/// Tells on standard error how far a move is: by a bar on a terminal, by lines elsewhere.
#[derive(Default)]
struct Telling {
    last: Option<Instant>,
    bar: Bar,
}

impl Telling {
    fn tell(&mut self, step: Step<'_>) {
        let work = match step.work {
            Work::Moving => "moving",
            Work::Comparing => "comparing",
        };
        if std::io::stderr().is_terminal() {
            let [rows, of] = [step.rows, step.of].map(|n| u64::try_from(n).unwrap_or(0));
            self.bar.at(format!("{work} {}", step.table), rows, of);
            return;
        }
        let is_due = self.last.is_none_or(|last| last.elapsed() >= TELL_EVERY);
        let is_at_end = step.rows == step.of;
        if step.of == 0 || !(is_due || is_at_end) {
            return;
        }
        self.last = Some(Instant::now());
        eprintln!("{work} {}: {} of {} rows", step.table, step.rows, step.of);
    }
}
