//! `init`: writes what a first start needs: the configuration, the tokens, the key file and the registration.

mod answers;
mod arguments;
mod foreign;
mod place;
mod plan;
mod questions;
mod steps;

#[cfg(test)]
mod tests;

use std::{
    io::{IsTerminal as _, stderr, stdin},
    path::Path,
    process::ExitCode,
};

use anyhow::{Context as _, bail};

use crate::config::Config;

pub(super) use self::arguments::Arguments;
use self::{answers::Answers, foreign::Found, place::Placed, plan::Plan};

/// `path`: of the configuration that is to be written.
pub(super) fn run(path: &Path, arguments: &Arguments) -> anyhow::Result<ExitCode> {
    if path.exists() && !arguments.force {
        bail!(
            "{} is there already; allowed is a file that is not there yet, or --force, which keeps the replaced one",
            path.display()
        );
    }
    let found = Found::read(&arguments.from)?;
    for note in &found.notes {
        eprintln!("medialink: {note}");
    }
    let asks = !arguments.yes && stdin().is_terminal() && stderr().is_terminal();
    let answers = if asks {
        Answers::ask(arguments, &found, &mut stdin().lock(), &mut stderr())?
    } else {
        Answers::take(arguments, &found)?
    };
    let plan = Plan::new(path, arguments, &answers, found)?;
    let placed = Placed::place(&plan.files, arguments.force)?;
    // Whatever is wrong with it, nothing of it stays.
    let config = Config::load(path)
        .map_err(|error| anyhow::anyhow!("{}", error.problems.join("\n")))
        .context("nothing is written; what was given cannot be used")?;
    for file in placed.keep() {
        println!("written: {}", file.display());
    }
    steps::tell(path, &plan, &config);
    Ok(ExitCode::SUCCESS)
}
