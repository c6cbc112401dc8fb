//! `medialink demo`.

use std::process::ExitCode;

/// The arguments of `medialink demo`.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(super) struct Arguments {
    /// Does the round by itself, checks every step, and exits 0 or 1.
    #[arg(long)]
    once: bool,
}

#[cfg(feature = "demo")]
pub(super) async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    crate::demo::run(arguments.once).await
}

#[cfg(not(feature = "demo"))]
pub(super) async fn run(Arguments { once: _ }: Arguments) -> anyhow::Result<ExitCode> {
    anyhow::bail!(
        "this build has no demo: `cargo run -- demo` in the source tree builds and runs it (feature `demo`)"
    )
}
