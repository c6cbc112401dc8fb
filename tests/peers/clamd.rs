//! ClamAV's daemon scans media, with a signature of the test's own.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};
use support::{Peer, Service, World, eventually, process::free_port, url};

use crate::program::Program;

/// What the signature finds.
const BAD: &str = "medialink-test-signature-1f0c";

fn find() -> Option<PathBuf> {
    let clamd = Peer {
        name: "clamd",
        variable: "CLAMD",
        place: "/usr/sbin/clamd",
        setup: "tests/setup-clamd.sh",
    };
    clamd.find(Path::is_file)
}

/// Starts clamd, which knows one signature.
async fn start(clamd: &Path, folder: &Path, port: u16) -> Program {
    let signatures = folder.join("signatures");
    fs::create_dir_all(&signatures).expect("a folder");
    let hex: String = BAD.bytes().map(|byte| format!("{byte:02x}")).collect();
    fs::write(
        signatures.join("test.ndb"),
        format!("Medialink.Test:0:*:{hex}\n"),
    )
    .expect("written");
    let config = format!(
        "Foreground yes\nTCPSocket {port}\nTCPAddr 127.0.0.1\nDatabaseDirectory {}\nStreamMaxLength 1M\n",
        signatures.display()
    );
    let path = folder.join("clamd.conf");
    fs::write(&path, config).expect("written");
    let config = format!("--config-file={}", path.display());
    Program::start(clamd, &[&config], port, folder).await
}

async fn link(world: &World, service: &Service, bytes: &str) -> Value {
    let (mxc, token) = world.upload(bytes, "text/plain").await;
    let body = json!({"mxc": mxc, "content_token": token, "room_id": world.room_id});
    service.issue(body).await
}

async fn status(service: &Service, link: &Value) -> u16 {
    let followed = service.client.get(url(link)).send().await;
    followed.expect("an answer").status().as_u16()
}

#[tokio::test]
async fn clamd_decides_about_media_and_its_end_lets_through_what_is_configured() {
    let Some(clamd) = find() else {
        return;
    };
    for (on_failure, without) in [("refuse", 503), ("serve", 200)] {
        let world = World::new().await;
        let port = free_port();
        let running = start(&clamd, world.folder.path(), port).await;
        let more = format!(
            "usage: {{mode: never}}\nmedia: {{scan: {{clamd: '127.0.0.1:{port}', on_failure: {on_failure}}}}}"
        );
        let service = world.service(&more).await;
        service.expect_errors("clamd ends");
        let bad = link(&world, &service, &format!("hello {BAD} world")).await;
        let good = link(&world, &service, "hello world").await;
        assert_eq!(status(&service, &bad).await, 403);
        assert_eq!(status(&service, &good).await, 200);
        drop(running);
        let late = link(&world, &service, "hello again").await;
        assert_eq!(status(&service, &late).await, without, "{on_failure}");
        // What is known stays so.
        assert_eq!(status(&service, &bad).await, 403);
        assert_eq!(status(&service, &good).await, 200);
        let running = start(&clamd, world.folder.path(), port).await;
        eventually("media to be scanned again", async || {
            (status(&service, &late).await == 200).then_some(())
        })
        .await;
        service.stop().await;
        drop(running);
    }
}
