//! `traces`: where traces of requests are sent.

use serde::Deserialize;
use url::Url;

use super::{problems::Problems, value::base_url};

/// Where traces of requests are sent.
#[derive(Debug, Clone, PartialEq)]
pub struct TracesConfig {
    /// The collector, which takes OTLP over HTTP.
    pub endpoint: Url,
    /// How many of all requests are traced, from 0 to 1.
    pub share: f64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TracesFile {
    endpoint: String,
    #[serde(default = "one_in_a_hundred")]
    share: f64,
}

fn one_in_a_hundred() -> f64 {
    0.01
}

impl TracesFile {
    pub(super) fn checked(self, problems: &mut Problems) -> Option<TracesConfig> {
        if !(0.0..=1.0).contains(&self.share) {
            problems.add(
                "traces.share",
                format_args!("found {}; allowed are 0 to 1", self.share),
            );
        }
        Some(TracesConfig {
            endpoint: base_url(&self.endpoint, "traces.endpoint", problems)?,
            share: self.share,
        })
    }
}
