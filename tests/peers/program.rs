//! A program beside the service that runs until it is stopped, or the tests have ended.

use std::{
    path::Path,
    process::{Child, Command, Stdio},
};

use support::eventually;
use tokio::net::TcpStream;

/// Runs the program until the standard input is closed.
const LAUNCHER: &str = "\"$0\" \"$@\" & read -r _; kill $!; wait $!";

pub struct Program {
    child: Child,
}

impl Program {
    /// Starts it, and waits until it listens on this port.
    pub async fn start(program: &Path, arguments: &[&str], port: u16, folder: &Path) -> Self {
        let log = std::fs::File::create(folder.join("program.log")).expect("a log");
        let child = Command::new("sh")
            .args(["-c", LAUNCHER])
            .arg(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(log.try_clone().expect("a log"))
            .stderr(log)
            .spawn();
        let started = Self {
            child: child.expect("starts"),
        };
        eventually("the program to listen", async || {
            TcpStream::connect(("127.0.0.1", port)).await.ok().map(drop)
        })
        .await;
        started
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        // Fails only for a process that has ended.
        let _ = self.child.wait();
    }
}
