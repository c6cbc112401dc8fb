//! Other processes that work for a request, and end with it.

use std::{
    io,
    process::{Child, ExitStatus},
    time::Duration,
};

use tokio::{task::spawn_blocking, time::sleep};

/// How often to look whether a process that has said everything has ended, too.
const LOOK_EVERY: Duration = Duration::from_millis(1);

/// A process, which does not outlive this.
pub(super) struct Running(Option<Child>);

impl Running {
    pub(super) fn new(child: Child) -> Self {
        Self(Some(child))
    }

    /// The process, to talk to.
    pub(super) fn child(&mut self) -> Option<&mut Child> {
        self.0.as_mut()
    }

    /// Waits for its own end.
    pub(super) async fn ended(&mut self) -> io::Result<ExitStatus> {
        loop {
            let Some(child) = &mut self.0 else {
                return Err(io::ErrorKind::NotFound.into());
            };
            if let Some(status) = child.try_wait()? {
                return Ok(status);
            }
            sleep(LOOK_EVERY).await;
        }
    }

    /// Ends it, and waits until its memory is free.
    pub(super) async fn end(mut self) {
        if let Some(child) = self.0.take()
            && spawn_blocking(move || end(child)).await.is_err()
        {
            tracing::error!("a process could not be ended");
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(child) = self.0.take() {
            end(child);
        }
    }
}

/// One that has ended and was waited for takes neither amiss.
fn end(mut child: Child) {
    drop(child.kill());
    drop(child.wait());
}
