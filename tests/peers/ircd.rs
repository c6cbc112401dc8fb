//! An IRC server on loopback, and somebody who is on it.

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
};

use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpStream, tcp::OwnedWriteHalf},
    task::JoinHandle,
};

use support::{Peer, eventually, process::free_port};

/// Runs the server until the standard input is closed: by the drop, or because the tests have ended.
const LAUNCHER: &str = "\"$0\" --nodaemon --config \"$1\" & read -r _; kill $!; wait $!";

/// A running ngircd.
pub struct Ngircd {
    pub port: u16,
    child: Child,
    _folder: tempfile::TempDir,
}

impl Ngircd {
    /// Where ngircd is: named by the environment variable `NGIRCD`, or where Debian has it.
    pub fn find() -> Option<PathBuf> {
        let ngircd = Peer {
            name: "ngircd",
            variable: "NGIRCD",
            place: "/usr/sbin/ngircd",
            setup: "tests/setup-ngircd.sh",
        };
        ngircd.find(Path::is_file)
    }

    pub async fn start(ngircd: &Path) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let port = free_port();
        let configuration = format!(
            "[Global]\nName = irc.example.org\nInfo = for a test\nListen = 127.0.0.1\nPorts = {port}\n\
             [Limits]\nMaxConnectionsIP = 0\nMaxJoins = 0\n\
             [Options]\nDNS = no\nIdent = no\nPAM = no\n"
        );
        let path = folder.path().join("ngircd.conf");
        std::fs::write(&path, configuration).expect("written");
        let log = std::fs::File::create(folder.path().join("ngircd.log")).expect("a log");
        let child = Command::new("sh")
            .args(["-c", LAUNCHER])
            .args([ngircd, &path])
            .stdin(Stdio::piped())
            .stdout(log.try_clone().expect("a log"))
            .stderr(log)
            .spawn()
            .expect("starts");
        eventually("the IRC server to listen", async || {
            TcpStream::connect(("127.0.0.1", port)).await.ok().map(drop)
        })
        .await;
        Self {
            port,
            child,
            _folder: folder,
        }
    }
}

impl Drop for Ngircd {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        // Fails only for a process that has ended.
        let _ = self.child.wait();
    }
}

/// Somebody on a channel, who sees what is said there.
pub struct IrcUser {
    lines: Arc<Mutex<Vec<String>>>,
    reading: JoinHandle<()>,
}

impl IrcUser {
    pub async fn join(server: &Ngircd, nick: &str, channel: &str) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", server.port)).await;
        let (reader, mut writer) = stream.expect("a connection").into_split();
        say(&mut writer, &format!("NICK {nick}")).await;
        say(&mut writer, &format!("USER {nick} 0 * :{nick}")).await;
        say(&mut writer, &format!("JOIN {channel}")).await;
        let lines = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&lines);
        let reading = tokio::spawn(async move {
            let mut reader = BufReader::new(reader).lines();
            while let Ok(Some(line)) = reader.next_line().await {
                if let Some(token) = line.strip_prefix("PING ") {
                    say(&mut writer, &format!("PONG {token}")).await;
                }
                seen.lock().expect("lines").push(line);
            }
        });
        let user = Self { lines, reading };
        eventually("the channel's names to end", async || {
            user.find(|line| line.contains(" 366 "))
        })
        .await;
        user
    }

    /// What somebody else said on a channel, or `None` as long as nobody said anything like it.
    pub fn heard(&self, nick: &str, channel: &str, words: &str) -> Option<String> {
        let from = format!(":{nick}!");
        let said = format!(" PRIVMSG {channel} :");
        self.find(|line| line.starts_with(&from) && line.contains(&said) && line.contains(words))
            .and_then(|line| Some(line.split_once(&said)?.1.to_owned()))
    }

    fn find(&self, is_it: impl Fn(&str) -> bool) -> Option<String> {
        let lines = self.lines.lock().expect("lines");
        lines.iter().find(|line| is_it(line)).cloned()
    }
}

impl Drop for IrcUser {
    fn drop(&mut self) {
        self.reading.abort();
        if std::thread::panicking() {
            let lines = self.lines.lock().map(|lines| lines.join("\n"));
            eprintln!("what was seen on IRC:\n{}", lines.unwrap_or_default());
        }
    }
}

async fn say(writer: &mut OwnedWriteHalf, line: &str) {
    // Fails where the server has gone; then the test waits in vain, and says for what.
    let _ = writer.write_all(format!("{line}\r\n").as_bytes()).await;
}
