//! A PostgreSQL server of one test alone, which it may kill.

use std::{
    os::unix::fs::{MetadataExt, chown},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::{network::Network, peer::Peer, process::free_port};

/// A server whose files are in a folder of its own. It ends with the test.
pub struct PostgresServer {
    folder: tempfile::TempDir,
    programs: PathBuf,
    port: u16,
    network: Option<Network>,
}

impl PostgresServer {
    /// Makes a server on this machine, and starts it.
    pub fn start() -> Self {
        Self::start_in(None)
    }

    /// The same, if there are the programs of a server; if not, that is told.
    pub fn find() -> Option<Self> {
        let programs = Peer {
            name: "PostgreSQL",
            variable: "POSTGRES_BIN",
            place: "/usr/lib/postgresql",
            setup: "tests/setup-postgres.sh",
        };
        let is_whole = |path: &Path| {
            let versions = std::fs::read_dir(path).into_iter().flatten().flatten();
            let mut folders = versions.map(|version| version.path().join("bin"));
            path.join("initdb").is_file() || folders.any(|bin| bin.join("initdb").is_file())
        };
        programs.find(is_whole).map(|_| Self::start())
    }

    /// Makes a server at the other end of a network, and starts it.
    pub fn start_in(network: Option<Network>) -> Self {
        let server = Self {
            folder: tempfile::tempdir().expect("a folder"),
            programs: programs(),
            port: free_port(),
            network,
        };
        if let Some((user, group)) = owner() {
            chown(server.folder.path(), Some(user), Some(group)).expect("handed over");
        }
        let data = server.data();
        server.run("initdb", &["-D", &data, "-U", "postgres", "-A", "trust"]);
        if server.network.is_some() {
            let rules = format!("{data}/pg_hba.conf");
            std::fs::write(rules, "local all all trust\nhost all all samenet trust\n")
                .expect("rules");
        }
        server.restart();
        server
    }

    /// A server that was killed, once more: what it knew then, on another port.
    pub fn copy(&self) -> Self {
        let copy = Self {
            folder: tempfile::tempdir().expect("a folder"),
            programs: self.programs.clone(),
            port: free_port(),
            network: None,
        };
        if let Some((user, group)) = owner() {
            chown(copy.folder.path(), Some(user), Some(group)).expect("handed over");
        }
        said(Command::new("cp").args(["-a", &self.data(), &copy.data()]));
        copy.restart();
        copy
    }

    /// Starts it after it was killed.
    pub fn restart(&self) {
        let folder = self.folder.path().display();
        let port = self.port;
        // In a network of its own, nobody else can reach it.
        let addresses = self.network.as_ref().map_or("127.0.0.1", |_| "*");
        let settings = format!("-c listen_addresses={addresses} -p {port} -k {folder}");
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
        let address = self.address(0);
        format!("postgres://postgres@{address}/postgres")
    }

    /// Its address and port at the end of this way of its network.
    pub fn address(&self, way: usize) -> String {
        let network = self.network.as_ref();
        let host = network.map_or_else(|| "127.0.0.1".to_owned(), |network| network.address(way));
        format!("{host}:{}", self.port)
    }

    /// The network to it, if it is not on this machine.
    pub fn network(&self) -> Option<&Network> {
        self.network.as_ref()
    }

    fn data(&self) -> String {
        format!("{}/data", self.folder.path().display())
    }

    fn command(&self, program: &str, arguments: &[&str]) -> Command {
        let mut words = self.network.as_ref().map_or_else(Vec::new, Network::inside);
        // PostgreSQL does not run as root.
        if let Some((user, group)) = owner() {
            let (user, group) = (format!("--reuid={user}"), format!("--regid={group}"));
            words.extend([
                "setpriv".to_owned(),
                user,
                group,
                "--clear-groups".to_owned(),
            ]);
        }
        words.push(self.programs.join(program).display().to_string());
        let mut command = Command::new(&words[0]);
        command
            .args(&words[1..])
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

/// Whether the tests run as root.
pub fn is_root() -> bool {
    std::fs::metadata("/proc/self").expect("Linux").uid() == 0
}

/// The folder of PostgreSQL's programs.
fn programs() -> PathBuf {
    let setup = Path::new(env!("CARGO_MANIFEST_DIR")).join("../setup-postgres.sh");
    let told = said(&mut Command::new(setup));
    told.lines().last().expect("a folder").into()
}

/// The whole database as a dump.
pub fn pg_dump(url: &str) -> Vec<u8> {
    let dump = Command::new(programs().join("pg_dump")).arg(url).output();
    let dump = dump.expect("it runs");
    assert!(dump.status.success(), "{dump:?}");
    dump.stdout
}

/// For root: the user and the group that run the server.
fn owner() -> Option<(u32, u32)> {
    let is_root = is_root();
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
