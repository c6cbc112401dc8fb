//! Runs the process that makes thumbnails, alone, and watches its memory.

use std::{
    io::{Read, Write},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use support::process::binary;

/// What an image cost.
pub struct Outcome {
    pub peak_kib: u64,
    pub seconds: f64,
    pub thumbnail: bool,
}

/// Has a thumbnail made of an image.
pub fn measure(image: &[u8]) -> Outcome {
    let began = Instant::now();
    let mut child = Command::new(binary())
        .args(["make-thumbnail", "800", "600", "scale"])
        .env_clear()
        .env("MIMALLOC_ARENA_RESERVE", "0")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    let mut stdout = child.stdout.take().expect("a pipe");
    thread::scope(|scope| {
        // It may end before it has read everything.
        scope.spawn(move || stdin.write_all(image));
        let made = scope.spawn(move || {
            let mut made = Vec::new();
            stdout.read_to_end(&mut made).map(|_| made)
        });
        let (peak_kib, succeeded) = watch(&mut child);
        let made = made.join().expect("no panic").expect("reads");
        Outcome {
            peak_kib,
            seconds: began.elapsed().as_secs_f64(),
            thumbnail: succeeded && image::load_from_memory(&made).is_ok(),
        }
    })
}

/// Looks at the most memory that the process has had, until it ends.
fn watch(child: &mut Child) -> (u64, bool) {
    let path = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    loop {
        if let Some(status) = child.try_wait().expect("a child") {
            return (peak, status.success());
        }
        let status = std::fs::read_to_string(&path).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok());
        peak = peak.max(kib.unwrap_or(0));
        thread::sleep(Duration::from_micros(300));
    }
}
