//! A network of its own, and the ways to it that a test can cut: Linux's network namespaces, by iproute2.

use std::process::{Command, Stdio};

/// A network namespace, which a pair of virtual interfaces for each way joins to this one. It goes with the test.
pub struct Network {
    name: String,
    ways: usize,
}

impl Network {
    /// So many ways to a new one. `None`: only root may, or there is no iproute2.
    pub fn with_ways(ways: usize) -> Option<Self> {
        let name = format!("medialink{}", std::process::id());
        if !ip(&["netns", "add", &name]) {
            return None;
        }
        let network = Self { name, ways: 0 };
        network.with(ways)
    }

    fn with(mut self, ways: usize) -> Option<Self> {
        for way in 0..ways {
            let (outer, inner) = (self.outer(way), inner(way));
            let name = self.name.clone();
            let (here, there) = (address(way, 1) + "/30", address(way, 2) + "/30");
            let pair = ["peer", "name", &inner, "netns", &name];
            let is_there = ip(&[&["link", "add", &outer, "type", "veth"], &pair[..]].concat())
                && ip(&["address", "add", &here, "dev", &outer])
                && ip(&["-n", &name, "address", "add", &there, "dev", &inner])
                && ip(&["-n", &name, "link", "set", &inner, "up"])
                && ip(&["link", "set", &outer, "up"]);
            if !is_there {
                return None;
            }
            self.ways += 1;
        }
        Some(self)
    }

    /// The address of the other end of a way.
    pub fn address(&self, way: usize) -> String {
        assert!(way < self.ways, "way {way} of {}", self.ways);
        address(way, 2)
    }

    /// Lets nothing pass on a way, and tells nobody.
    pub fn cut(&self, way: usize) {
        self.set(way, "down");
    }

    /// Lets everything pass again.
    pub fn mend(&self, way: usize) {
        self.set(way, "up");
    }

    fn set(&self, way: usize, state: &str) {
        let done = ip(&["-n", &self.name, "link", "set", &inner(way), state]);
        assert!(done, "way {way} of {} is set {state}", self.name);
    }

    /// What a command begins with that runs there.
    pub(crate) fn inside(&self) -> Vec<String> {
        let words = ["ip", "netns", "exec", &self.name];
        words.map(str::to_owned).to_vec()
    }

    fn outer(&self, way: usize) -> String {
        format!("ml{}-{way}", std::process::id())
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        // The interfaces go with it.
        ip(&["netns", "delete", &self.name]);
    }
}

fn inner(way: usize) -> String {
    format!("way{way}")
}

/// One of the four addresses of a way, of those for measurements (RFC 2544), which no network uses. Each process has
/// others.
fn address(way: usize, host: u32) -> String {
    let way = u32::try_from(way).expect("few");
    let network = (std::process::id() * 8 + way % 8) % (1 << 15);
    std::net::Ipv4Addr::from((198 << 24) + (18 << 16) + network * 4 + host).to_string()
}

fn ip(arguments: &[&str]) -> bool {
    let mut command = Command::new("ip");
    command.args(arguments).stdin(Stdio::null());
    let quiet = command.stdout(Stdio::null()).stderr(Stdio::null());
    quiet.status().is_ok_and(|status| status.success())
}
