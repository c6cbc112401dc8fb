//! The tasks of a running service, each of which is watched: one that ends although it should not
//! stops the service, since nobody else would do its work.

use std::{collections::HashMap, future};

use tokio::task::{Id, JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

/// The end of a task that may end: its work is done.
#[derive(Debug)]
pub(super) struct Done;

/// A task that has ended although it should not.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum EarlyEnd {
    #[error("the task {0:?} has panicked")]
    Panicked(&'static str),
    #[error("the task {0:?} has ended")]
    Ended(&'static str),
}

/// How long a task works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Span {
    UntilStopped,
    UntilDone,
}

/// Running tasks, all of which end when the service stops.
#[derive(Debug)]
pub(super) struct Supervisor {
    running: JoinSet<()>,
    known: HashMap<Id, (&'static str, Span)>,
    stop: CancellationToken,
}

impl Supervisor {
    pub(super) fn new() -> Self {
        Self {
            running: JoinSet::new(),
            known: HashMap::new(),
            stop: CancellationToken::new(),
        }
    }

    /// Starts a task that works until it is stopped.
    pub(super) fn keep<F>(&mut self, name: &'static str, task: impl FnOnce(CancellationToken) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let task = self.running.spawn(task(self.stop.clone()));
        self.known.insert(task.id(), (name, Span::UntilStopped));
    }

    /// Starts a task that works until it is done, or stopped.
    pub(super) fn run<F>(&mut self, name: &'static str, task: impl FnOnce(CancellationToken) -> F)
    where
        F: Future<Output = Done> + Send + 'static,
    {
        let task = task(self.stop.clone());
        let task = self.running.spawn(async {
            let Done = task.await;
        });
        self.known.insert(task.id(), (name, Span::UntilDone));
    }

    /// Waits until a task ends that should not.
    pub(super) async fn early_end(&mut self) -> EarlyEnd {
        while let Some(ended) = self.running.join_next_with_id().await {
            if let Some(early) = self.judge(ended) {
                return early;
            }
        }
        future::pending().await
    }

    /// Stops all tasks and waits for their ends. One may still panic.
    pub(super) async fn finish(mut self) -> Result<(), EarlyEnd> {
        self.stop.cancel();
        let mut outcome = Ok(());
        while let Some(ended) = self.running.join_next_with_id().await {
            if let Some(early) = self.judge(ended) {
                outcome = outcome.and(Err(early));
            }
        }
        outcome
    }

    fn judge(&mut self, ended: Result<(Id, ()), JoinError>) -> Option<EarlyEnd> {
        let id = match &ended {
            Ok((id, ())) => *id,
            Err(error) => error.id(),
        };
        let (name, span) = self.known.remove(&id)?;
        match ended {
            Err(error) if error.is_panic() => Some(EarlyEnd::Panicked(name)),
            _ if span == Span::UntilDone || self.stop.is_cancelled() => None,
            _ => Some(EarlyEnd::Ended(name)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn work(stop: CancellationToken) {
        stop.cancelled().await;
    }

    #[tokio::test]
    async fn a_task_that_ends_or_panics_is_named() {
        let mut tasks = Supervisor::new();
        tasks.keep("work", work);
        tasks.keep("idler", |_| async {});
        assert_eq!(tasks.early_end().await, EarlyEnd::Ended("idler"));
        tasks.keep("worker", |_| async { panic!("on purpose") });
        assert_eq!(tasks.early_end().await, EarlyEnd::Panicked("worker"));
        tasks.run("errand", |_| async { panic!("on purpose") });
        assert_eq!(tasks.early_end().await, EarlyEnd::Panicked("errand"));
        assert_eq!(tasks.finish().await, Ok(()));
    }

    #[tokio::test]
    async fn a_task_that_is_done_ends_rightly() {
        let mut tasks = Supervisor::new();
        tasks.run("errand", |_| async { Done });
        tasks.keep("work", work);
        tokio::select! {
            biased;
            early = tasks.early_end() => panic!("{early}"),
            () = tokio::time::sleep(std::time::Duration::from_millis(50)) => {}
        }
        assert_eq!(tasks.finish().await, Ok(()));
    }

    #[tokio::test]
    async fn a_panic_while_stopping_is_told() {
        let mut tasks = Supervisor::new();
        tasks.keep("work", work);
        tasks.keep("worker", |stop| async move {
            stop.cancelled().await;
            panic!("on purpose");
        });
        assert_eq!(tasks.finish().await, Err(EarlyEnd::Panicked("worker")));
    }
}
