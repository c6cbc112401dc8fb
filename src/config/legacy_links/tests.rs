//! `legacy_links`, as operators may write it.

use std::collections::HashMap;

use super::super::{Config, ConfigError};
use super::*;

const JWK: &str = r#"{"kty": "oct", "alg": "HS512", "k": "c2VjcmV0LXNlY3JldA"}"#;

/// The example with these entries, and with these lines changed.
fn parse_changed(entries: &str, changes: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let folder = tempfile::tempdir().expect("a folder");
    let files = [
        ("a.jwk", JWK),
        ("bad.jwk", "{\"kty\": \"secret\"}"),
        ("a.key", "secret\n"),
    ];
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).expect("written");
    }
    let mut text = include_str!("../../../bridge.example.yaml").replace("change-me", "made-up");
    let entries = format!("legacy_links: [{entries}]");
    for (from, to) in changes
        .iter()
        .chain([&("legacy_links: []", entries.as_str())])
    {
        assert!(text.contains(from), "{from}");
        text = text.replacen(from, to, 1);
    }
    Config::parse(&text, HashMap::new(), folder.path())
}

fn parse(entries: &str) -> Result<Config, ConfigError> {
    parse_changed(entries, &[])
}

fn refused(entries: &str) -> String {
    let error = parse(entries).expect_err(entries).to_string();
    assert!(!error.contains("secret"), "{error}");
    error
}

#[test]
fn every_format_is_read_with_its_defaults() {
    let config = parse(
        "{format: appservice-bridge, bridge: irc, path: /media, jwk_file: a.jwk}, \
         {format: heisenbridge, bridge: irc, key: 'any text, ä'}, \
         {format: mautrix, bridge: irc, key_file: a.key}, \
         {format: mautrix, bridge: irc, key: secret, path: /short, hash_length: 8, expiry: true}, \
         {format: unsigned, bridge: irc}",
    )
    .expect("valid");
    let entries = config.legacy_links.entries();
    let key = |text: &str| LegacyKey::new(text).expect("a key");
    assert_eq!(entries.len(), 5);
    assert!(
        matches!(entries[0].format(), Format::AppserviceBridge { key: found } if *found == key("secret-secret"))
    );
    assert!(
        matches!(entries[1].format(), Format::Heisenbridge { key: found } if *found == key("any text, ä"))
    );
    assert!(
        matches!(entries[2].format(), Format::Mautrix { key: found, hash_length: 32, expiry: false } if *found == key("secret"))
    );
    assert!(matches!(
        entries[3].format(),
        Format::Mautrix {
            hash_length: 8,
            expiry: true,
            ..
        }
    ));
    let fortnight = 14 * 86_400_000;
    assert_eq!(
        config.legacy_links.unsigned_lifetime_ms("irc"),
        Some(Some(fortnight))
    );
    assert_eq!(config.legacy_links.unsigned_lifetime_ms("xmpp"), None);
    assert!(!format!("{config:?}").contains("any text"));
    let lifetime = |text: &str| {
        let config = parse(&format!(
            "{{format: unsigned, bridge: irc, lifetime: {text}}}"
        ));
        config
            .expect("valid")
            .legacy_links
            .unsigned_lifetime_ms("irc")
    };
    assert_eq!(
        (lifetime("1h"), lifetime("never")),
        (Some(Some(3_600_000)), Some(None))
    );
}

/// Each entry is refused, in these words.
fn refused_in_words(cases: &[(&str, &[&str])]) {
    for (entry, words) in cases {
        let error = refused(entry);
        for word in *words {
            assert!(error.contains(word), "{entry}: {error}");
        }
    }
}

#[test]
fn a_format_and_bridge_that_makes_no_sense_is_refused_with_its_place() {
    refused_in_words(&[
        (
            "{format: other, bridge: irc}",
            &["legacy_links[0].format", "heisenbridge"],
        ),
        ("{bridge: irc}", &["format"]),
        ("{format: heisenbridge, key: secret}", &["bridge"]),
        (
            "{format: heisenbridge, bridge: xmpp, key: secret}",
            &["legacy_links[0].bridge", "\"xmpp\""],
        ),
        (
            "{format: heisenbridge, bridge: irc, key: secret, other: 1}",
            &["legacy_links[0].other", "unknown field"],
        ),
        (
            "{format: heisenbridge, bridge: irc, key: secret, expiry: true}",
            &["legacy_links[0].expiry", "mautrix"],
        ),
    ]);
}

#[test]
fn a_key_that_makes_no_sense_is_refused_with_its_place() {
    refused_in_words(&[
        (
            "{format: heisenbridge, bridge: irc}",
            &["legacy_links[0].key", "missing"],
        ),
        (
            "{format: heisenbridge, bridge: irc, key: ''}",
            &["legacy_links[0].key", "empty"],
        ),
        (
            "{format: heisenbridge, bridge: irc, key: 12345}",
            &["legacy_links[0].key", "quotes"],
        ),
        (
            "{format: heisenbridge, bridge: irc, key: secret, key_file: a.key}",
            &["legacy_links[0].key", "key_file"],
        ),
        (
            "{format: heisenbridge, bridge: irc, key_file: none.key}",
            &["legacy_links[0].key_file", "none.key"],
        ),
        (
            "{format: heisenbridge, bridge: irc, jwk_file: a.jwk}",
            &["legacy_links[0].jwk_file", "appservice-bridge"],
        ),
        (
            "{format: appservice-bridge, bridge: irc, key: secret}",
            &["legacy_links[0].key", "legacy_links[0].jwk_file"],
        ),
        (
            "{format: appservice-bridge, bridge: irc, jwk_file: none.jwk}",
            &["legacy_links[0].jwk_file", "none.jwk"],
        ),
        (
            "{format: appservice-bridge, bridge: irc, jwk_file: bad.jwk}",
            &["bad.jwk", "\"kty\""],
        ),
        (
            "{format: unsigned, bridge: irc, key: secret}",
            &["legacy_links[0].key"],
        ),
    ]);
}

#[test]
fn a_path_or_length_that_makes_no_sense_is_refused_with_its_place() {
    refused_in_words(&[
        (
            "{format: unsigned, bridge: irc, lifetime: 1ms}",
            &["legacy_links[0].lifetime", "1s"],
        ),
        (
            "{format: mautrix, bridge: irc, key: secret, lifetime: 1h}",
            &["legacy_links[0].lifetime", "unsigned"],
        ),
        (
            "{format: mautrix, bridge: irc, key: secret, hash_length: 7}",
            &["legacy_links[0].hash_length", "8 to 32"],
        ),
        (
            "{format: mautrix, bridge: irc, key: secret, hash_length: 33}",
            &["legacy_links[0].hash_length", "8 to 32"],
        ),
        (
            "{format: mautrix, bridge: irc, key: secret, path: /}",
            &["legacy_links[0].path", "/robots.txt"],
        ),
        (
            "{format: heisenbridge, bridge: irc, key: secret, path: '/m/{server}/{media_id}/{checksum}'}",
            &["legacy_links[0].path", "/robots.txt"],
        ),
        (
            "{format: heisenbridge, bridge: irc, key: secret, path: '/x/{server}/{media_id}'}",
            &["legacy_links[0].path", "{checksum}"],
        ),
        (
            "{format: heisenbridge, bridge: irc, key: secret, path: 'x'}",
            &["legacy_links[0].path", "found \"x\""],
        ),
    ]);
}

#[test]
fn two_entries_never_share_a_place() {
    let one = "{format: heisenbridge, bridge: irc, key: secret}";
    let at = |path: &str| format!("{{format: mautrix, bridge: irc, key: secret, path: {path}}}");
    for entries in [
        format!("{one}, {one}"),
        format!("{one}, {}", at("/_heisenbridge/media")),
        format!("{}, {}", at("/a"), at("/a/")),
        // With a file name, a link of the first one may look like one of the second.
        format!("{}, {}", at("/a"), at("/a/b")),
        "{format: unsigned, bridge: irc}, {format: unsigned, bridge: irc, path: /other}".to_owned(),
    ] {
        assert!(refused(&entries).contains("legacy_links[1]"), "{entries}");
    }
    assert!(parse(&format!("{}, {}", at("/a"), at("/b/a"))).is_ok());
    let below = [(
        "public_url: https://media.example.org",
        "public_url: https://media.example.org/a",
    )];
    let error = parse_changed(&format!("{}, {}", at("/b"), at("/a/b")), &below);
    assert!(
        error
            .expect_err("refused")
            .to_string()
            .contains("legacy_links[1].path")
    );
    let error = parse_changed(&at("/a"), &below)
        .expect_err("refused")
        .to_string();
    assert!(error.contains("legacy_links[0].path: covers"), "{error}");
    assert!(parse_changed(&at("/b"), &below).is_ok());
}

#[test]
fn what_is_unsigned_needs_redactions_to_be_pushed() {
    for how in ["follow", "off"] {
        let changes = [("check_event: push", &*format!("check_event: {how}"))];
        let error = parse_changed("{format: unsigned, bridge: irc}", &changes);
        assert!(
            error
                .expect_err("refused")
                .to_string()
                .contains("check_event: push")
        );
        assert!(
            parse_changed("{format: heisenbridge, bridge: irc, key: secret}", &changes).is_ok()
        );
    }
}
