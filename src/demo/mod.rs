//! The demo: everything with nothing configured.

pub mod homeserver;

use std::process::ExitCode;

/// What the demo is asked for.
#[derive(Debug, Clone, Copy, clap::Args)]
pub struct DemoArguments {
    /// Does the round by itself, checks every step, and exits 0 or 1.
    #[arg(long)]
    once: bool,
}

/// Runs the demo.
///
/// # Errors
/// If something cannot be started.
pub async fn run(_: DemoArguments) -> anyhow::Result<ExitCode> {
    Ok(ExitCode::SUCCESS)
}
