//! A PostgreSQL server of one test alone, which it may kill.

use std::{
    os::unix::fs::{MetadataExt, chown},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::process::free_port;

/// A server whose files are in a folder of its own. It ends with the test.
pub struct PostgresServer {
    folder: tempfile::TempDir,
    programs: PathBuf,
    port: u16,
}

impl PostgresServer {
    /// Makes a server, and starts it.
    pub fn start() -> Self {
        let setup = Path::new(env!("CARGO_MANIFEST_DIR")).join("../setup-postgres.sh");
        let programs = said(&mut Command::new(setup));
        let server = Self {
            folder: tempfile::tempdir().expect("a folder"),
            programs: programs.lines().last().expect("a folder").into(),
            port: free_port(),
        };
        if let Some((user, group)) = owner() {
            chown(server.folder.path(), Some(user), Some(group)).expect("handed over");
        }
        let data = server.data();
        server.run("initdb", &["-D", &data, "-U", "postgres", "-A", "trust"]);
        server.restart();
        server
    }

    /// Starts it after it was killed.
    pub fn restart(&self) {
        let folder = self.folder.path().display();
        let port = self.port;
        let settings = format!("-c listen_addresses=127.0.0.1 -p {port} -k {folder}");
        let (data, log) = (self.data(), format!("{folder}/log"));
        let arguments = ["-D", &data, "-l", &log, "-o", &settings, "-w", "start"];
        self.run("pg_ctl", &arguments);
    }

    /// Ends it at once, as a crash does.
    pub fn kill(&self) {
        let data = self.data();
        self.run("pg_ctl", &["-D", &data, "-m", "immediate", "-w", "stop"]);
    }

    /// The URL of a database there.
    pub fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    fn data(&self) -> String {
        format!("{}/data", self.folder.path().display())
    }

    fn command(&self, program: &str, arguments: &[&str]) -> Command {
        let program = self.programs.join(program);
        // PostgreSQL does not run as root.
        let mut command = match owner() {
            None => Command::new(program),
            Some((user, group)) => {
                let mut command = Command::new("setpriv");
                command
                    .args(["--reuid", &user.to_string(), "--regid", &group.to_string()])
                    .arg("--clear-groups")
                    .arg(program);
                command
            }
        };
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command
    }

    fn run(&self, program: &str, arguments: &[&str]) {
        let ended = self.command(program, arguments).status();
        assert!(ended.expect("it runs").success(), "{program} {arguments:?}");
    }
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        let data = self.data();
        // It may have been killed already.
        let stop = ["-D", &data, "-m", "immediate", "-w", "stop"];
        let _ = self.command("pg_ctl", &stop).status();
    }
}

/// For root: the user and the group that run the server.
fn owner() -> Option<(u32, u32)> {
    let is_root = std::fs::metadata("/proc/self").expect("Linux").uid() == 0;
    let id = |user: &str| {
        let mut command = Command::new("id");
        let found = command.args(["-u", user]).output().expect("id runs");
        let text = String::from_utf8_lossy(&found.stdout).trim().to_owned();
        text.parse().ok()
    };
    let user: u32 = is_root.then(|| id("postgres").or_else(|| id("nobody")))??;
    let group = said(Command::new("id").args(["-g", &user.to_string()]));
    Some((user, group.trim().parse().expect("a group")))
}

fn said(command: &mut Command) -> String {
    let output = command.output().expect("it runs");
    assert!(output.status.success(), "{command:?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}
