//! Waiting for what a service does in its own time.

use std::time::Duration;

/// Asks again until there is an answer; 30 seconds at most.
pub async fn eventually<T>(what: &str, ask: impl AsyncFnMut() -> Option<T>) -> T {
    ask_every(Duration::from_millis(50), what, ask).await
}

/// The same for two minutes: Synapse waits longer and longer before it tries again.
pub async fn patiently<T>(what: &str, ask: impl AsyncFnMut() -> Option<T>) -> T {
    ask_every(Duration::from_millis(200), what, ask).await
}

async fn ask_every<T>(pause: Duration, what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    for _ in 0..600 {
        if let Some(found) = ask().await {
            return found;
        }
        tokio::time::sleep(pause).await;
    }
    panic!("waited in vain for {what}");
}
