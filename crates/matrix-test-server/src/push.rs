//! Transactions to appservices (Application Service API, "Pushing events").

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use crate::server::Server;

const EVENTS_PER_TRANSACTION: usize = 100;
const FIRST_DELAY: Duration = Duration::from_millis(100);
const LONGEST_DELAY: Duration = Duration::from_secs(5);
const DEADLINE: Duration = Duration::from_secs(10);

/// Pushes to one appservice, in order, each transaction until it is answered with 2xx.
pub(super) async fn run(server: Arc<Server>, index: usize) {
    let mut delay = FIRST_DELAY;
    loop {
        let Some((path, events)) = next_transaction(&server, index) else {
            let Some(pushed) = server.pushed.get(index) else {
                return;
            };
            pushed.notified().await;
            continue;
        };
        if deliver(&server, index, &path, &events).await {
            settle(&server, index, events.len());
            delay = FIRST_DELAY;
        } else {
            tokio::time::sleep(delay).await;
            delay = (delay * 2).min(LONGEST_DELAY);
        }
    }
}

fn next_transaction(server: &Server, index: usize) -> Option<(String, Vec<Value>)> {
    let data = server.data();
    let queue = data.queues.get(index)?;
    if queue.events.is_empty() {
        return None;
    }
    let base = queue.url.as_deref()?.trim_end_matches('/');
    let path = format!("{base}/_matrix/app/v1/transactions/{}", queue.next_txn);
    let events = queue.events.iter().take(EVENTS_PER_TRANSACTION).cloned();
    Some((path, events.collect()))
}

async fn deliver(server: &Server, index: usize, path: &str, events: &[Value]) -> bool {
    let Some(appservice) = server.options.appservices.get(index) else {
        return false;
    };
    let sent = server
        .http
        .put(path)
        .bearer_auth(&appservice.hs_token)
        .timeout(DEADLINE)
        .json(&json!({"events": events}))
        .send()
        .await;
    match sent {
        Ok(response) if response.status().is_success() => true,
        Ok(response) => {
            let status = response.status().as_u16();
            tracing::debug!(appservice = %appservice.id, status, "transaction was refused");
            false
        }
        Err(error) => {
            let error = error.without_url();
            tracing::debug!(appservice = %appservice.id, %error, "transaction was not delivered");
            false
        }
    }
}

fn settle(server: &Server, index: usize, delivered: usize) {
    let mut data = server.data();
    if let Some(queue) = data.queues.get_mut(index) {
        let delivered = delivered.min(queue.events.len());
        queue.events.drain(..delivered);
        queue.next_txn += 1;
    }
}
