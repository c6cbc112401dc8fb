//! The replicas, their database and the ways between them, and what breaks them.

use std::{
    fmt,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use support::{Network, PostgresServer, Process, Wire, World, Xorshift, eventually};

use super::ledger::Ledger;

pub const REPLICAS: usize = 3;
/// How long a replica that is cut off serves what it remembers.
pub const GRACE: Duration = Duration::from_secs(2);

const FILES: [[&str; 2]; REPLICAS] = [
    ["replica0.yaml", "replica0.log"],
    ["replica1.yaml", "replica1.log"],
    ["replica2.yaml", "replica2.log"],
];

/// One of the replicas, which may be killed at any time.
pub struct Replica {
    process: Mutex<Process>,
    pub public: String,
    pub internal: String,
}

pub struct Scene {
    pub world: World,
    pub replicas: Vec<Replica>,
    pub server: PostgresServer,
    /// The ways to the server, if no network of its own can be made for it.
    wires: Vec<Wire>,
    pub client: reqwest::Client,
}

/// What is broken in a round.
#[derive(Debug, Clone, Copy)]
pub enum Break {
    Kill(usize),
    Crash,
    Cut(usize),
}

impl fmt::Display for Break {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kill(replica) => write!(f, "kill -9 of replica {replica}"),
            Self::Crash => write!(f, "crash of PostgreSQL"),
            Self::Cut(replica) => write!(f, "replica {replica} cut off"),
        }
    }
}

impl Break {
    /// The kinds of it come in turns.
    pub fn of_round(round: u64, random: &mut Xorshift) -> Self {
        let replica = usize::try_from(random.below(REPLICAS as u64)).expect("small");
        match round % 3 {
            0 => Self::Kill(replica),
            1 => Self::Cut(replica),
            _ => Self::Crash,
        }
    }
}

impl Scene {
    pub async fn start() -> Arc<Self> {
        let world = World::new().await;
        // One more way for the test itself, which nothing cuts.
        let server = PostgresServer::start_in(Network::with_ways(REPLICAS + 1));
        let mut wires = Vec::new();
        if server.network().is_none() {
            for _ in 0..REPLICAS {
                wires.push(Wire::to(&server.address(0)).await);
            }
        }
        let mut replicas = Vec::new();
        for (number, files) in FILES.into_iter().enumerate() {
            let more = format!(
                "usage: {{batch_window: 50ms, touch: never}}\ndatabase_grace: {}s\n\
                 media: {{cache: {{dir: data/cache{number}}}}}",
                GRACE.as_secs()
            );
            let mut process = Process::named(world.folder.path(), files, &world.url, &more);
            let wire = wires.get(number).map(|wire| wire.address.clone());
            let address = wire.unwrap_or_else(|| server.address(number));
            process.use_database(&format!("postgres://postgres@{address}/postgres"));
            process.start().await;
            replicas.push(Replica {
                public: process.public.clone(),
                internal: process.internal.clone(),
                process: Mutex::new(process),
            });
        }
        Arc::new(Self {
            world,
            replicas,
            server,
            wires,
            // No request waits for what has been cut.
            client: reqwest::Client::builder()
                .no_proxy()
                .timeout(Duration::from_secs(10))
                .build()
                .expect("a client"),
        })
    }

    /// What the ways to the database are.
    pub fn ways(&self) -> &'static str {
        if self.wires.is_empty() {
            "network namespaces"
        } else {
            "proxies (no network namespaces without root and iproute2)"
        }
    }

    /// Breaks it, for so long; then waits until all is well again, and tells how long that took.
    pub async fn break_for(&self, what: Break, pause: Duration, ledger: &Ledger) -> Duration {
        let away = match what {
            Break::Kill(one) | Break::Cut(one) => vec![one],
            Break::Crash => (0..REPLICAS).collect(),
        };
        ledger.go_away(&away);
        match what {
            Break::Kill(one) => self.process(one, Process::kill),
            Break::Crash => self.server.kill(),
            Break::Cut(one) => match self.server.network() {
                Some(network) => network.cut(one),
                None => self.wires[one].silence(),
            },
        }
        tokio::time::sleep(pause).await;
        match what {
            Break::Kill(one) => self.process(one, Process::spawn),
            Break::Crash => self.server.restart(),
            Break::Cut(one) => match self.server.network() {
                Some(network) => network.mend(one),
                None => self.wires[one].mend(),
            },
        }
        let mended = Instant::now();
        join_all(away.iter().map(|one| self.is_ready(*one))).await;
        ledger.come_back(&away);
        mended.elapsed()
    }

    /// Waits until a replica says that all is well.
    async fn is_ready(&self, replica: usize) {
        let url = format!("{}/ready", self.replicas[replica].internal);
        eventually("a replica that is ready", async || {
            let answer = self.client.get(&url).send().await.ok()?;
            answer.status().is_success().then_some(())
        })
        .await;
    }

    fn process(&self, replica: usize, change: impl FnOnce(&mut Process)) {
        let process = &self.replicas[replica].process;
        change(&mut process.lock().expect("no panic"));
    }

    /// Whether all replicas have lived until now, besides those that were killed.
    pub fn all_run(&self) -> bool {
        self.replicas.iter().all(|replica| {
            let mut process = replica.process.lock().expect("no panic");
            process.is_running()
        })
    }

    /// The database, opened beside the replicas by a way that nothing cuts.
    pub async fn database(&self) -> medialink::storage::Database {
        let beside = Process::named(
            self.world.folder.path(),
            ["beside.yaml", "beside.log"],
            &self.world.url,
            "",
        );
        let address = match self.server.network() {
            Some(_) => self.server.address(REPLICAS),
            None => self.server.address(0),
        };
        beside.use_database(&format!("postgres://postgres@{address}/postgres"));
        beside.database().await
    }
}
