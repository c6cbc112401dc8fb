//! What was answered, and how long it took.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

/// The answers to requests of one kind.
#[derive(Debug, Default)]
pub struct Answers {
    statuses: BTreeMap<u16, u64>,
    /// Microseconds.
    times: Vec<u32>,
}

impl Answers {
    pub fn note(&mut self, status: u16, since: Instant) {
        *self.statuses.entry(status).or_default() += 1;
        let micros = u32::try_from(since.elapsed().as_micros());
        self.times.push(micros.unwrap_or(u32::MAX));
    }

    pub fn merge(&mut self, other: Self) {
        for (status, count) in other.statuses {
            *self.statuses.entry(status).or_default() += count;
        }
        self.times.extend(other.times);
    }

    /// All of it as JSON: counts by status, rates and times.
    pub fn told(mut self, took: Duration) -> Value {
        self.times.sort_unstable();
        let at = |share: f64| {
            let last = self.times.len().saturating_sub(1);
            let index = (last as f64 * share).round() as usize;
            let micros = self.times.get(index).copied().unwrap_or(0);
            f64::from(micros) / 1000.0
        };
        json!({
            "count": self.times.len(),
            "per_second": self.times.len() as f64 / took.as_secs_f64(),
            "statuses": self.statuses,
            "p50_ms": at(0.5),
            "p90_ms": at(0.9),
            "p99_ms": at(0.99),
            "most_ms": at(1.0),
        })
    }
}
