//! The fuzz targets, run as plain tests over their corpora: what a longer run has found stays found.
//! `fuzz/README.md` describes longer runs.

use std::{fs, path::Path};

#[path = "../fuzz/src/lib.rs"]
mod fuzz;

/// Runs a target over every file of a folder, and over every beginning of it.
fn run(target: fn(&[u8]), folder: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut count = 0;
    for entry in fs::read_dir(&folder).expect("the corpus") {
        let path = entry.expect("an entry").path();
        let data = fs::read(&path).expect("a file");
        // Shown if the target panics.
        println!("{}", path.display());
        for end in 0..=data.len() {
            target(&data[..end]);
        }
        count += 1;
    }
    assert!(count > 0, "{} is empty", folder.display());
}

#[test]
fn tokens() {
    run(fuzz::token::check, "fuzz/corpus/token");
}

#[test]
fn events() {
    run(fuzz::event::check, "fuzz/corpus/event");
    run(fuzz::event::check, "crates/medialink-event/tests/events");
}

#[test]
fn headers() {
    run(fuzz::headers::check, "fuzz/corpus/headers");
}

#[test]
fn maskings() {
    run(fuzz::masking::check, "fuzz/corpus/masking");
}

#[test]
fn ranges() {
    run(fuzz::range::check, "fuzz/corpus/range");
}

#[test]
fn transactions() {
    run(fuzz::transaction::check, "fuzz/corpus/transaction");
}
