//! Requests to a Synapse.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use reqwest::{RequestBuilder, StatusCode};
use serde_json::Value;

/// How long one request of a test may take; longer than Synapse waits for a pending upload.
pub const REQUEST_DEADLINE: Duration = Duration::from_secs(60);

/// Sends a request; its answer must be JSON.
pub async fn answer(request: RequestBuilder) -> anyhow::Result<(StatusCode, Value)> {
    let response = request.send().await?;
    let status = response.status();
    let body = response.text().await?;
    let json =
        serde_json::from_str(&body).with_context(|| format!("{status}, not JSON: {body}"))?;
    Ok((status, json))
}

/// Sends a request that must succeed.
pub async fn succeed(request: RequestBuilder) -> anyhow::Result<Value> {
    let (status, json) = answer(request).await?;
    ensure!(status.is_success(), "{status}: {json}");
    Ok(json)
}
