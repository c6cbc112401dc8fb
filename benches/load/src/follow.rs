//! Following links, as many as the service can take.

use std::{
    cell::RefCell,
    time::{Duration, Instant},
};

use clap::{Args, ValueEnum};
use futures_util::future::join_all;
use serde_json::Value;

use crate::{
    answers::Answers,
    client::Client,
    links::{Links, Where},
    random::Random,
};

#[derive(Debug, Args)]
pub struct Asked {
    #[command(flatten)]
    links: Where,
    /// Public URLs of the replicas; connections go to them in turns.
    #[arg(long, value_delimiter = ',', required = true)]
    public: Vec<String>,
    #[arg(long, default_value_t = 32)]
    connections: u64,
    /// How many follows; at most as many are made in `--seconds`.
    #[arg(long, default_value_t = 20_000)]
    follows: u64,
    #[arg(long, default_value_t = 60.0)]
    seconds: f64,
    #[arg(long, value_enum, default_value_t = Which::Each)]
    which: Which,
    /// What is asked for: `m` is the media, `v` the page.
    #[arg(long, default_value = "m")]
    route: String,
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// Which links are followed.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Which {
    /// Another one each time, from all over the database, as long as there are any.
    Each,
    /// The same few, again and again.
    Few,
    /// By Zipf's law.
    Zipf,
}

/// How many links are few.
const FEW: u64 = 50;

/// A step that visits each of so many before it comes to one again, far from the last one.
fn stride(count: u64) -> u64 {
    let golden = (count as f64 * 0.618) as u64;
    let is_coprime = |step: &u64| {
        let (mut one, mut other) = (*step, count);
        while other > 0 {
            (one, other) = (other, one % other);
        }
        one == 1
    };
    (golden.max(1)..).find(is_coprime).unwrap_or(1)
}

pub async fn run(asked: Asked) -> anyhow::Result<Value> {
    let links = Links::read(&asked.links)?;
    // Signing them takes its time, which is not the service's.
    let mut random = Random::new(asked.seed, 0);
    let stride = stride(links.count());
    let first = random.below(links.count());
    let paths = (0..asked.follows).map(|at| {
        let number = match asked.which {
            Which::Each => (first + at * stride) % links.count(),
            Which::Few => (random.below(FEW) * 7919) % links.count(),
            Which::Zipf => (random.zipf(links.count()) * 7919) % links.count(),
        };
        Ok(format!("/{}/{}", asked.route, links.token(number)?))
    });
    let paths = RefCell::new(paths.collect::<anyhow::Result<Vec<String>>>()?);
    let began = Instant::now();
    let until = began + Duration::from_secs_f64(asked.seconds);
    let all = RefCell::new(Answers::default());
    let workers = (0..asked.connections).map(async |worker| {
        let at = usize::try_from(worker)? % asked.public.len();
        let mut client = Client::new(&asked.public[at], None)?;
        while Instant::now() < until {
            let Some(path) = paths.borrow_mut().pop() else {
                break;
            };
            let sent = Instant::now();
            let answer = client.get(&path).await;
            all.borrow_mut().note(answer.status, sent);
        }
        anyhow::Ok(())
    });
    for ended in join_all(workers).await {
        ended?;
    }
    Ok(all.into_inner().told(began.elapsed()))
}
