//! The cost of a follow before any I/O, and of decrypting: `cargo bench --bench link`.

use std::hint::black_box;

use bytes::Bytes;
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use medialink::media::Decryption;
use medialink_link::{
    KeyRing, KeyState, LinkClaims, LinkKey,
    matrix::{ContentToken, EventId, FileKeys, MxcUri, RoomId},
    sign_self_contained, sign_short,
};

const ISSUED_AT_S: u32 = 1_790_000_000;
const LIFETIME_S: u32 = 14 * 86_400;
const MIB: usize = 1 << 20;

fn key() -> LinkKey {
    LinkKey::derive(1, &[7; 32], KeyState::Active, None)
}

fn ring() -> KeyRing {
    let file = serde_json::json!([
        {"id": 1, "secret": "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc", "state": "active", "created": "2026-01-01T00:00:00Z"},
    ]);
    KeyRing::from_entries(serde_json::from_value(file).expect("entries")).expect("a ring")
}

fn room() -> RoomId {
    RoomId::parse("!OGEhHVWSdvArJzumhm:matrix.org").expect("a room ID")
}

fn claims() -> LinkClaims {
    let mxc = MxcUri::parse("mxc://example.com/AQwafuaFswefuhsfAFAgsw").expect("an mxc URI");
    LinkClaims {
        event_id: EventId::parse("$Rqnc-F-dvnEYJTyHq_iKxU2bZ1CI92-kuZq3a5lr5Zg").ok(),
        content_token: ContentToken::parse("a-content-token-of-the-usual-length").ok(),
        filename: Some("cat.png".to_owned()),
        mimetype: Some("image/png".to_owned()),
        ..LinkClaims::new(room(), mxc)
    }
}

/// The token with its last but one character changed: its MAC is wrong.
fn forged(token: &str) -> String {
    let mut text = token.to_owned().into_bytes();
    let at = text.len() - 2;
    text[at] = if text[at] == b'A' { b'B' } else { b'A' };
    String::from_utf8(text).expect("base64url")
}

fn verify(criterion: &mut Criterion) {
    let (key, ring) = (key(), ring());
    let short = sign_short(&key, &room(), ISSUED_AT_S, [1, 2, 3, 4, 5, 6]);
    let long = sign_self_contained(&key, &claims(), ISSUED_AT_S, LIFETIME_S, [9; 12]);
    let long = long.expect("signs");
    let mut group = criterion.benchmark_group("verify");
    for (name, token) in [("short", &short), ("self-contained", &long)] {
        let (good, bad) = (token.expose().to_owned(), forged(token.expose()));
        assert!(ring.verify(&good).is_ok() && ring.verify(&bad).is_err());
        group.bench_function(name, |b| b.iter(|| ring.verify(black_box(&good))));
        let name = format!("{name}, forged");
        group.bench_function(name, |b| b.iter(|| ring.verify(black_box(&bad))));
    }
    group.finish();
}

fn sign(criterion: &mut Criterion) {
    let (key, room, claims) = (key(), room(), claims());
    let mut group = criterion.benchmark_group("sign");
    group.bench_function("short", |b| {
        b.iter(|| sign_short(&key, &room, black_box(ISSUED_AT_S), [1, 2, 3, 4, 5, 6]));
    });
    group.bench_function("self-contained", |b| {
        b.iter(|| sign_self_contained(&key, &claims, black_box(ISSUED_AT_S), LIFETIME_S, [9; 12]));
    });
    group.finish();
}

fn decrypt(criterion: &mut Criterion) {
    let keys = FileKeys {
        key: [1; 32],
        iv: [2; 16],
        sha256: [3; 32],
    };
    let mut group = criterion.benchmark_group("decrypt");
    group.throughput(Throughput::Bytes(MIB as u64));
    group.bench_function("1 MiB in pieces of 64 KiB, with its digest", |b| {
        let pieces = || {
            (0..16)
                .map(|_| Bytes::from(vec![5; 64 << 10]))
                .collect::<Vec<_>>()
        };
        let work = |pieces: Vec<Bytes>| {
            let mut decryption = Decryption::new(&keys);
            for piece in pieces {
                black_box(decryption.push(piece));
            }
            decryption.finish()
        };
        b.iter_batched(pieces, work, BatchSize::LargeInput);
    });
    group.finish();
}

criterion_group!(benches, verify, sign, decrypt);
criterion_main!(benches);
