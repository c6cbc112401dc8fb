//! A connection whose reader has to take something now and then.

use std::{
    future::Future,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use rustix::{io::Errno, net::SendFlags};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::{Instant, Sleep, sleep_until},
};

use super::connections::OpenConnection;

/// No reader waits for longer: a year is for ever.
const FOR_EVER: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// A connection that fails once its reader has taken nothing for so long. One that takes a little
/// all the time may go on for ever.
///
/// It costs nothing as long as the socket takes all bytes at once.
#[derive(Debug)]
pub struct SendDeadline {
    stream: TcpStream,
    _open: OpenConnection,
    within: Duration,
    /// The time since which the socket has taken none of the bytes that wait for it.
    waiting_since: Option<Instant>,
    /// Wakes the connection when it may have waited for too long: kept from wait to wait, and put
    /// off when it comes too early.
    alarm: Option<Pin<Box<Sleep>>>,
}

impl SendDeadline {
    /// A connection of a reader that has to take something `within` each span of this length.
    #[must_use]
    pub fn new(stream: TcpStream, open: OpenConnection, within: Duration) -> Self {
        Self {
            stream,
            _open: open,
            within: within.min(FOR_EVER),
            waiting_since: None,
            alarm: None,
        }
    }

    /// Waits for the socket, but not for ever.
    fn poll_deadline(
        &mut self,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let since = *self.waiting_since.get_or_insert_with(Instant::now);
        let deadline = since + self.within;
        let alarm = self
            .alarm
            .get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        if alarm.deadline() < deadline && alarm.is_elapsed() {
            alarm.as_mut().reset(deadline);
        }
        ready!(alarm.as_mut().poll(context));
        if alarm.deadline() < deadline {
            alarm.as_mut().reset(deadline);
            ready!(alarm.as_mut().poll(context));
        }
        Poll::Ready(self.send_at_once(bytes))
    }

    /// A socket counts as writable only when a good part of its buffer is free. A slow reader may
    /// have taken something all the same: then the buffer has room.
    fn send_at_once(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match rustix::net::send(&self.stream, bytes, SendFlags::DONTWAIT) {
            Ok(taken) => {
                self.waiting_since = None;
                Ok(taken)
            }
            Err(Errno::AGAIN) => {
                tracing::info!("a reader took nothing for listen.send_timeout, and was let go");
                // What still waits in the socket's buffer is not waited for either.
                self.stream.set_zero_linger()?;
                Err(io::ErrorKind::TimedOut.into())
            }
            Err(error) => Err(error.into()),
        }
    }
}

impl AsyncRead for SendDeadline {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for SendDeadline {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        if written.is_pending() {
            return self.poll_deadline(context, bytes);
        }
        self.waiting_since = None;
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
