//! The command line.

mod audit;
mod backup;
mod check;
mod check_database;
mod demo;
mod deny;
mod doctor;
mod health;
mod init;
mod inspect;
mod keys;
mod keys_import;
mod keys_list;
mod link_argument;
mod links;
mod made_by_clap;
mod make_thumbnail;
mod migrate;
mod progress;
mod purge;
mod registration;
mod reports;
mod serve;
mod sign;
mod takedown;
mod terminal;
mod usage;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{CommandFactory as _, Parser, Subcommand};

use crate::{config::Config, telemetry};

/// Signs, validates and serves links to Matrix media for people on the other side of a bridge, and
/// tells the homeserver that the media is in use.
#[derive(Debug, Parser)]
#[command(name = "medialink", version)]
struct Arguments {
    /// The configuration file.
    #[arg(
        long,
        global = true,
        env = "MEDIALINK_CONFIG",
        default_value = "bridge.yaml"
    )]
    config: PathBuf,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs the service; migrates the database first.
    Serve,
    /// Runs everything with nothing configured: a homeserver with content tokens, a room, sample
    /// media, links to click.
    Demo(demo::Arguments),
    /// Writes what a first start needs: configuration, tokens, keys and registration. Asks for the few things that
    /// have to be known; reads the files of a bridge that is there already.
    Init(Box<init::Arguments>),
    /// Reads the configuration and says what is wrong with it (exit 2).
    Check(check::Arguments),
    /// Asks the homeserver, the database and the public URL whether all is well, and says what to mend: exit 0 if
    /// nothing has to be, 1 if something has, 2 if the configuration is wrong.
    Doctor(doctor::Arguments),
    /// Asks the running service whether it lives; exit 1 if it does not.
    Health(health::Arguments),
    /// Prints the appservice registration for the homeserver.
    Registration(registration::Arguments),
    /// The key ring.
    #[command(subcommand)]
    Keys(keys::Command),
    /// Makes a link as the API would, and prints its URL.
    Sign(sign::Arguments),
    /// What a link says, whatever the time; exit 1 if it is none.
    Inspect(inspect::Arguments),
    /// Links, on the database.
    #[command(subcommand)]
    Links(links::Command),
    /// How media is counted, on the database.
    #[command(subcommand)]
    Usage(usage::Command),
    /// What readers have reported, on the database.
    #[command(subcommand)]
    Reports(reports::Command),
    /// What gets no link or no service, on the database.
    #[command(subcommand)]
    Deny(deny::Command),
    /// Has bytes be served by nobody any more, under whatever mxc URI; revokes the links to them.
    Takedown(takedown::Arguments),
    /// What operators have done, by commands and by the console.
    #[command(subcommand)]
    Audit(audit::Command),
    /// Moves the database: from a SQLite file to a PostgreSQL server, or back; to go on after it was
    /// stopped, run it again.
    Migrate(migrate::Arguments),
    /// Copies the database into a file, also while the service runs.
    Backup(backup::Arguments),
    /// Erases what is known of a user or of a room: their links end, and nothing but a trace stays by which they go on
    /// answering that they are over.
    Purge(purge::Arguments),
    /// Prints the completions for a shell.
    Completions(made_by_clap::Completions),
    /// Writes the pages of the manual into a folder.
    Man(made_by_clap::Man),
    /// Makes a thumbnail of an image; the service runs it, with limits.
    #[command(hide = true)]
    MakeThumbnail(make_thumbnail::Arguments),
}

/// Runs the command that the arguments name.
#[must_use]
pub fn run() -> ExitCode {
    let arguments = Arguments::parse_from(link_argument::guarded(std::env::args_os()));
    if let Command::MakeThumbnail(arguments) = &arguments.command {
        // Neither logs nor threads: it has no memory for them.
        return make_thumbnail::run(arguments);
    }
    // The demo's own output is not to be lost among log lines.
    let _logs = telemetry::start_logs(if matches!(arguments.command, Command::Demo(_)) {
        "error"
    } else {
        "info"
    });
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("medialink: no runtime could be started: {error}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(dispatch(arguments)) {
        Ok(code) => code,
        Err(error) => {
            let told = format!("{error:#}");
            eprintln!("medialink: {}", telemetry::masked(&told).unwrap_or(told));
            ExitCode::FAILURE
        }
    }
}

async fn dispatch(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let path = arguments.config;
    match &arguments.command {
        Command::Demo(arguments) => return demo::run(*arguments).await,
        Command::Init(arguments) => return init::run(&path, arguments),
        Command::Completions(arguments) => {
            return made_by_clap::completions(Arguments::command(), arguments);
        }
        Command::Man(arguments) => return made_by_clap::man(Arguments::command(), arguments),
        _ => {}
    }
    let config = match Config::load(&path) {
        Ok(config) => config,
        Err(error) => {
            for problem in &error.problems {
                eprintln!("{}: {problem}", path.display());
            }
            return Ok(ExitCode::from(2));
        }
    };
    match arguments.command {
        Command::Demo(_)
        | Command::Init(_)
        | Command::Completions(_)
        | Command::Man(_)
        | Command::MakeThumbnail(_) => Ok(ExitCode::SUCCESS),
        Command::Serve => serve::run(path, config).await,
        Command::Check(arguments) => check::run(&path, &config, &arguments).await,
        Command::Doctor(arguments) => doctor::run(&path, &config, &arguments).await,
        Command::Health(arguments) => health::run(&config, &arguments).await,
        Command::Registration(arguments) => registration::run(&config, &arguments),
        Command::Keys(command) => {
            let folder = path.parent().unwrap_or(Path::new(""));
            keys::run(&config, folder, command).await
        }
        Command::Sign(arguments) => sign::run(config, arguments).await,
        Command::Inspect(arguments) => inspect::run(&config, &arguments).await,
        Command::Links(command) => links::run(&config, command).await,
        Command::Usage(command) => usage::run(config, command).await,
        Command::Reports(command) => reports::run(&config, command).await,
        Command::Deny(command) => deny::run(&config, command).await,
        Command::Takedown(arguments) => takedown::run(config, arguments).await,
        Command::Audit(command) => audit::run(&config, command).await,
        Command::Migrate(arguments) => migrate::run(&config, arguments).await,
        Command::Purge(arguments) => purge::run(&config, arguments).await,
        Command::Backup(arguments) => backup::run(&config, arguments).await,
    }
}
