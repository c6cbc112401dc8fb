//! Where the browser is, and how a plan of visits is carried out in it.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use serde_json::{Value, json};
use support::Peer;

/// The browser, and the folder of what drives it.
pub struct Browser {
    chromium: PathBuf,
    directory: PathBuf,
}

impl Browser {
    /// `None`: it is not installed, which is told.
    pub fn find() -> Option<Self> {
        let setup = "tests/setup-browser.sh";
        let chromium = Peer {
            name: "browser",
            variable: "CHROMIUM",
            place: "/usr/bin/chromium",
            setup,
        };
        let directory = Peer {
            name: "driver of a browser",
            variable: "BROWSER_DIRECTORY",
            place: "target/browser",
            setup,
        };
        let is_whole = |path: &Path| path.join(".medialink-browser-version").is_file();
        Some(Self {
            chromium: chromium.find(Path::is_file)?,
            directory: directory.find(is_whole)?,
        })
    }

    /// A film that is too long to be loaded at once.
    pub fn film(&self) -> Vec<u8> {
        std::fs::read(self.directory.join("film.webm")).expect("a film")
    }

    /// Carries the visits out, and fails if anything is wrong with a page. The pictures of the pages stay in
    /// `target/browser/pages/`. `BROWSER_ONLY=view` leaves out the visits without that word in their name.
    pub async fn holds(&self, plan: &str, languages: &[&str], mut visits: Vec<Value>) {
        if let Ok(word) = std::env::var("BROWSER_ONLY") {
            visits.retain(|visit| {
                visit["name"]
                    .as_str()
                    .is_some_and(|name| name.contains(&word))
            });
        }
        let pictures = self.directory.join("pages").join(plan);
        // Those of pages that are no longer visited would be taken for new ones.
        let _ = std::fs::remove_dir_all(&pictures);
        std::fs::create_dir_all(&pictures).expect("a folder");
        let plan = json!({
            "chromium": self.chromium, "directory": self.directory, "pictures": pictures,
            "languages": languages, "visits": visits,
        });
        let output = tokio::task::spawn_blocking(move || run(&plan)).await;
        let output = output.expect("no panic");
        let problem = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{problem}");
        let seen: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        let problems = seen["problems"].as_array().expect("a list");
        assert!(problems.is_empty(), "{problems:#?}");
        let looked = seen["looked"].as_array().expect("a list");
        assert_eq!(Some(looked.len() as u64), seen["wanted"].as_u64());
        let times = looked.iter().filter_map(|page| page["ms"].as_u64());
        println!(
            "{} looks, {} ms of looking",
            looked.len(),
            times.sum::<u64>()
        );
    }
}

fn run(plan: &Value) -> Output {
    let mut child = Command::new("node")
        .arg(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/browser/run.mjs"
        ))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("node starts");
    let mut input = child.stdin.take().expect("a pipe");
    input.write_all(plan.to_string().as_bytes()).expect("read");
    drop(input);
    child.wait_with_output().expect("it ends")
}
