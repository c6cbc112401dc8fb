//! Media is offered to a scanner before its first byte goes out. The scanners here are scripts and a listener of the
//! test: real ones cannot be made to fail as wanted. ClamAV's own is in `tests/peers`.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    sync::{Arc, Mutex},
};

use serde_json::{Value, json};
use support::{World, encrypted::encrypted_file, eventually, url};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use super::scene::Scene;

/// A program that finds something in files which hold "virus", and notes each that it was given.
const SCRIPT: &str = "#!/bin/sh\n\
    echo \"$1 $2\" >> \"$(dirname \"$0\")/scanned\"\n\
    [ -e \"$(dirname \"$0\")/broken\" ] && exit 7\n\
    grep -q virus \"$2\" && exit 1\n\
    exit 0\n";

fn write_script(folder: &Path) {
    let path = folder.join("scan.sh");
    fs::write(&path, SCRIPT).expect("written");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("allowed");
}

/// A scene with the program as the scanner, and with these settings.
async fn scene(scan: &str, media: &str) -> Scene {
    let world = World::new().await;
    write_script(world.folder.path());
    let more = format!("media: {{scan: {{program: scan.sh, arguments: [quick]{scan}}}{media}}}");
    Scene::of(world, &more).await
}

fn scans(scene: &Scene) -> usize {
    let noted = fs::read_to_string(scene.world.folder.path().join("scanned"));
    noted.map_or(0, |noted| noted.matches("quick").count())
}

#[tokio::test(flavor = "multi_thread")]
async fn media_in_which_something_is_found_is_never_served() {
    for media in ["", ", cache: null"] {
        let scene = scene("", media).await;
        let (bad, good) = (scene.link("a virus").await, scene.link("hello").await);
        for _ in 0..2 {
            let refused = scene.service.follow(&bad).await;
            assert_eq!(refused.status(), 403);
            assert!(!refused.text().await.expect("text").contains("virus"));
            assert_eq!(scene.status(&good).await, 200);
        }
        assert_eq!(scans(&scene), 2);
        let thumbnail = url(&bad).replace("/m/", "/t/");
        let thumbnail = thumbnail
            .rsplit_once('/')
            .map_or(&*thumbnail, |(path, name)| {
                if name.contains('.') {
                    path
                } else {
                    &*thumbnail
                }
            });
        let thumbnail = format!("{thumbnail}?width=96&height=96");
        let refused = scene.service.client.get(thumbnail).send().await;
        assert_eq!(refused.expect("an answer").status(), 403);
        scene.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn encrypted_media_is_scanned_decrypted() {
    let scene = scene("", "").await;
    let (file, token) = encrypted_file(&scene.world, b"a virus").await;
    let room_id = &scene.world.room_id;
    let link = scene
        .service
        .issue(json!({"file": file, "content_token": token, "room_id": room_id}))
        .await;
    assert_eq!(scene.status(&link).await, 403);
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_scan_serves_all_readers_and_a_restart() {
    let scene = scene("", "").await;
    let link = scene.link("hello").await;
    let followed = (0..8).map(|_| scene.status(&link));
    let followed = futures_util::future::join_all(followed).await;
    assert_eq!(followed, [200; 8]);
    assert_eq!(scans(&scene), 1);
    let Scene { world, service, .. } = scene;
    service.stop().await;
    let again = Scene::of(
        world,
        "media: {scan: {program: scan.sh, arguments: [quick]}}",
    )
    .await;
    let path = url(&link);
    let path = path.find("/m/").map(|at| &path[at..]).expect("a path");
    assert_eq!(again.service.get(path).await.status(), 200);
    assert_eq!(scans(&again), 1);
    again.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_scanner_lets_nothing_through_or_everything_as_configured() {
    for (on_failure, status) in [
        ("", 503),
        (", on_failure: refuse", 503),
        (", on_failure: serve", 200),
    ] {
        let scene = scene(on_failure, "").await;
        scene.service.expect_errors("the scanner fails");
        fs::write(scene.world.folder.path().join("broken"), "").expect("written");
        let link = scene.link("hello").await;
        let answer = scene.service.follow(&link).await;
        assert_eq!(answer.status(), status);
        assert_eq!(answer.headers().contains_key("retry-after"), status == 503);
        scene.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_scanner_does_not_take_is_no_clean_media() {
    for (on_failure, status) in [("refuse", 502), ("serve", 200)] {
        let scene = scene(&format!(", max_size: 4B, on_failure: {on_failure}"), "").await;
        let (large, small) = (scene.link("hello").await, scene.link("hi").await);
        assert_eq!(scene.status(&large).await, status);
        assert_eq!(scene.status(&small).await, 200);
        scene.end().await;
    }
}

/// A stand-in for clamd, which says this at the end of each stream.
struct Clamd {
    address: String,
    says: Arc<Mutex<&'static str>>,
    heard: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Clamd {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let clamd = Self {
            address: listener.local_addr().expect("bound").to_string(),
            says: Arc::new(Mutex::new("stream: OK\0")),
            heard: Arc::default(),
        };
        let (says, heard) = (Arc::clone(&clamd.says), Arc::clone(&clamd.heard));
        tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                let says = *says.lock().expect("a text");
                let told = hear(connection, says).await.unwrap_or_default();
                heard.lock().expect("a list").push(told);
            }
        });
        clamd
    }
}

/// Hears a stream to its end.
async fn hear(mut connection: TcpStream, says: &str) -> std::io::Result<Vec<u8>> {
    let mut command = [0; 10];
    connection.read_exact(&mut command).await?;
    assert_eq!(&command, b"zINSTREAM\0");
    if says.is_empty() {
        return Ok(Vec::new());
    }
    let mut all = Vec::new();
    loop {
        let length = connection.read_u32().await?;
        if length == 0 {
            connection.write_all(says.as_bytes()).await?;
            return Ok(all);
        }
        let mut chunk = vec![0; length as usize];
        connection.read_exact(&mut chunk).await?;
        all.extend(chunk);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn clamd_gets_the_bytes_and_its_word_counts() {
    let clamd = Clamd::start().await;
    let scene = Scene::new(&format!("media: {{scan: {{clamd: '{}'}}}}", clamd.address)).await;
    scene.service.expect_errors("clamd fails");
    let long = "long ".repeat(100_000);
    let cases: [(&str, &'static str, u16); 6] = [
        (&long, "stream: OK\0", 200),
        ("a", "stream: Eicar-Test-Signature FOUND\0", 403),
        ("b", "INSTREAM size limit exceeded. ERROR\0", 502),
        ("c", "stream: Can't open file ERROR\0", 503),
        ("d", "", 503),
        ("e", "stream: OK", 200),
    ];
    for (bytes, says, status) in cases {
        *clamd.says.lock().expect("a text") = says;
        let link = scene.link(bytes).await;
        assert_eq!(scene.status(&link).await, status, "{says}");
    }
    let heard = clamd.heard.lock().expect("a list").clone();
    assert_eq!(heard[0], long.as_bytes());
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn media_is_scanned_again_once_the_scanner_works() {
    let scene = scene("", "").await;
    scene.service.expect_errors("the scanner fails");
    let broken = scene.world.folder.path().join("broken");
    fs::write(&broken, "").expect("written");
    let link: Value = scene.link("hello").await;
    assert_eq!(scene.status(&link).await, 503);
    fs::remove_file(&broken).expect("removed");
    eventually("the scan to be tried again", async || {
        (scene.status(&link).await == 200).then_some(())
    })
    .await;
    assert_eq!(scans(&scene), 2);
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_file_is_left_behind() {
    let scene = scene("", "").await;
    let link = scene.link("a virus").await;
    assert_eq!(scene.status(&link).await, 403);
    let noted = fs::read_to_string(scene.world.folder.path().join("scanned")).expect("read");
    let (_, path) = noted.trim().split_once(' ').expect("a path");
    assert!(!Path::new(path).exists(), "{path}");
    scene.end().await;
}
