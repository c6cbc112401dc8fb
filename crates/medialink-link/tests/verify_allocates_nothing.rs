//! A guessed link costs no memory: nothing is allocated before the MAC of a token has been checked.

use medialink_link::matrix::RoomId;
use medialink_link::{KeyRing, KeyState, LinkKey, sign_short};

fn allocations(ring: &KeyRing, token: &str) -> u64 {
    let counted = allocation_counter::measure(|| {
        assert!(ring.verify(token).is_err());
    });
    counted.count_total
}

#[test]
fn a_forged_token_allocates_nothing() {
    let file = serde_json::json!([
        {"id": 1, "secret": "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc", "state": "active", "created": "2026-01-01T00:00:00Z"},
    ]);
    let ring = KeyRing::from_entries(serde_json::from_value(file).expect("entries"));
    let ring = ring.expect("a ring");
    let key = LinkKey::derive(1, &[7; 32], KeyState::Active, None);
    let room = RoomId::parse("!r:example.org").expect("a room ID");
    let token = sign_short(&key, &room, 1_790_000_000, [1; 6]);
    let token = token.expose();

    let counted = allocation_counter::measure(|| drop(vec![1_u8; 100]));
    assert_eq!(counted.count_total, 1, "allocations are counted");
    assert!(ring.verify(token).is_ok());
    for place in 0..token.len() {
        let mut forged = token.as_bytes().to_vec();
        forged[place] = if forged[place] == b'A' { b'B' } else { b'A' };
        let forged = String::from_utf8(forged).expect("base64url");
        assert_eq!(allocations(&ring, &forged), 0, "{place}");
    }
    let long = "A".repeat(4096);
    for bad in ["", "A", "%%%", "EAH\u{e9}", &token[1..], &long, &long[1..]] {
        assert_eq!(allocations(&ring, bad), 0);
    }
}
