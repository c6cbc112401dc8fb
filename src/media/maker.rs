//! Has thumbnails made by another process, which can be killed: this program, with a command of its
//! own. It gets the image and nothing else, neither settings nor an environment.

use std::{
    io,
    os::fd::OwnedFd,
    path::PathBuf,
    process::{Command, Stdio},
    time::Duration,
};

use bytes::Bytes;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::unix::pipe,
    time::timeout,
};

use super::{MediaError, ThumbnailMethod, running::Running};

/// The command that makes a thumbnail.
const COMMAND: &str = "make-thumbnail";
/// The longest time that it may take. It also has a limit of processor time.
const MADE_WITHIN: Duration = Duration::from_secs(30);
/// The largest thumbnail: more than the largest size has as a PNG.
const MAX_MADE_BYTES: u64 = 24 << 20;

/// An encoded thumbnail.
#[derive(Debug, Clone)]
pub(super) struct MadeThumbnail {
    pub(super) bytes: Bytes,
    pub(super) content_type: &'static str,
}

/// Has thumbnails made.
pub(super) struct Maker {
    program: PathBuf,
    within: Duration,
}

impl Maker {
    /// `program`: this program.
    pub(super) fn new(program: PathBuf) -> Self {
        Self {
            program,
            within: MADE_WITHIN,
        }
    }

    /// A thumbnail of an image. The process has ended when this returns, and is killed if the future
    /// is dropped.
    pub(super) async fn make(
        &self,
        source: &[u8],
        (width, height): (u32, u32),
        method: ThumbnailMethod,
    ) -> Result<MadeThumbnail, MediaError> {
        let started = Command::new(&self.program)
            .arg(COMMAND)
            .args([width.to_string(), height.to_string()])
            .arg(method.as_str())
            .env_clear()
            // Our allocator would set a gigabyte aside before there is a limit.
            .env("MIMALLOC_ARENA_RESERVE", "0")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        let mut process = Running::new(started.map_err(|error| not_started(&error))?);
        let talk = timeout(self.within, talk(&mut process, source)).await;
        process.end().await;
        match talk {
            Ok(Ok(bytes)) => recognised(bytes).ok_or(MediaError::NoThumbnail),
            Ok(Err(_)) | Err(_) => Err(MediaError::NoThumbnail),
        }
    }
}

/// Hands the image over, and takes the thumbnail; nothing, if there is none.
async fn talk(process: &mut Running, source: &[u8]) -> io::Result<Vec<u8>> {
    let child = process.child();
    let pipes = child.and_then(|child| child.stdin.take().zip(child.stdout.take()));
    let (stdin, stdout) = pipes.ok_or(io::ErrorKind::BrokenPipe)?;
    let stdin = pipe::Sender::from_owned_fd(OwnedFd::from(stdin))?;
    let stdout = pipe::Receiver::from_owned_fd(OwnedFd::from(stdout))?;
    let ((), made) = tokio::join!(hand_over(stdin, source), take(stdout));
    let made = made?;
    let has_made = process.ended().await?.success();
    Ok(if has_made { made } else { Vec::new() })
}

async fn hand_over(mut stdin: pipe::Sender, source: &[u8]) {
    // A process that wants no more of it says why by its exit code.
    drop(stdin.write_all(source).await);
}

async fn take(stdout: pipe::Receiver) -> io::Result<Vec<u8>> {
    let mut made = Vec::new();
    let mut most = stdout.take(MAX_MADE_BYTES + 1);
    most.read_to_end(&mut made).await?;
    if made.len() as u64 > MAX_MADE_BYTES {
        return Err(io::Error::other("the thumbnail is too large"));
    }
    Ok(made)
}

/// The thumbnail with its type, if it is what a thumbnail may be.
fn recognised(bytes: Vec<u8>) -> Option<MadeThumbnail> {
    let content_type = if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
        "image/png"
    } else if bytes.starts_with(b"\xff\xd8\xff") {
        "image/jpeg"
    } else {
        return None;
    };
    Some(MadeThumbnail {
        bytes: bytes.into(),
        content_type,
    })
}

fn not_started(error: &io::Error) -> MediaError {
    tracing::error!(%error, "no process can be started to make a thumbnail");
    MediaError::Failed(format!("no thumbnail can be made: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    /// Asks a shell script for a thumbnail.
    async fn asked(script: &str, source: &[u8]) -> Result<MadeThumbnail, MediaError> {
        let folder = tempfile::tempdir().expect("a folder");
        let program = folder.path().join("program");
        std::fs::write(&program, format!("#!/bin/sh\n{script}\n")).expect("written");
        let mode = std::fs::Permissions::from_mode(0o700);
        std::fs::set_permissions(&program, mode).expect("allowed");
        let maker = Maker {
            program,
            within: Duration::from_secs(2),
        };
        maker.make(source, (96, 96), ThumbnailMethod::Crop).await
    }

    #[tokio::test]
    async fn a_picture_comes_back_and_nothing_else() {
        let large = vec![7; 3 << 20];
        let reads = "/bin/cat > /dev/null; ";
        let made = asked(&format!("{reads} printf '\\377\\330\\377'"), &large).await;
        assert_eq!(made.expect("made").content_type, "image/jpeg");
        for script in [
            "printf '\\377\\330\\377'; exit 1",
            "printf '<svg/>'",
            "exit 0",
            "kill -9 $$",
            // Never reads; never ends; never stops talking.
            "printf '\\377\\330\\377'; exec /bin/sleep 1000",
            "exec /usr/bin/yes",
        ] {
            let made = asked(script, &large).await;
            assert_eq!(made.expect_err("none"), MediaError::NoThumbnail, "{script}");
        }
    }

    #[tokio::test]
    async fn the_process_knows_nothing_but_the_image() {
        let script = "[ \"$*\" = 'make-thumbnail 96 96 crop' ] && [ -z \"$HOME$CARGO_MANIFEST_DIR\" ] && printf '\\211PNG\\r\\n\\032\\n'";
        let made = asked(script, b"x").await.expect("made");
        assert_eq!(made.content_type, "image/png");
    }

    #[tokio::test]
    async fn a_program_that_is_gone_is_reported() {
        let maker = Maker::new("/does/not/exist".into());
        let made = maker.make(b"x", (1, 1), ThumbnailMethod::Scale).await;
        assert!(matches!(made, Err(MediaError::Failed(_))));
    }
}
