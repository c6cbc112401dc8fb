//! The known answers of the link format, made by another implementation of it.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use medialink_link::matrix::{ContentToken, EventId, FileKeys, MxcUri, RoomId};
use medialink_link::{
    KeyRing, KeyState, LinkClaims, LinkKey, VerifiedLink, sign_self_contained, sign_short,
};
use proptest::prelude::*;
use serde_json::Value;

fn vectors() -> Value {
    serde_json::from_str(include_str!("vectors/link-vectors.json")).expect("vectors are JSON")
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().expect("a text")
}

fn number(value: &Value, name: &str) -> u32 {
    u32::try_from(value[name].as_u64().expect("a number")).expect("32 bits")
}

fn bytes<const N: usize>(text: &str) -> [u8; N] {
    let bytes = URL_SAFE_NO_PAD.decode(text).expect("base64url");
    bytes.as_slice().try_into().expect("the right length")
}

/// One secret under every key ID that the vectors use; one other key is active beside it.
fn ring() -> KeyRing {
    let secret = vectors()["secret"].clone();
    let ids = [0, 1, 7, 9, 255];
    let entries: Vec<Value> = ids
        .iter()
        .map(|id| serde_json::json!({"id": id, "secret": secret, "state": "verify", "created": "2026-01-01T00:00:00Z"}))
        .collect();
    // A ring refuses one secret under two IDs, so each vector gets a ring of its own.
    assert!(
        KeyRing::from_entries(serde_json::from_value(entries.into()).expect("entries")).is_err()
    );
    ring_with(1)
}

fn ring_with(id: u8) -> KeyRing {
    let entries = serde_json::json!([
        {"id": id, "secret": vectors()["secret"], "state": "active", "created": "2026-01-01T00:00:00Z"},
    ]);
    KeyRing::from_entries(serde_json::from_value(entries).expect("entries")).expect("a ring")
}

fn key(id: u8) -> LinkKey {
    let secret: [u8; 32] = bytes(text(&vectors(), "secret"));
    LinkKey::derive(id, &secret, KeyState::Active, None)
}

fn claims(link: &Value) -> LinkClaims {
    let optional = |name: &str| link.get(name).and_then(Value::as_str);
    LinkClaims {
        room_id: RoomId::parse(text(link, "room_id")).expect("room ID"),
        event_id: optional("event_id").map(|id| EventId::parse(id).expect("event ID")),
        mxc: MxcUri::parse(text(link, "mxc")).expect("mxc"),
        content_token: optional("content_token").map(|t| ContentToken::parse(t).expect("token")),
        file: link.get("file").map(|file| FileKeys {
            key: bytes(text(file, "key")),
            iv: bytes(text(file, "iv")),
            sha256: bytes(text(file, "sha256")),
        }),
        mimetype: optional("mimetype").map(str::to_owned),
        filename: optional("filename").map(str::to_owned),
    }
}

#[test]
fn self_contained_vectors_are_made_and_read_exactly() {
    let vectors = vectors();
    let list = vectors["self_contained"].as_array().expect("a list");
    assert_eq!(list.len(), 9);
    for vector in list {
        let name = text(vector, "name");
        let key_id = u8::try_from(number(vector, "key_id")).expect("a byte");
        let claims = claims(&vector["link"]);
        let token = sign_self_contained(
            &key(key_id),
            &claims,
            number(vector, "issued_at"),
            number(vector, "lifetime"),
            bytes(text(vector, "nonce")),
        )
        .expect("signs");
        assert_eq!(token.expose(), text(vector, "token"), "{name}");
        let VerifiedLink::SelfContained(link) = ring_with(key_id)
            .verify(text(vector, "token"))
            .expect("verifies")
        else {
            panic!("{name}: not self-contained");
        };
        assert_eq!(link.claims(), &claims, "{name}");
        assert_eq!(link.lifetime_s(), number(vector, "lifetime"), "{name}");
        assert_eq!(link.nonce(), bytes(text(vector, "nonce")), "{name}");
        let link = VerifiedLink::SelfContained(link);
        assert_eq!(link.issued_at_s(), number(vector, "issued_at"), "{name}");
        assert_eq!(
            link.link_id().to_string(),
            text(vector, "link_id"),
            "{name}"
        );
    }
}

#[test]
fn short_vectors_are_made_and_read_exactly() {
    let vectors = vectors();
    let list = vectors["short"].as_array().expect("a list");
    assert_eq!(list.len(), 2);
    for vector in list {
        let name = text(vector, "name");
        let key_id = u8::try_from(number(vector, "key_id")).expect("a byte");
        let room_id = RoomId::parse(text(vector, "room_id")).expect("room ID");
        let token = sign_short(
            &key(key_id),
            &room_id,
            number(vector, "issued_at"),
            bytes(text(vector, "link_id")),
        );
        assert_eq!(token.expose(), text(vector, "token"), "{name}");
        let link = ring_with(key_id).verify(token.expose()).expect("verifies");
        assert_eq!(
            link.link_id().to_string(),
            text(vector, "link_id"),
            "{name}"
        );
        assert_eq!(link.issued_at_s(), number(vector, "issued_at"), "{name}");
        let VerifiedLink::Short(short) = link else {
            panic!("{name}: not short");
        };
        let tag: String = short
            .room_tag()
            .iter()
            .map(|b| format!("{b:02x}"))
            .collect();
        assert_eq!(tag, text(vector, "room_tag"), "{name}");
    }
}

#[test]
fn rejected_vectors_are_refused() {
    let vectors = vectors();
    let ring = ring();
    let list = vectors["rejected"].as_array().expect("a list");
    assert_eq!(list.len(), 34);
    for vector in list {
        assert!(
            ring.verify(text(vector, "token")).is_err(),
            "{}",
            text(vector, "name")
        );
    }
}

#[test]
fn every_flipped_bit_is_refused() {
    let vectors = vectors();
    for list in ["short", "self_contained"] {
        for vector in vectors[list].as_array().expect("a list") {
            let ring = ring_with(u8::try_from(number(vector, "key_id")).expect("a byte"));
            let good = URL_SAFE_NO_PAD
                .decode(text(vector, "token"))
                .expect("base64url");
            for position in 0..good.len() {
                for bit in 0..8 {
                    let mut bad = good.clone();
                    bad[position] ^= 1 << bit;
                    let text = URL_SAFE_NO_PAD.encode(bad);
                    assert!(ring.verify(&text).is_err(), "byte {position} bit {bit}");
                }
            }
        }
    }
}

#[test]
fn tokens_over_the_longest_length_are_refused() {
    assert!(ring().verify(&"E".repeat(4097)).is_err());
    assert!(ring().verify(&"E".repeat(1 << 20)).is_err());
}

prop_compose! {
    fn identifier(sigil: char)(
        text in prop_oneof![
            "[A-Za-z0-9_-]{43}",
            "[A-Za-z0-9/+]{1,60}",
            "[A-Za-z0-9_=.-]{1,80}:[a-z]{1,20}\\.[a-z]{2,5}(:[0-9]{1,5})?",
        ]
    ) -> String { format!("{sigil}{text}") }
}

prop_compose! {
    fn any_claims()(
        room in identifier('!'),
        event in proptest::option::of(identifier('$')),
        mxc in "mxc://[a-z0-9-]{1,30}[a-z0-9](:[0-9]{1,5})?/[A-Za-z0-9_-]{1,255}",
        content_token in proptest::option::of("[A-Za-z0-9._~-]{1,255}"),
        file in proptest::option::of((any::<[u8; 32]>(), any::<[u8; 16]>(), any::<[u8; 32]>())),
        mimetype in proptest::option::of("[a-z]{1,20}/[a-z0-9.+-]{1,60}"),
        filename in proptest::option::of("\\PC{1,60}"),
    ) -> LinkClaims {
        LinkClaims {
            room_id: RoomId::parse(&room).expect("room ID"),
            event_id: event.map(|id| EventId::parse(&id).expect("event ID")),
            mxc: MxcUri::parse(&mxc).expect("mxc"),
            content_token: content_token.map(|t| ContentToken::parse(&t).expect("token")),
            file: file.map(|(key, iv, sha256)| FileKeys { key, iv, sha256 }),
            mimetype,
            filename,
        }
    }
}

proptest! {
    #[test]
    fn signed_claims_are_read_again(
        claims in any_claims(), issued in any::<u32>(), lifetime in any::<u32>(), nonce in any::<[u8; 12]>()
    ) {
        let token = sign_self_contained(&key(1), &claims, issued, lifetime, nonce).expect("signs");
        let VerifiedLink::SelfContained(link) = ring_with(1).verify(token.expose()).expect("verifies") else {
            panic!("not self-contained");
        };
        prop_assert_eq!(link.claims(), &claims);
        prop_assert_eq!(link.lifetime_s(), lifetime);
        prop_assert_eq!(VerifiedLink::SelfContained(link).issued_at_s(), issued);
    }

    #[test]
    fn a_changed_character_is_refused(
        claims in any_claims(), position in any::<prop::sample::Index>(), replacement in "[A-Za-z0-9_-]"
    ) {
        let token = sign_self_contained(&key(1), &claims, 1, 0, [0; 12]).expect("signs");
        let mut chars: Vec<char> = token.expose().chars().collect();
        let at = position.index(chars.len());
        prop_assume!(chars[at].to_string() != replacement);
        chars[at] = replacement.chars().next().expect("one character");
        let text: String = chars.into_iter().collect();
        prop_assert!(ring_with(1).verify(&text).is_err());
    }

    #[test]
    fn no_text_makes_verification_panic(text in "\\PC{0,200}") {
        prop_assert!(ring_with(1).verify(&text).is_err());
    }
}
