//! Work that goes on beside a loop.

use std::{future::Future, panic, time::Duration};

use tokio::task::{JoinError, JoinSet};

/// How long work that goes on may take to end once the service stops. What is cut off is repeated
/// after the next start, under the same transaction ID.
const STOP_WITHIN: Duration = Duration::from_secs(5);

/// Tasks whose results a loop takes when it is ready to.
#[derive(Debug)]
pub(super) struct Beside<T>(JoinSet<T>);

impl<T: Send + 'static> Beside<T> {
    pub(super) fn new() -> Self {
        Self(JoinSet::new())
    }

    /// How many have been started whose result was not taken.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn start(&mut self, work: impl Future<Output = T> + Send + 'static) {
        self.0.spawn(work);
    }

    /// The result of one that has ended.
    pub(super) fn take(&mut self) -> Option<T> {
        self.0.try_join_next().and_then(result)
    }

    /// The result of the one that ends next; does not end while there is none.
    pub(super) async fn next(&mut self) -> T {
        loop {
            match self.0.join_next().await {
                None => std::future::pending().await,
                Some(ended) => {
                    if let Some(result) = result(ended) {
                        return result;
                    }
                }
            }
        }
    }

    /// Waits for the end of all, a few seconds at most.
    pub(super) async fn finish(&mut self) {
        let all = async { while self.0.join_next().await.is_some() {} };
        if tokio::time::timeout(STOP_WITHIN, all).await.is_err() {
            self.0.shutdown().await;
        }
    }
}

/// `None`: it was cut off.
fn result<T>(ended: Result<T, JoinError>) -> Option<T> {
    match ended {
        Ok(result) => Some(result),
        Err(error) => match error.try_into_panic() {
            Ok(panic) => panic::resume_unwind(panic),
            Err(_) => None,
        },
    }
}
