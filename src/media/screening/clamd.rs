//! A scan by ClamAV's daemon: its command `INSTREAM` (clamd(8)).

use std::io;

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpStream, UnixStream},
};

use super::known::Scanned;
use crate::config::ClamdAddress;

/// The longest answer that is read.
const MAX_ANSWER: u64 = 4096;
/// The longest chunk that is sent.
const MAX_CHUNK: usize = 64 << 10;

trait Connection: AsyncRead + AsyncWrite + Unpin {}
impl<T: AsyncRead + AsyncWrite + Unpin> Connection for T {}

/// A scan by clamd.
pub(super) struct ClamdScan(Box<dyn Connection>);

impl ClamdScan {
    pub(super) async fn begin(address: &ClamdAddress) -> io::Result<Self> {
        let mut connection: Box<dyn Connection> = match address {
            ClamdAddress::Unix(path) => Box::new(UnixStream::connect(path).await?),
            ClamdAddress::Tcp(address) => Box::new(TcpStream::connect(address).await?),
        };
        connection.write_all(b"zINSTREAM\0").await?;
        Ok(Self(connection))
    }

    /// Sends a piece; what clamd says, if it wants no more.
    pub(super) async fn push(&mut self, piece: &[u8]) -> io::Result<Option<Scanned>> {
        for chunk in piece.chunks(MAX_CHUNK) {
            if let Err(error) = self.send(chunk).await {
                // It may have said why before it closed.
                let answer = self.answer().await.unwrap_or_default();
                return match answer.is_empty() {
                    true => Err(error),
                    false => read(&answer).map(Some),
                };
            }
        }
        Ok(None)
    }

    async fn send(&mut self, chunk: &[u8]) -> io::Result<()> {
        let length = u32::try_from(chunk.len()).map_err(io::Error::other)?;
        self.0.write_all(&length.to_be_bytes()).await?;
        self.0.write_all(chunk).await
    }

    /// Sends the end; what clamd says.
    pub(super) async fn finish(mut self) -> io::Result<Scanned> {
        let sent = self.send(&[]).await;
        let answer = self.answer().await?;
        if answer.is_empty() {
            sent?;
        }
        read(&answer)
    }

    async fn answer(&mut self) -> io::Result<String> {
        let mut answer = Vec::new();
        (&mut self.0)
            .take(MAX_ANSWER)
            .read_to_end(&mut answer)
            .await?;
        let answer = String::from_utf8_lossy(&answer);
        Ok(answer.trim_matches(['\0', '\n', ' ']).to_owned())
    }
}

/// Reads clamd's answer.
fn read(answer: &str) -> io::Result<Scanned> {
    if answer.starts_with("INSTREAM size limit exceeded") {
        return Ok(Scanned::TooLarge);
    }
    let said = answer.strip_prefix("stream: ").unwrap_or_default();
    if said == "OK" {
        return Ok(Scanned::Clean);
    }
    match said.strip_suffix(" FOUND") {
        Some(name) => Ok(Scanned::found(name)),
        None if answer.is_empty() => Err(io::ErrorKind::UnexpectedEof.into()),
        None => Err(io::Error::other(format!("clamd says: {answer}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_of_clamd_are_understood() {
        assert_eq!(read("stream: OK").expect("an answer"), Scanned::Clean);
        let found = read("stream: Eicar-Test-Signature FOUND").expect("an answer");
        assert_eq!(found, Scanned::found("Eicar-Test-Signature"));
        let large = read("INSTREAM size limit exceeded. ERROR").expect("an answer");
        assert_eq!(large, Scanned::TooLarge);
        for other in [
            "",
            "stream: ",
            "UNKNOWN COMMAND",
            "stream: OK FOUND ERROR",
            "OK",
        ] {
            read(other).expect_err(other);
        }
    }
}
