//! The connections of the listeners, and how they are left.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use tokio::sync::Notify;

/// All connections of a process. Clones share them.
///
/// Before a stop they are left one by one, each by an answer that says so (`Connection: close`, RFC 9112 section 9.6):
/// whoever sends the next request at that moment sends it elsewhere, instead of into a connection that is closed.
#[derive(Debug, Clone, Default)]
pub struct Connections(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    open: AtomicUsize,
    are_left: AtomicBool,
    none_is_open: Notify,
}

/// A connection as long as it is open.
#[derive(Debug)]
pub struct OpenConnection(Arc<Shared>);

impl Connections {
    /// A new one.
    #[must_use]
    pub fn open(&self) -> OpenConnection {
        self.0.open.fetch_add(1, Ordering::Relaxed);
        OpenConnection(Arc::clone(&self.0))
    }

    /// Whether each is to be closed after its next answer.
    #[must_use]
    pub fn are_left(&self) -> bool {
        self.0.are_left.load(Ordering::Relaxed)
    }

    /// Has each of them closed after its next answer; returns once none is open.
    pub async fn leave(&self) {
        self.0.are_left.store(true, Ordering::Relaxed);
        loop {
            let none_is_open = self.0.none_is_open.notified();
            if self.0.open.load(Ordering::Acquire) == 0 {
                return;
            }
            none_is_open.await;
        }
    }
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        if self.0.open.fetch_sub(1, Ordering::Release) == 1 {
            self.0.none_is_open.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn all_are_left_once_the_last_one_is_closed() {
        let connections = Connections::default();
        let (first, second) = (connections.open(), connections.open());
        assert!(!connections.are_left());
        let leaving = connections.leave();
        let closing = async {
            assert!(connections.are_left());
            drop(first);
            tokio::task::yield_now().await;
            drop(second);
        };
        tokio::join!(leaving, closing);
        assert_eq!(connections.0.open.load(Ordering::Relaxed), 0);
        connections.leave().await;
    }
}
