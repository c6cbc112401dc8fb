//! `medialink-load`: the bridges, the people and the homeserver around Medialink, as many as one likes.
//! `benches/scaling.sh` runs it, and writes what it prints into docs/SCALING.md.

mod answers;
mod bridge;
mod client;
mod day;
mod fill;
mod follow;
mod homeserver;
mod issue;
mod links;
mod random;

use clap::Parser;

/// Load for Medialink. Each command but `homeserver` stops by itself, and prints JSON.
#[derive(Debug, Parser)]
enum Command {
    /// A homeserver that has every room and every medium, and counts what it is asked for.
    Homeserver(homeserver::Asked),
    /// Fills a database through the API, and writes down the links.
    Fill(fill::Asked),
    /// Follows links, as many as the service can take.
    Follow(follow::Asked),
    /// Issues links, as many as the service can take.
    Issue(issue::Asked),
    /// A day of a large public bridge, as fast as one likes.
    Day(day::Asked),
}

fn main() -> anyhow::Result<()> {
    let command = Command::parse();
    if let Command::Homeserver(asked) = command {
        return homeserver::run(&asked);
    }
    // One thread: it shares the machine with what it measures.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let local = tokio::task::LocalSet::new();
    let told = local.block_on(&runtime, async {
        match command {
            Command::Homeserver(_) => Ok(serde_json::Value::Null),
            Command::Fill(asked) => fill::run(asked).await,
            Command::Follow(asked) => follow::run(asked).await,
            Command::Issue(asked) => issue::run(asked).await,
            Command::Day(asked) => day::run(asked).await,
        }
    })?;
    println!("{told}");
    Ok(())
}
