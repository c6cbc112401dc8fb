//! A scan of one medium, piece by piece as it arrives.

use std::{future::Future, io, time::Duration};

use tokio::time::{Instant, timeout};

use super::{clamd::ClamdScan, known::Scanned, program::ProgramScan};
use crate::{
    config::{ScanConfig, ScannerConfig},
    telemetry::ForeignText,
};

/// A scan that is under way. Dropped, it is given up.
pub(super) struct Scan {
    taker: Taker,
    /// The time that the scanner has left.
    left: Duration,
    /// How many bytes it takes besides those that it has.
    room: u64,
}

enum Taker {
    Clamd(ClamdScan),
    Program(ProgramScan),
    Ended(Scanned),
}

impl Scan {
    pub(super) async fn begin(config: &ScanConfig) -> Self {
        let mut left = config.timeout;
        let begun = async {
            Ok(match &config.scanner {
                ScannerConfig::Clamd(address) => Taker::Clamd(ClamdScan::begin(address).await?),
                ScannerConfig::Program(program, arguments) => {
                    Taker::Program(ProgramScan::begin(program, arguments)?)
                }
            })
        };
        let taker = within(&mut left, begun).await.unwrap_or_else(failed);
        Self {
            taker,
            left,
            room: config.max_size_bytes,
        }
    }

    /// Hands the next piece over.
    pub(super) async fn push(&mut self, piece: &[u8]) {
        match self.room.checked_sub(piece.len() as u64) {
            Some(room) => self.room = room,
            None => self.taker = Taker::Ended(Scanned::TooLarge),
        }
        let taken = match &mut self.taker {
            Taker::Ended(_) => return,
            Taker::Clamd(scan) => within(&mut self.left, scan.push(piece)).await,
            Taker::Program(scan) => within(&mut self.left, scan.push(piece)).await,
        };
        match taken {
            Ok(None) => {}
            Ok(Some(early)) => self.taker = Taker::Ended(early),
            Err(error) => self.taker = failed(error),
        }
    }

    /// All of it was handed over: what the scanner says.
    pub(super) async fn finish(mut self) -> Scanned {
        let said = match self.taker {
            Taker::Ended(scanned) => return scanned,
            Taker::Clamd(scan) => within(&mut self.left, scan.finish()).await,
            Taker::Program(scan) => within(&mut self.left, scan.finish()).await,
        };
        said.unwrap_or_else(|error| match failed(error) {
            Taker::Ended(scanned) => scanned,
            _ => Scanned::Failed,
        })
    }
}

/// Waits for the scanner, for as long as it has left.
async fn within<T>(
    left: &mut Duration,
    work: impl Future<Output = io::Result<T>>,
) -> io::Result<T> {
    let begun = Instant::now();
    let done = timeout(*left, work).await;
    *left = left.saturating_sub(begun.elapsed());
    done.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

fn failed(error: io::Error) -> Taker {
    let why = ForeignText::new(&error.to_string());
    tracing::error!(%why, "media could not be scanned: media.scan");
    Taker::Ended(Scanned::Failed)
}
