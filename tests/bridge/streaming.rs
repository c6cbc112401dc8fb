//! Memory is bounded, whatever the media's size and its readers' speed.

use std::time::Instant;

use futures_util::StreamExt;
use matrix_test_server::generated_byte;
use serde_json::json;
use support::{Process, World, process::generate, url};

const SIZE: u64 = 1 << 30;
const READERS: usize = 20;
/// How much one of the stalled readers takes in the end.
const LATE: u64 = 64 << 20;
/// What the service may need beside what it needs when idle.
const BOUND_KIB: u64 = 64 * 1024;

/// A line of the kernel's account of a process, in KiB.
fn memory_kib(pid: u32, name: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("a process");
    let line = status
        .lines()
        .find(|line| line.starts_with(name))
        .expect("a line");
    line.split_whitespace()
        .nth(1)
        .expect("a number")
        .parse()
        .expect("a number")
}

/// Reads a whole answer; checks its length, and the first byte of each piece.
async fn read(client: reqwest::Client, url: String) -> u64 {
    let response = client.get(url).send().await.expect("an answer");
    assert_eq!(response.status(), 200);
    let mut offset = 0;
    let mut pieces = response.bytes_stream();
    while let Some(piece) = pieces.next().await {
        let piece = piece.expect("a whole body");
        assert_eq!(piece[0], generated_byte(offset), "at {offset}");
        offset += piece.len() as u64;
    }
    offset
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gibibyte_for_twenty_readers_needs_less_than_64_mib() {
    let world = World::new().await;
    let (mxc, token) = generate(&world.homeserver, SIZE, "video/mp4").await;
    let more = "media: {max_size: 2GiB}\nusage: {batch_window: 50ms}";
    let mut process = Process::new(world.folder.path(), &world.url, more);
    // The stalled readers are there to the end, however long the others take.
    process.edit("listen: {", "listen: {send_timeout: 10m, ");
    process.start().await;
    let link = process
        .issue(json!({"mxc": mxc, "content_token": token, "room_id": world.room_id}))
        .await;
    process.drained().await;
    let idle = memory_kib(process.pid(), "VmRSS");
    // No limit on the time of a whole download: there is none on the service's side either.
    let client = reqwest::Client::builder()
        .no_proxy()
        .build()
        .expect("a client");

    // Readers that take the first bytes and then nothing.
    let mut stalled = Vec::new();
    for _ in 0..READERS {
        let response = client.get(url(&link)).send().await.expect("an answer");
        let mut pieces = response.bytes_stream();
        pieces.next().await.expect("a piece").expect("bytes");
        stalled.push(pieces);
    }
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    let with_stalled = memory_kib(process.pid(), "VmHWM");

    // They stay while others read.
    let started = Instant::now();
    let readers: Vec<_> = (0..READERS)
        .map(|_| tokio::spawn(read(client.clone(), url(&link))))
        .collect();
    for reader in readers {
        assert_eq!(reader.await.expect("read"), SIZE);
    }
    let seconds = started.elapsed().as_secs_f32();
    let mut late = stalled.pop().expect("a stalled reader");
    let mut taken = 0;
    while taken < LATE {
        let piece = late.next().await.expect("more").expect("not broken");
        taken += piece.len() as u64;
    }
    drop((late, stalled));
    let peak = memory_kib(process.pid(), "VmHWM");
    eprintln!(
        "{READERS} readers of {} MiB beside {READERS} stalled ones in {seconds:.1} s; RSS idle {} KiB, peak with {READERS} stalled readers {} KiB, peak {} KiB: {} KiB over idle",
        SIZE >> 20,
        idle,
        with_stalled,
        peak,
        peak - idle
    );
    assert!(peak - idle < BOUND_KIB, "{} KiB over idle", peak - idle);
}
