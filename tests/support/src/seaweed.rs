//! A real object store that speaks S3: SeaweedFS, for one test.

use std::{
    path::Path,
    process::{Child, Command, Stdio},
};

use serde_json::{Value, json};

use crate::{client::client, peer::Peer, process::free_port, waiting::eventually};

const PEER: Peer = Peer {
    name: "SeaweedFS",
    variable: "WEED",
    place: "target/seaweedfs/bin/weed",
    setup: "tests/setup-seaweedfs.sh",
};
const ACCESS_KEY: &str = "harness-access-key";
/// What requests to it are signed with.
pub const SECRET_KEY: &str = "harness-secret-key-0123456789";

/// A server with a bucket. Its data goes with it.
pub struct SeaweedFs {
    folder: tempfile::TempDir,
    /// Where the bucket is: address and port.
    pub address: String,
    files: String,
    child: Option<Child>,
    ports: Vec<u16>,
    weed: std::path::PathBuf,
}

impl SeaweedFs {
    /// Starts one; `None`: it is not installed, and the test is skipped.
    pub async fn start() -> Option<Self> {
        let weed = PEER.find(Path::is_file)?;
        let ports: Vec<u16> = (0..10).map(|_| free_port()).collect();
        let mut server = Self {
            folder: tempfile::tempdir().expect("a folder"),
            address: format!("127.0.0.1:{}", ports[0]),
            files: format!("http://127.0.0.1:{}/buckets/media", ports[2]),
            child: None,
            ports,
            weed,
        };
        let identity = json!({
            "name": "medialink", "actions": ["Admin", "Read", "Write", "List"],
            "credentials": [{"accessKey": ACCESS_KEY, "secretKey": SECRET_KEY}],
        });
        let identities = json!({"identities": [identity]}).to_string();
        std::fs::write(server.folder.path().join("s3.json"), identities).expect("written");
        server.start_again().await;
        Some(server)
    }

    /// Starts it again, with the data that it had.
    pub async fn start_again(&mut self) {
        let names = [
            "s3",
            "s3.grpc",
            "filer",
            "filer.grpc",
            "master",
            "master.grpc",
            "volume",
            "volume.grpc",
            "admin",
            "admin.grpc",
        ];
        let ports = names.iter().zip(&self.ports).map(|(name, port)| {
            let (name, kind) = name.split_once('.').map_or((*name, ""), |both| both);
            let kind = if kind.is_empty() { "" } else { ".grpc" };
            format!("-{name}.port{kind}={port}")
        });
        let log = std::fs::File::create(self.folder.path().join("log")).expect("a log");
        let child = Command::new(&self.weed)
            .args([
                "mini",
                "-dir=data",
                "-ip=127.0.0.1",
                "-ip.bind=127.0.0.1",
                "-bucket=media",
            ])
            .args([
                "-admin.ui=false",
                "-webdav=false",
                "-s3.port.iceberg=0",
                "-s3.port.lance=0",
            ])
            .args(["-s3.config=s3.json"])
            .args(ports)
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn();
        let child = self.child.insert(child.expect("starts"));
        let (client, files) = (client(), self.files.clone());
        eventually("the object store to answer", async || {
            let ended = child.try_wait().expect("a child");
            assert!(ended.is_none(), "the object store has ended: {ended:?}");
            let list = client
                .get(format!("{files}/"))
                .header("Accept", "application/json");
            let is_there = list.send().await.ok()?.status().is_success();
            is_there.then_some(())
        })
        .await;
    }

    /// Ends it at once.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("killed");
            child.wait().expect("ended");
        }
    }

    /// The setting `s3` of a cache, with its secret.
    pub fn settings(&self) -> String {
        Self::settings_at(&self.address, SECRET_KEY)
    }

    /// The same at another address, or with another secret.
    pub fn settings_at(address: &str, secret: &str) -> String {
        format!(
            "{{endpoint: 'http://{address}', bucket: media, prefix: cache, access_key_id: {ACCESS_KEY}, \
             secret_access_key: {secret}}}"
        )
    }

    /// Puts an object into the bucket that is none of the service's.
    pub async fn put(&self, name: &str) {
        let url = format!("{}/{name}", self.files);
        let put = client().put(url).body("of somebody else").send();
        assert!(put.await.expect("an answer").status().is_success());
    }

    /// The names of all objects, as its file server lists them.
    pub async fn objects(&self) -> Vec<String> {
        let (client, mut folders, mut found) = (client(), vec![String::new()], Vec::new());
        while let Some(folder) = folders.pop() {
            let url = format!("{}{folder}/?limit=100000", self.files);
            let list = client.get(url).header("Accept", "application/json");
            let listed: Value = match list.send().await {
                Ok(answer) if answer.status().is_success() => answer.json().await.expect("JSON"),
                _ => continue,
            };
            for entry in listed["Entries"].as_array().into_iter().flatten() {
                let path = entry["FullPath"].as_str().expect("a path");
                let path = path.strip_prefix("/buckets/media").expect("of the bucket");
                // The mode of a folder, as Go writes it.
                if entry["Mode"].as_u64().is_some_and(|mode| mode >> 31 == 1) {
                    // Parts of what is still being stored.
                    if !path.ends_with("/.uploads") {
                        folders.push(path.to_owned());
                    }
                } else {
                    found.push(path.to_owned());
                }
            }
        }
        found
    }

    /// Waits until it holds so many objects.
    pub async fn wait_for_objects(&self, count: usize) {
        eventually("its objects", async || {
            (self.objects().await.len() == count).then_some(())
        })
        .await;
    }

    /// Whether these bytes are anywhere in its files.
    pub fn contains(&self, bytes: &[u8]) -> bool {
        let files = crate::cache_folder::files(&self.folder.path().join("data")).0;
        files.iter().any(|path| {
            let content = std::fs::read(path).unwrap_or_default();
            content.windows(bytes.len()).any(|window| window == bytes)
        })
    }
}

impl Drop for SeaweedFs {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            let log = std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
            let end: Vec<&str> = log.lines().rev().take(20).collect();
            let end = end.join("\n");
            eprintln!("the object store's last words, newest first:\n{end}");
        }
    }
}
