//! Issuing links, singly or in batches, as many as the service can take.

use std::{
    cell::{Cell, RefCell},
    time::{Duration, Instant},
};

use clap::Args;
use futures_util::future::join_all;
use hyper::Method;
use serde_json::{Value, json};

use crate::{answers::Answers, bridge, client::Client, random::Random};

#[derive(Debug, Args)]
pub struct Asked {
    /// Internal URLs of the replicas; connections go to them in turns.
    #[arg(long, value_delimiter = ',', required = true)]
    internal: Vec<String>,
    #[arg(long)]
    token: String,
    /// Links in a request; 1: single requests.
    #[arg(long, default_value_t = 100)]
    batch: u64,
    #[arg(long, default_value_t = 4)]
    connections: u64,
    #[arg(long, default_value_t = 5.0)]
    seconds: f64,
    /// How many rooms there are; their sizes follow Zipf's law. 0: each link is in a room of its own.
    #[arg(long, default_value_t = 20)]
    rooms: u64,
    /// The number of the first link, to tell it apart from those that other runs have issued.
    #[arg(long, default_value_t = 0)]
    first: u64,
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

pub async fn run(asked: Asked) -> anyhow::Result<Value> {
    let began = Instant::now();
    let until = began + Duration::from_secs_f64(asked.seconds);
    let next = Cell::new(asked.first);
    let all = RefCell::new(Answers::default());
    let workers = (0..asked.connections).map(async |worker| {
        let at = usize::try_from(worker)? % asked.internal.len();
        let client = Client::new(&asked.internal[at], Some(&asked.token))?;
        let answers = work(&asked, worker, client, until, &next).await;
        all.borrow_mut().merge(answers);
        anyhow::Ok(())
    });
    for ended in join_all(workers).await {
        ended?;
    }
    let took = began.elapsed();
    let links = next.get() - asked.first;
    Ok(json!({
        "links": links,
        "links_per_second": links as f64 / took.as_secs_f64(),
        "requests": all.into_inner().told(took),
    }))
}

async fn work(
    asked: &Asked,
    worker: u64,
    mut client: Client,
    until: Instant,
    next: &Cell<u64>,
) -> Answers {
    let mut random = Random::new(asked.seed, worker);
    let mark = format!("i{:04}", asked.seed);
    let mut answers = Answers::default();
    while Instant::now() < until {
        let first = next.replace(next.get() + asked.batch);
        let links = (first..first + asked.batch).map(|number| {
            let room = match asked.rooms {
                0 => number,
                rooms => random.zipf(rooms),
            };
            let room = bridge::room(&mark, room);
            bridge::request(&room, &mark, number, &mut random)
        });
        let mut links: Vec<Value> = links.collect();
        let (path, body) = match links.as_mut_slice() {
            [one] => ("/v1/links", one.take()),
            _ => ("/v1/links/batch", json!({"links": links})),
        };
        let sent = Instant::now();
        let body = body.to_string().into_bytes();
        let answer = client.send(Method::POST, path, body).await;
        answers.note(answer.status, sent);
    }
    answers
}
