//! Reads a Matrix event, and prints the line for the other side of the bridge.
//!
//! ```sh
//! API_TOKEN_FILE=/etc/bridge/api-token announce < event.json
//! ```
//!
//! `API_TOKEN_FILE` names the file with the bridge's `api_token`; without it, `API_TOKEN` holds
//! it. `API_URL` is Medialink's internal listener, `http://127.0.0.1:8481` if it is not given.
#![expect(
    clippy::disallowed_methods,
    reason = "a bridge is a program of its own, with its own client and dice"
)]

use std::{env, fs, io, process::ExitCode, time::Duration};

use anyhow::{Context as _, bail};
use reqwest::{Client, Response, StatusCode, header::RETRY_AFTER};
use serde::Deserialize;
use serde_json::{Value, json};

const ATTEMPTS: u32 = 5;
const TIMEOUT: Duration = Duration::from_secs(40);
const LONGEST_WAIT: Duration = Duration::from_secs(60);

#[derive(Deserialize)]
struct LinkedEvent {
    links: Vec<LinkedMedia>,
    text: String,
}

#[derive(Deserialize)]
struct LinkedMedia {
    path: String,
    error: Option<MatrixError>,
}

#[derive(Deserialize)]
struct MatrixError {
    errcode: String,
    error: String,
    retry_after_ms: Option<u64>,
}

/// Has the media of an event linked. Asking again is safe: it gives the same links.
///
/// # Errors
///
/// Medialink's answer, if it is none that another attempt would change, or the last one of them.
async fn link_event(url: &str, token: &str, event: &Value) -> anyhow::Result<LinkedEvent> {
    let client = Client::builder().timeout(TIMEOUT).build()?;
    let mut attempt = 0;
    loop {
        let request = client
            .post(format!("{url}/v1/events"))
            .bearer_auth(token)
            .json(&json!({"event": event}));
        let (problem, told) = match request.send().await {
            Ok(response) if response.status().is_success() => match response.json().await {
                Ok(answer) => return Ok(answer),
                Err(error) => (error.into(), None),
            },
            Ok(response) => {
                let status = response.status();
                let (problem, told) = read_error(response).await;
                if status != StatusCode::TOO_MANY_REQUESTS && !status.is_server_error() {
                    return Err(problem);
                }
                (problem, told)
            }
            Err(error) => (error.into(), None),
        };
        let wait = told.unwrap_or_else(|| backoff(attempt));
        attempt += 1;
        if attempt == ATTEMPTS || wait > LONGEST_WAIT {
            return Err(problem);
        }
        tokio::time::sleep(wait).await;
    }
}

/// Half a second, then twice as long each time; half of it by chance, so that many bridges do not
/// come back all at once.
fn backoff(attempt: u32) -> Duration {
    let full = Duration::from_millis(500) * 2_u32.pow(attempt);
    let chance = f64::from(getrandom::u32().unwrap_or_default()) / f64::from(u32::MAX);
    full.mul_f64(0.5 + 0.5 * chance)
}

/// What went wrong, and for how long to wait, if the answer says it.
async fn read_error(response: Response) -> (anyhow::Error, Option<Duration>) {
    let status = response.status();
    let header = response.headers().get(RETRY_AFTER);
    let seconds = header.and_then(|value| value.to_str().ok()?.parse().ok());
    let retry_after = seconds.map(Duration::from_secs);
    match response.json::<MatrixError>().await {
        Ok(body) => (
            anyhow::anyhow!("{} {}: {}", status.as_u16(), body.errcode, body.error),
            body.retry_after_ms
                .map(Duration::from_millis)
                .or(retry_after),
        ),
        // Of a proxy between, for instance.
        Err(_) => (anyhow::anyhow!("{status}"), retry_after),
    }
}

/// From a file or the environment: arguments are in the list of processes, for all to see.
fn api_token() -> anyhow::Result<String> {
    if let Some(path) = env::var_os("API_TOKEN_FILE") {
        let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        return Ok(text.trim().to_owned());
    }
    let Ok(token) = env::var("API_TOKEN") else {
        bail!("API_TOKEN is missing");
    };
    Ok(token)
}

async fn run() -> anyhow::Result<()> {
    let url = env::var("API_URL").unwrap_or_else(|_| "http://127.0.0.1:8481".to_owned());
    let event = serde_json::from_reader(io::stdin())?;
    let answer = link_event(&url, &api_token()?, &event).await?;
    for media in answer.links {
        if let Some(error) = media.error {
            eprintln!("{}: {}: {}", media.path, error.errcode, error.error);
        }
    }
    // A bridge sends it where it sends its messages. It is empty if the event says nothing.
    if !answer.text.is_empty() {
        println!("{}", answer.text);
    }
    Ok(())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("announce: {error:#}");
            ExitCode::FAILURE
        }
    }
}
