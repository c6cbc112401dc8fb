//! `matrix-test-server`: the homeserver as a program of its own.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use matrix_test_server::{Appservice, EmbeddedHomeserver, Options};
use tokio::signal::unix::{SignalKind, signal};

/// A small Matrix homeserver in memory, for tests of bridges and appservices. It forgets
/// everything when it stops, and its routes below /_demo need no authentication.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// Where to listen; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:8008")]
    listen: SocketAddr,
    /// The server name in user IDs and mxc URIs.
    #[arg(long, default_value = "localhost")]
    server_name: String,
    /// The registration file of an appservice, in YAML. May be repeated.
    #[arg(long, value_name = "FILE")]
    registration: Vec<PathBuf>,
    /// Gives media content tokens and counts their use (MSC3910).
    #[arg(long)]
    content_tokens: bool,
    /// Ties media to events (MSC3911).
    #[arg(long)]
    linked_media: bool,
    /// Honours `Range` on downloads.
    #[arg(long)]
    ranges: bool,
    /// How many seconds a clean-up spares young media.
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    grace: u64,
    /// The longest upload that is taken, in bytes.
    #[arg(long, value_name = "BYTES", default_value_t = 100 << 20)]
    max_upload: u64,
}

impl Arguments {
    fn options(self) -> Result<Options, Box<dyn std::error::Error>> {
        let read = |path: &PathBuf| Appservice::from_file(path, &self.server_name);
        let appservices = self.registration.iter().map(read);
        Ok(Options {
            appservices: appservices.collect::<Result<_, _>>()?,
            server_name: self.server_name,
            content_tokens: self.content_tokens,
            linked_media: self.linked_media,
            ranges: self.ranges,
            grace: Duration::from_secs(self.grace),
            max_upload_bytes: self.max_upload,
            bind: self.listen,
            ..Options::default()
        })
    }
}

/// Serves until SIGINT or SIGTERM.
async fn serve(arguments: Arguments) -> Result<(), Box<dyn std::error::Error>> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let homeserver = EmbeddedHomeserver::start(arguments.options()?).await?;
    println!("{}", homeserver.url());
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    homeserver.stop().await;
    Ok(())
}

#[tokio::main]
async fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .with_max_level(tracing::Level::WARN)
        .with_writer(std::io::stderr)
        .init();
    match serve(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("matrix-test-server: {error}");
            ExitCode::FAILURE
        }
    }
}
