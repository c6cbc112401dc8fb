//! What goes on now.

use std::time::Duration;

use actix_web::HttpResponse;
use futures_util::join;

use crate::{
    pages::{Block, Cell, Chart, Point, Table, Tile, amount, bytes, moment, share, span},
    storage::{links, meta_events},
    usage::Amount,
};

use super::{super::state::AppState, error::ConsoleError, session::Visitor};

/// For how long the homeserver and the database are waited for.
const PATIENCE: Duration = Duration::from_secs(5);
/// The length of a minute, in milliseconds.
const MINUTE_MS: i64 = 60_000;

/// A chart: what it shows, of how many times of how many minutes, and whether of bytes or of follows.
struct Drawn {
    title: &'static str,
    count: usize,
    minutes: i64,
    of_bytes: bool,
}

const CHARTS: [Drawn; 4] = [
    Drawn {
        title: "Follows in each minute of the last hour",
        count: 60,
        minutes: 1,
        of_bytes: false,
    },
    Drawn {
        title: "Bytes in each minute of the last hour",
        count: 60,
        minutes: 1,
        of_bytes: true,
    },
    Drawn {
        title: "Follows in each hour of the last day",
        count: 24,
        minutes: 60,
        of_bytes: false,
    },
    Drawn {
        title: "Bytes in each hour of the last day",
        count: 24,
        minutes: 60,
        of_bytes: true,
    },
];

/// `GET /console`.
pub(super) async fn page(visitor: Visitor) -> Result<HttpResponse, ConsoleError> {
    let state = &visitor.state;
    let reader = state.database.reader();
    let by_bridge = links::count_by_bridge(reader).await?;
    let backlog = meta_events::backlog(reader).await?;
    let now = state.clock.now_ms();
    let waits = backlog
        .since
        .map(|since| format!("for up to {}", span(now - since)));
    let mut tiles = vec![Tile {
        name: "Live links",
        value: amount(sum(&by_bridge)),
        note: String::new(),
        is_bad: false,
    }];
    tiles.extend(pace(state, now));
    tiles.push(Tile {
        name: "Usage that waits",
        value: amount(backlog.waiting.unsigned_abs()),
        note: waits.unwrap_or_default(),
        is_bad: false,
    });
    tiles.extend(cache(state));
    let mut blocks = vec![
        Block::Tiles(tiles),
        Block::Heading("Health"),
        Block::Table(health(state, now).await),
        Block::Heading("Traffic of this process"),
    ];
    blocks.extend(CHARTS.iter().map(|drawn| Block::Chart(chart(drawn, state))));
    Ok(visitor.page("/console", "Now", blocks))
}

fn sum(by_bridge: &[(String, i64)]) -> u64 {
    by_bridge
        .iter()
        .map(|(_, count)| count.unsigned_abs())
        .sum()
}

/// How fast things go: by the last minute that is over.
fn pace(state: &AppState, now: i64) -> Vec<Tile> {
    let last = state.follows.lately(now - MINUTE_MS, 1, 1);
    let last = last.first().copied().unwrap_or_default();
    let hour = state.follows.lately(now, 60, 1);
    let whole = hour.iter().fold(Amount::default(), |sum, minute| Amount {
        answers: sum.answers + minute.answers,
        downloads: sum.downloads + minute.downloads,
        ..sum
    });
    let of_cache = whole.answers.saturating_sub(whole.downloads);
    let per_second = |count: u64| format!("{}.{:02}", count / 60, count % 60 * 100 / 60);
    let tile = |name, value, note: &str| Tile {
        name,
        value,
        note: note.to_owned(),
        is_bad: false,
    };
    vec![
        tile(
            "Follows per second",
            per_second(last.follows),
            "in the last minute",
        ),
        tile(
            "Bytes per second",
            bytes(last.bytes / 60),
            "in the last minute",
        ),
        tile(
            "Answers without a download",
            share(of_cache, whole.answers),
            "in the last hour",
        ),
    ]
}

fn cache(state: &AppState) -> Option<Tile> {
    let (taken, objects) = state.cache.as_ref()?.taken();
    let most = state.config().media.cache.as_ref()?.max_size_bytes;
    Some(Tile {
        name: "Cache on the disk",
        value: bytes(taken),
        note: format!(
            "{} objects, {} of {}",
            amount(objects as u64),
            share(taken, most),
            bytes(most)
        ),
        is_bad: false,
    })
}

/// What answers, and what does not.
async fn health(state: &AppState, now: i64) -> Table {
    let too_slow = || format!("no answer within {} seconds", PATIENCE.as_secs());
    let homeserver = async {
        let asked = tokio::time::timeout(PATIENCE, state.homeserver.versions()).await;
        asked.map_or_else(
            |_| Some(too_slow()),
            |asked| asked.err().map(|error| error.to_string()),
        )
    };
    let database = async {
        let asked = tokio::time::timeout(PATIENCE, state.database.prove_writable(now)).await;
        asked.map_or_else(|_| Some(too_slow()), Result::err)
    };
    let store = async {
        let bucket = state.bucket.as_ref()?;
        let asked = tokio::time::timeout(PATIENCE, bucket.failure()).await;
        Some(asked.unwrap_or_else(|_| Some(too_slow())))
    };
    let (homeserver, database, store) = join!(homeserver, database, store);
    let line = |name: &str, failure: Option<String>| {
        let word = if failure.is_none() { "ok" } else { "failed" };
        vec![
            Cell::text(name),
            Cell::state(word),
            Cell::optional(failure.as_deref()),
        ]
    };
    let mut rows = vec![line("Homeserver", homeserver), line("Database", database)];
    rows.extend(store.map(|failure| line("Object store of the cache", failure)));
    Table {
        caption: "What this process needs",
        head: vec!["What", "State", "Why"],
        rows,
        empty: "",
    }
}

/// What this process has served.
fn chart(drawn: &Drawn, state: &AppState) -> Chart {
    let now = state.clock.now_ms();
    let step = MINUTE_MS * drawn.minutes;
    let amounts = state.follows.lately(now, drawn.count, drawn.minutes);
    let first = now.div_euclid(step) - amounts.len() as i64 + 1;
    let point = |(of, number): (&Amount, i64)| {
        let (value, text) = match drawn.of_bytes {
            true => (of.bytes, bytes(of.bytes)),
            false => (of.follows, amount(of.follows)),
        };
        Point {
            label: moment(number * step),
            value,
            text,
        }
    };
    Chart {
        title: drawn.title,
        points: amounts.iter().zip(first..).map(point).collect(),
    }
}
