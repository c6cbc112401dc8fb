//! Filling a database through the API. What is made has [`bridge::MARK`] in all of its names, so that
//! `benches/scaling/copies.py` can multiply it inside the database.

use std::{cell::Cell, collections::BTreeMap, fmt::Write as _, path::PathBuf, time::Instant};

use anyhow::{Context as _, ensure};
use clap::Args;
use futures_util::future::join_all;
use hyper::Method;
use serde_json::{Value, json};

use crate::{
    bridge::{self, MARK, ROOMS},
    client::Client,
    random::Random,
};

const BATCH: u64 = 100;
const CONNECTIONS: u64 = 4;

#[derive(Debug, Args)]
pub struct Asked {
    /// The internal URL of the service.
    #[arg(long)]
    internal: String,
    #[arg(long)]
    token: String,
    /// The number of the first link: those before it are there.
    #[arg(long, default_value_t = 0)]
    first: u64,
    /// The number of the link after the last one. A multiple of 100.
    #[arg(long)]
    links: u64,
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// A line for each link is appended to this file: link ID, room, time of issue in milliseconds and token.
    #[arg(long)]
    out: PathBuf,
}

pub async fn run(asked: Asked) -> anyhow::Result<Value> {
    let began = Instant::now();
    let mut lines: BTreeMap<String, String> = BTreeMap::new();
    if asked.first > 0 {
        let text = std::fs::read_to_string(&asked.out)?;
        for line in text.lines() {
            let (id, _) = line.split_once('\t').context("no link ID")?;
            lines.insert(id.to_owned(), line.to_owned());
        }
    }
    let next = Cell::new(asked.first);
    let workers = (0..CONNECTIONS).map(async |worker| {
        let mut client = Client::new(&asked.internal, Some(&asked.token))?;
        let mut random = Random::new(asked.seed, worker + asked.first);
        let mut lines = Vec::new();
        while next.get() < asked.links {
            let first = next.replace(next.get() + BATCH);
            lines.extend(batch(&mut client, first, &mut random).await?);
        }
        anyhow::Ok(lines)
    });
    for of_worker in join_all(workers).await {
        lines.extend(of_worker?);
    }
    let mut text = String::new();
    for line in lines.values() {
        writeln!(text, "{line}")?;
    }
    std::fs::write(&asked.out, text)?;
    let links = asked.links - asked.first;
    Ok(json!({
        "links": lines.len(),
        "links_per_second": links as f64 / began.elapsed().as_secs_f64(),
    }))
}

/// Issues a batch of links; a line for each.
async fn batch(
    client: &mut Client,
    first: u64,
    random: &mut Random,
) -> anyhow::Result<Vec<(String, String)>> {
    let requests = (first..first + BATCH).map(|number| {
        let room = bridge::room(MARK, random.zipf(ROOMS));
        bridge::request(&room, MARK, number, random)
    });
    let body = json!({"links": requests.collect::<Vec<_>>()}).to_string();
    let answer = client
        .send(Method::POST, "/v1/links/batch", body.into_bytes())
        .await;
    ensure!(answer.status == 200, "{} for a batch", answer.status);
    let answer: Value = serde_json::from_slice(&answer.body)?;
    let links = answer["results"].as_array().context("no results")?;
    links.iter().map(line).collect()
}

fn line(link: &Value) -> anyhow::Result<(String, String)> {
    let text = |name: &str| {
        link[name]
            .as_str()
            .with_context(|| format!("no {name}: {link}"))
    };
    let url = text("url")?;
    let (_, token) = url.split_once("/m/").context("no token")?;
    let token = token.split('/').next().unwrap_or_default();
    let (id, room, issued) = (text("link_id")?, text("room_id")?, &link["issued_ts"]);
    Ok((id.to_owned(), format!("{id}\t{room}\t{issued}\t{token}")))
}
