//! `completions` and `man`: what shells and the manual are to know of the commands.

use std::{path::PathBuf, process::ExitCode};

use anyhow::Context as _;
use clap_complete::Shell;

#[derive(Debug, clap::Args)]
pub(super) struct Completions {
    /// The shell.
    shell: Shell,
}

#[derive(Debug, clap::Args)]
pub(super) struct Man {
    /// The folder, which is made if it is not there.
    folder: PathBuf,
}

/// Prints the completions of `command`.
pub(super) fn completions(
    mut command: clap::Command,
    arguments: &Completions,
) -> anyhow::Result<ExitCode> {
    let mut text = Vec::new();
    clap_complete::generate(arguments.shell, &mut command, "medialink", &mut text);
    std::io::Write::write_all(&mut std::io::stdout(), &text)?;
    Ok(ExitCode::SUCCESS)
}

/// Writes one page for each of the commands below `command`, and one for it.
pub(super) fn man(command: clap::Command, arguments: &Man) -> anyhow::Result<ExitCode> {
    let folder = &arguments.folder;
    let shown = || format!("{} cannot be written", folder.display());
    std::fs::create_dir_all(folder).with_context(shown)?;
    // The page of `help` would repeat all others.
    let command = command.disable_help_subcommand(true);
    clap_mangen::generate_to(command, folder).with_context(shown)?;
    Ok(ExitCode::SUCCESS)
}
