//! A day of a large public bridge, as fast as one likes: posts that are followed within seconds, old links that are
//! followed by people and walked by crawlers, and waves of redactions.

mod played;
mod schedule;

use std::{
    cell::{Cell, RefCell},
    time::{Duration, Instant},
};

use clap::Args;
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::links::{Links, Where};

use played::Played;
use schedule::{Schedule, What};

#[derive(Debug, Args)]
pub struct Asked {
    #[command(flatten)]
    links: Where,
    /// Public URLs of the replicas.
    #[arg(long, value_delimiter = ',', required = true)]
    public: Vec<String>,
    /// Internal URLs of the replicas, in the same order.
    #[arg(long, value_delimiter = ',', required = true)]
    internal: Vec<String>,
    /// The bridge's token for the API.
    #[arg(long)]
    token: String,
    /// The homeserver's token for transactions.
    #[arg(long)]
    hs_token: String,
    /// How long the day takes, in seconds of this world.
    #[arg(long, default_value_t = 60.0)]
    seconds: f64,
    /// How many can be under way at once.
    #[arg(long, default_value_t = 64)]
    connections: u64,
    #[command(flatten)]
    size: Size,
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// How much happens in a day.
#[derive(Debug, Args)]
pub struct Size {
    /// Posts with media; each is a request for a link.
    #[arg(long, default_value_t = 20_000)]
    posts: u64,
    /// How often a post is followed at once, on average; a few are followed far more often.
    #[arg(long, default_value_t = 6.0)]
    followers: f64,
    /// Within how many seconds of this world, on average.
    #[arg(long, default_value_t = 2.0)]
    burst: f64,
    /// Follows of old links by people, by Zipf's law.
    #[arg(long, default_value_t = 40_000)]
    old: u64,
    /// Old links that crawlers of chat logs walk, room by room; half of them as pages.
    #[arg(long, default_value_t = 40_000)]
    crawled: u64,
    /// Waves of redactions.
    #[arg(long, default_value_t = 6)]
    waves: u64,
    /// How many posts each of them redacts.
    #[arg(long, default_value_t = 200)]
    wave: u64,
}

pub async fn run(asked: Asked) -> anyhow::Result<Value> {
    let links = Links::read(&asked.links)?;
    let schedule = Schedule::of(&asked.size, &links, asked.seconds, asked.seed)?;
    let began = Instant::now();
    let played = Played::new(&asked, &schedule);
    let next = Cell::new(0);
    let played_by_all = RefCell::new(Vec::new());
    let workers = (0..asked.connections).map(async |worker| {
        let mut clients = played.clients(worker)?;
        let mut answers = played::Kinds::default();
        while let Some(due) = schedule.steps.get(next.replace(next.get() + 1)) {
            let at = began + Duration::from_secs_f64(due.at_s);
            tokio::time::sleep_until(at.into()).await;
            played.step(&due.what, at, &mut clients, &mut answers).await;
        }
        played_by_all.borrow_mut().push(answers);
        anyhow::Ok(())
    });
    for ended in join_all(workers).await {
        ended?;
    }
    let took = began.elapsed();
    let mut all = played::Kinds::default();
    for answers in played_by_all.into_inner() {
        all.merge(answers);
    }
    Ok(json!({
        "seconds": took.as_secs_f64(),
        "served_too_late": played.served_too_late(),
        "kinds": all.told(took),
    }))
}
