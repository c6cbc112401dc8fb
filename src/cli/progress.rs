//! What shows on a terminal that a command is at work, on standard error.

use std::{
    future::Future,
    pin::pin,
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressStyle};

/// What is done sooner shows nothing.
const PATIENCE: Duration = Duration::from_secs(1);
/// How often it moves.
const TICK: Duration = Duration::from_millis(120);

/// Waits for some work, and shows that it goes on.
pub(super) async fn shown<T>(what: &'static str, work: impl Future<Output = T>) -> T {
    let mut work = pin!(work);
    if let Ok(done) = tokio::time::timeout(PATIENCE, &mut work).await {
        return done;
    }
    // Nothing where standard error is no terminal.
    let bar = ProgressBar::new_spinner().with_message(what);
    bar.enable_steady_tick(TICK);
    let done = work.await;
    bar.finish_and_clear();
    done
}

/// A bar for work that tells how far it is. Dropped, it is cleared.
pub(super) struct Bar {
    began: Instant,
    bar: Option<ProgressBar>,
}

impl Default for Bar {
    fn default() -> Self {
        Self {
            began: Instant::now(),
            bar: None,
        }
    }
}

impl Bar {
    /// Shows how much of it is done.
    pub(super) fn at(&mut self, what: String, done: u64, of: u64) {
        if self.began.elapsed() < PATIENCE {
            return;
        }
        let bar = self.bar.get_or_insert_with(|| {
            let style = ProgressStyle::with_template("{msg} [{bar:30}] {pos} of {len}");
            let bar = ProgressBar::new(of);
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar
        });
        bar.set_length(of);
        bar.set_message(what);
        bar.set_position(done);
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
