//! Known answers, made with Python's and Node's own HMAC, and what no link may survive.

use proptest::prelude::*;

use medialink_link::matrix::MxcUri;

use super::*;

const TEXT_KEY: &str = "clé of the bridge";
const MXC: &str = "mxc://example.org:8448/AQwaf_-1";
const JWK: &str = r#"{"kty": "oct", "alg": "HS512", "key_ops": ["sign", "verify"], "ext": true,
    "k": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0-Pw"}"#;

const HEISENBRIDGE: &str = "/_heisenbridge/media/example.org:8448/AQwaf_-1/QwnXljYTn88";
const MAUTRIX: &str =
    "/_mautrix/publicmedia/example.org:8448/AQwaf_-1/wICvPo9OnRpw7JL3HIMAQIDzpjoSmH3ci4uqVQQ4j7U";
const MAUTRIX_SHORT: &str = "/short/example.org:8448/AQwaf_-1/wICvPo9OnRo";
const MAUTRIX_ENDING: &str =
    "/ending/example.org:8448/AQwaf_-1/AAAAAGqxO4Ca3wRfodaAGbQVOgFETiA1Ge5WrC_47sApoy-GUudC6g";
const APPSERVICE_BRIDGE: &str = "/media/v1/media/download/ARVehCf_YiXoQkGPa7bH2v-dse-xjDp8TYR3Dcz2-kgmQEk0F93iva_UpLmAAzVi39mK9f7ZGi_EPYKfz9FFcEG_8AAAAAAAAGV4YW1wbGUub3JnOjg0NDgvQVF3YWZfLTE";
const APPSERVICE_BRIDGE_ENDING: &str = "/media/v1/media/download/AXdhjqzQcSkQXFPk_bOpopErOJq--yA7fpWtYTezv1UOVyJMXJ9mgcfDqjPoNijaWmDCukRxaWQ_YlQq3wYLlR5CegxFBsewAGV4YW1wbGUub3JnOjg0NDgvQVF3YWZfLTE";

/// All that are signed, with the places of their tags.
const SIGNED: [&str; 6] = [
    HEISENBRIDGE,
    MAUTRIX,
    MAUTRIX_SHORT,
    MAUTRIX_ENDING,
    APPSERVICE_BRIDGE,
    APPSERVICE_BRIDGE_ENDING,
];

fn text_key(text: &str) -> LegacyKey {
    LegacyKey::new(text).expect("a key")
}

/// Entries of every format; those with a text as key have this one.
fn links(text: &str, jwk: &LegacyKey) -> LegacyLinks {
    let mautrix = |hash_length, expiry| Format::Mautrix {
        key: text_key(text),
        hash_length,
        expiry,
    };
    let heisenbridge = Format::Heisenbridge {
        key: text_key(text),
    };
    let appservice_bridge = Format::AppserviceBridge { key: jwk.clone() };
    let entries = [
        (
            heisenbridge,
            "/_heisenbridge/media/{server}/{media_id}/{checksum}{filename}",
        ),
        (mautrix(32, false), "/_mautrix/publicmedia"),
        (mautrix(8, false), "/short"),
        (mautrix(32, true), "/ending/"),
        (appservice_bridge, "/media"),
        (Format::Unsigned { lifetime_ms: None }, "/"),
    ];
    let entries = entries
        .into_iter()
        .map(|(format, path)| LegacyEntry::new("irc", format, path).expect("an entry"));
    LegacyLinks::new(entries.collect())
}

fn usual() -> LegacyLinks {
    links(TEXT_KEY, &LegacyKey::from_jwk(JWK).expect("a key"))
}

fn read(links: &LegacyLinks, path: &str) -> Option<LegacyLink> {
    links.find(path)?.verify().ok()
}

#[test]
fn every_format_is_read() {
    let links = usual();
    for (path, end) in [
        (HEISENBRIDGE, None),
        (MAUTRIX, None),
        (MAUTRIX_SHORT, None),
        (MAUTRIX_ENDING, Some(1_790_000_000_000)),
        (APPSERVICE_BRIDGE, None),
        (APPSERVICE_BRIDGE_ENDING, Some(1_790_000_000_123)),
    ] {
        let link = read(&links, path).unwrap_or_else(|| panic!("{path}"));
        assert_eq!(
            (link.mxc().to_string().as_str(), link.expires_at_ms()),
            (MXC, end),
            "{path}"
        );
        assert!(link.is_signed() && link.bridge() == "irc");
    }
    for version in ["v1", "r0", "v3"] {
        for name in ["", "/cat.png"] {
            let path = format!("/_matrix/media/{version}/download/example.org:8448/AQwaf_-1{name}");
            let link = read(&links, &path).expect("a link");
            assert!(link.mxc().to_string() == MXC && !link.is_signed());
            let mxc = MxcUri::parse(MXC).expect("valid");
            assert_eq!(*link.link_id(), unsigned_link_id("irc", &mxc));
        }
    }
    for path in [
        "/_matrix/media/v2/download/example.org/a",
        "/_matrix/media/v3/thumbnail/example.org/a",
        "/_matrix/client/v1/media/download/example.org/a",
        "/_matrix/media/v3/download/example.org/a.b",
        "/_matrix/media/v3/download/../a",
        "/_matrix/media/v3/download/example.org/a/b/c",
    ] {
        assert_eq!(read(&links, path), None, "{path}");
    }
}

#[test]
fn a_file_name_makes_no_other_link_and_another_end_does() {
    let links = usual();
    let id = |path: &str| read(&links, path).expect("a link").link_id().to_string();
    assert_eq!(id(HEISENBRIDGE), id(&format!("{HEISENBRIDGE}/cat.png")));
    assert_eq!(id(MAUTRIX), id(&format!("{MAUTRIX}/cat.png")));
    let ids: std::collections::HashSet<_> = [
        HEISENBRIDGE,
        MAUTRIX,
        MAUTRIX_ENDING,
        APPSERVICE_BRIDGE,
        APPSERVICE_BRIDGE_ENDING,
    ]
    .into_iter()
    .map(id)
    .collect();
    assert_eq!(ids.len(), 5);
}

#[test]
fn every_changed_character_is_refused() {
    let links = usual();
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=%./:+ ";
    for path in SIGNED {
        for n in 0..path.len() {
            for other in alphabet {
                let mut changed = path.as_bytes().to_vec();
                if changed[n] == *other {
                    continue;
                }
                changed[n] = *other;
                let changed = String::from_utf8(changed).expect("ASCII");
                // A slash before the last segment moves it into the name, or the name into it.
                assert_eq!(read(&links, &changed), None, "{changed}");
            }
            let (mut shorter, mut longer) = (path.to_owned(), path.to_owned());
            shorter.remove(n);
            longer.insert(n, 'A');
            assert_eq!(read(&links, &shorter), None, "{shorter}");
            assert_eq!(read(&links, &longer), None, "{longer}");
        }
        for more in ["A", "=", "==", "\0"] {
            assert_eq!(read(&links, &format!("{path}{more}")), None, "{path}{more}");
        }
    }
}

#[test]
fn a_link_of_one_format_or_key_is_none_of_another() {
    let others = links("another key", &text_key("another key"));
    for path in SIGNED {
        assert_eq!(read(&others, path), None, "{path}");
    }
    // Even under the same key, each format signs something else.
    let links = links(TEXT_KEY, &text_key(TEXT_KEY));
    let places = [
        "/_heisenbridge/media/example.org:8448/AQwaf_-1/",
        "/_mautrix/publicmedia/example.org:8448/AQwaf_-1/",
        "/short/example.org:8448/AQwaf_-1/",
        "/ending/example.org:8448/AQwaf_-1/",
        "/media/v1/media/download/",
    ];
    for path in &SIGNED[..4] {
        let (own, tag) = path.rsplit_once('/').expect("a tag");
        for place in places.iter().filter(|place| !place.starts_with(own)) {
            assert_eq!(read(&links, &format!("{place}{tag}")), None, "{place}{tag}");
        }
    }
}

#[test]
fn ends_that_are_no_time_are_refused() {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    let links = usual();
    for (seconds, is_time) in [
        (0, true),
        (8_640_000_000_000, true),
        (8_640_000_000_001, false),
        (u64::MAX, false),
    ] {
        let expiry = seconds.to_be_bytes();
        let tag = text_key(TEXT_KEY).hmac_sha256(&[MXC.as_bytes(), &expiry]);
        let tag = URL_SAFE_NO_PAD.encode([&expiry[..], &tag].concat());
        let path = format!("/ending/example.org:8448/AQwaf_-1/{tag}");
        assert_eq!(read(&links, &path).is_some(), is_time, "{seconds}");
    }
}

#[test]
fn what_an_appservice_bridge_signs_has_to_be_media() {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    let links = usual();
    let key = LegacyKey::from_jwk(JWK).expect("a key");
    let token = |version: u8, signed: &[u8]| {
        let mac = key.hmac_sha512(&[signed]);
        let token = URL_SAFE_NO_PAD.encode([&[version], &mac[..], signed].concat());
        format!("/media/v1/media/download/{token}")
    };
    let signed = |media: &[u8]| [&(-1.0_f64).to_be_bytes()[..], media].concat();
    let good = signed(b"example.org/a");
    assert!(read(&links, &token(1, &good)).is_some());
    for version in [0, 2, 255] {
        assert_eq!(read(&links, &token(version, &good)), None, "{version}");
    }
    let long = format!("example.org/{}", "a".repeat(2000));
    for media in [
        &b""[..],
        b"example.org",
        b"example.org/",
        b"/a",
        b"example.org/a/b",
        b"../a",
        b"example.org/../a",
        b"example.org/a?b",
        b"mxc://example.org/a",
        b"example.org/\xff",
        long.as_bytes(),
    ] {
        assert_eq!(read(&links, &token(1, &signed(media))), None, "{media:?}");
    }
    for short in [&b""[..], &good[..7], &good[..8]] {
        assert_eq!(read(&links, &token(1, short)), None);
    }
}

#[test]
fn keys_are_read_strictly_and_never_shown() {
    let key = LegacyKey::from_jwk(JWK).expect("a key");
    assert_eq!(
        key,
        LegacyKey::new((0..64).collect::<Vec<u8>>()).expect("a key")
    );
    let without_alg = JWK.replace("\"alg\": \"HS512\", ", "");
    assert_eq!(LegacyKey::from_jwk(&without_alg), Ok(key.clone()));
    assert!(!format!("{:?} {:?}", usual(), key).contains("clé"));
    assert!(!format!("{key:?}").contains('3'));
    assert!(LegacyKey::new("").is_none());
    for (from, to) in [
        ("oct", "RSA"),
        ("HS512", "HS256"),
        ("\"HS512\"", "null"),
        ("\"kty\"", "\"other\""),
        ("AAEC", "AA+C"),
        ("-Pw\"", "-Pw==\""),
        ("\"k\"", "\"l\""),
    ] {
        let error = LegacyKey::from_jwk(&JWK.replace(from, to)).expect_err(to);
        assert!(!error.to_string().contains("CAwQF"), "{error}");
    }
    for bad in [
        "",
        "[]",
        "{",
        "null",
        "{\"kty\": \"oct\", \"alg\": \"HS512\", \"k\": \"\"}",
    ] {
        assert!(LegacyKey::from_jwk(bad).is_err(), "{bad}");
    }
}

#[test]
fn our_routes_are_not_covered() {
    let at = |path: &str| {
        let key = text_key("key");
        LegacyEntry::new("irc", Format::Heisenbridge { key }, path).map(drop)
    };
    let rest = "{server}/{media_id}/{checksum}";
    for ours in [
        "m",
        "t",
        "v",
        "r",
        "robots.txt",
        "favicon.ico",
        "logo",
        ".well-known",
    ] {
        assert_eq!(
            at(&format!("/{ours}/{rest}")),
            Err(PathError::Covers),
            "{ours}"
        );
    }
    assert_eq!(at(&format!("/{rest}")), Err(PathError::Covers));
    assert_eq!(at(&format!("/mm/{rest}")), Ok(()));
    let mautrix = |path: &str| {
        let format = Format::Mautrix {
            key: text_key("key"),
            hash_length: 32,
            expiry: false,
        };
        LegacyEntry::new("irc", format, path).map(drop)
    };
    assert_eq!(mautrix("/"), Err(PathError::Covers));
    assert_eq!(mautrix("/m"), Err(PathError::Covers));
    for bad in ["media", "/a//b", "/..", "/a b", "/a%20b", "/{server}", "//"] {
        assert_eq!(mautrix(bad), Err(PathError::Grammar), "{bad}");
    }
    assert_eq!(mautrix("/a/b/"), Ok(()));
}

#[test]
fn entries_overlap_also_below_the_public_path() {
    let heisenbridge = |path: &str| {
        let key = text_key("key");
        LegacyEntry::new("irc", Format::Heisenbridge { key }, path).expect("an entry")
    };
    let (a, b) = (
        heisenbridge("/x/{server}/{media_id}/{checksum}"),
        heisenbridge("/a/x/{server}/{media_id}/{checksum}"),
    );
    assert!(a.overlaps(&a, "/") && !a.overlaps(&b, "/") && a.overlaps(&b, "/a"));
    assert!(!a.overlaps_routes_below("/a"));
    assert!(heisenbridge("/a/{server}/{media_id}/{checksum}").overlaps_routes_below("/a"));
    assert!(!heisenbridge("/a/x/{server}/{media_id}/{checksum}").overlaps_routes_below("/a/"));
}

proptest! {
    #[test]
    fn no_path_breaks_the_reading(path in "(/(_heisenbridge|media|v1|_matrix|download|[a-zA-Z0-9_.:%-]{0,12}|\\PC{0,4})){0,8}") {
        let links = usual();
        if let Some(link) = read(&links, &path) {
            prop_assert!(!link.is_signed());
        }
    }

    #[test]
    fn every_flipped_bit_is_refused(which in 0..SIGNED.len(), at in any::<prop::sample::Index>(), bit in 0..7_u8) {
        let mut path = SIGNED[which].as_bytes().to_vec();
        let at = at.index(path.len());
        path[at] ^= 1 << bit;
        let path = String::from_utf8(path).expect("ASCII");
        prop_assert_eq!(read(&usual(), &path), None);
    }

    #[test]
    fn a_token_of_any_bytes_is_no_link(bytes in proptest::collection::vec(any::<u8>(), 0..700)) {
        use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
        let path = format!("/media/v1/media/download/{}", URL_SAFE_NO_PAD.encode(bytes));
        prop_assert_eq!(read(&usual(), &path), None);
    }
}
