//! A scan by a program, as Matrix's content scanners have it: it is given a file, and its exit code decides.

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use tempfile::NamedTempFile;

use super::{super::running::Running, known::Scanned};

/// The exit code of a program that has found something.
const FOUND: i32 = 1;

/// A scan by a program.
pub(super) struct ProgramScan {
    program: PathBuf,
    arguments: Vec<String>,
    file: NamedTempFile,
}

impl ProgramScan {
    pub(super) fn begin(program: &Path, arguments: &[String]) -> io::Result<Self> {
        Ok(Self {
            program: program.to_owned(),
            arguments: arguments.to_vec(),
            file: tempfile::Builder::new()
                .prefix("medialink-scan-")
                .tempfile()?,
        })
    }

    /// Writes a piece into the file.
    pub(super) async fn push(&mut self, piece: &[u8]) -> io::Result<Option<Scanned>> {
        let (mut file, piece) = (self.file.as_file().try_clone()?, piece.to_vec());
        let written = tokio::task::spawn_blocking(move || file.write_all(&piece));
        written.await.map_err(io::Error::other)??;
        Ok(None)
    }

    /// Runs the program, which is killed if nobody waits for it any more.
    pub(super) async fn finish(self) -> io::Result<Scanned> {
        let started = Command::new(&self.program)
            .args(&self.arguments)
            .arg(self.file.path())
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let mut process = Running::new(started);
        let status = process.ended().await?;
        match status.code() {
            Some(0) => Ok(Scanned::Clean),
            Some(FOUND) => Ok(Scanned::found("program")),
            _ => Err(io::Error::other(format!(
                "the program has ended with {status}"
            ))),
        }
    }
}
