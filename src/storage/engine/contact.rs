//! Whether a PostgreSQL server can be reached, and for how long it could not.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{runtime::Handle, sync::watch};
use tokio_util::context::TokioContext;

use crate::storage::StorageError;

/// How old what is remembered may be at the least: no look for changes is quicker for sure.
const LEAST_GRACE: Duration = Duration::from_secs(1);

/// Whether a server can be reached, as those tell who look for changes there. Clones share it.
#[derive(Debug, Clone)]
pub struct Contact(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    grace: Duration,
    /// Where connections are made: they live no longer than the runtime in which they were.
    home: Handle,
    /// Tells of cuts and returns alone, not of each look.
    state: watch::Sender<State>,
}

#[derive(Debug, Clone, Copy)]
struct State {
    /// When the last look began that has succeeded.
    looked_at: Instant,
    /// When it was cut off the last time.
    cut_at: Option<Instant>,
    is_cut_off: bool,
}

impl Contact {
    /// For a server that can be reached now; what is remembered of it is trusted for so long after
    /// the last look. Connections to it are made in the runtime of the caller.
    pub(in crate::storage) fn new(grace: Duration) -> Self {
        let (state, _) = watch::channel(State {
            looked_at: Instant::now(),
            cut_at: None,
            is_cut_off: false,
        });
        let grace = grace.max(LEAST_GRACE);
        Self(Arc::new(Shared {
            grace,
            home: Handle::current(),
            state,
        }))
    }

    /// A look that began then has succeeded; whether that ends a cut.
    pub(in crate::storage) fn looked(&self, began: Instant) -> bool {
        self.0.state.send_if_modified(|state| {
            state.looked_at = began;
            std::mem::take(&mut state.is_cut_off)
        })
    }

    /// A look has failed; whether that begins a cut.
    pub(in crate::storage) fn lost(&self) -> bool {
        self.0.state.send_if_modified(|state| {
            let is_new = !state.is_cut_off;
            if is_new {
                state.cut_at = Some(Instant::now());
                state.is_cut_off = true;
            }
            is_new
        })
    }

    /// Whether the last look has failed.
    pub(in crate::storage) fn is_cut_off(&self) -> bool {
        self.0.state.borrow().is_cut_off
    }

    /// Whether the last look was not so long ago that what is remembered may not be served any more.
    pub(in crate::storage) fn is_trusted(&self) -> bool {
        self.0.state.borrow().looked_at.elapsed() <= self.0.grace
    }

    /// Whether a connection of this age was there at the last cut: it may lead nowhere.
    pub(in crate::storage) fn has_outlived(&self, age: Duration) -> bool {
        let cut_at = self.0.state.borrow().cut_at;
        cut_at.is_some_and(|at| at.elapsed() <= age)
    }

    /// Where connections are made: in another runtime than that of a thread that answers requests,
    /// which ends before the service does.
    pub(in crate::storage) fn home(&self) -> &Handle {
        &self.0.home
    }

    /// Waits for an answer of the server, but no longer than until it is cut off.
    pub(in crate::storage) async fn unless_cut<T, E: From<StorageError>>(
        &self,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let work = TokioContext::new(work, self.0.home.clone());
        let mut state = self.0.state.subscribe();
        if state.borrow_and_update().is_cut_off {
            return Err(StorageError::CutOff.into());
        }
        tokio::select! {
            biased;
            result = work => result,
            _ = state.wait_for(|state| state.is_cut_off) => Err(StorageError::CutOff.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_waits_is_let_go_at_a_cut_and_nothing_begins_during_one() {
        let contact = Contact::new(Duration::ZERO);
        let waiting = contact.unless_cut(std::future::pending::<Result<(), StorageError>>());
        let cut = async { assert!(contact.lost() && !contact.lost()) };
        let (waited, ()) = tokio::join!(waiting, cut);
        assert!(matches!(waited, Err(StorageError::CutOff)));
        let done = async { Ok::<_, StorageError>(()) };
        let done = contact.unless_cut(done).await;
        assert!(matches!(done, Err(StorageError::CutOff)));
        assert!(contact.looked(Instant::now()) && !contact.looked(Instant::now()));
        let done = contact.unless_cut(async { Ok::<_, StorageError>(7) }).await;
        assert_eq!(done.ok(), Some(7));
    }

    #[tokio::test]
    async fn what_is_remembered_is_trusted_for_the_grace_after_the_last_look() {
        let contact = Contact::new(Duration::from_secs(60));
        let ago = |seconds| Instant::now().checked_sub(Duration::from_secs(seconds));
        contact.looked(ago(50).expect("uptime"));
        contact.lost();
        assert!(contact.is_trusted());
        contact.looked(ago(61).expect("uptime"));
        assert!(!contact.is_trusted());
    }

    #[tokio::test]
    async fn connections_older_than_the_last_cut_have_outlived_it() {
        let contact = Contact::new(Duration::ZERO);
        let hour = Duration::from_secs(3600);
        assert!(!contact.has_outlived(hour));
        contact.lost();
        contact.looked(Instant::now());
        assert!(contact.has_outlived(hour) && !contact.has_outlived(Duration::ZERO));
    }
}
