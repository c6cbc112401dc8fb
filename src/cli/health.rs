//! `health`: asks the running service whether it lives, for containers and scripts that have no other client.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    process::ExitCode,
    time::Duration,
};

use anyhow::{Context as _, bail};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::config::Config;

/// How long the answer may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// The most of it that is read, in bytes.
const MOST: u64 = 16 << 10;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Asks as well whether the database takes writes, and the homeserver answers.
    #[arg(long)]
    ready: bool,
}

pub(super) async fn run(config: &Config, arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let address = reachable(config.internal_listen);
    let path = if arguments.ready { "/ready" } else { "/health" };
    let asked = tokio::time::timeout(PATIENCE, ask(address, path)).await;
    let answer = asked
        .ok()
        .with_context(|| format!("{address} does not answer within {} s", PATIENCE.as_secs()))?
        .with_context(|| format!("{address} does not answer"))?;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let status = head.split(' ').nth(1).unwrap_or_default();
    if !head.starts_with("HTTP/1.1 ") || status != "200" {
        bail!(
            "{address} answers {path} with {:?}: {}",
            status,
            body.escape_debug()
        );
    }
    println!("{body}");
    Ok(ExitCode::SUCCESS)
}

/// One request on a connection of its own, and all of its answer.
async fn ask(address: SocketAddr, path: &str) -> std::io::Result<String> {
    let mut connection = TcpStream::connect(address).await?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    connection.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    connection.take(MOST).read_to_end(&mut answer).await?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

/// Where a listener on every address is reached from here.
pub(super) fn reachable(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}
