//! `backup`: copies the database while a service runs on it.

use std::{path::PathBuf, process::ExitCode};

use anyhow::{Context, bail};

use crate::{
    config::{Config, DatabasePlace, KeyPlace},
    storage::Database,
};

use super::progress::shown;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Where the copy goes; nothing may be there yet.
    file: PathBuf,
}

pub(super) async fn run(config: &Config, arguments: Arguments) -> anyhow::Result<ExitCode> {
    let Arguments { file } = arguments;
    let DatabasePlace::Sqlite(database) = &config.database.place else {
        bail!(
            "the database is on a PostgreSQL server, which has tools of its own for this: pg_dump, or pg_basebackup"
        );
    };
    shown("copying", Database::back_up(database, &file))
        .await
        .with_context(|| format!("{} is not copied", database.display()))?;
    println!("{}: a copy of {}", file.display(), database.display());
    if let KeyPlace::File(keys) = &config.key_file {
        println!(
            "{}: the key file is not part of it; without it, no link of the copy opens",
            keys.display()
        );
    }
    if config.database.root_secret.is_some() {
        println!("the root secret is not part of it either; without it, its secrets do not open");
    }
    Ok(ExitCode::SUCCESS)
}
