use super::*;

const JWK: &str = r#"{"kty":"oct","alg":"HS512","k":"c2VjcmV0LXNlY3JldA","key_ops":["sign","verify"],"ext":true}"#;

fn told(text: &str) -> String {
    match read(text) {
        Ok(found) => panic!("{found:?}"),
        Err(error) => {
            let told = format!("{error:#}");
            assert!(!told.contains("secret"), "{told}");
            told
        }
    }
}

#[test]
fn each_file_tells_key_format_and_path() {
    let found = read(JWK).expect("a key");
    let key = LegacyKey::new("secret-secret").expect("a key");
    assert!(matches!(found.format, Format::AppserviceBridge { key: told } if told == key));
    assert_eq!(found.text.as_str(), JWK);

    let registration =
        "id: heisenbridge\nsender_localpart: heisenbridge\nhs_token: secret-secret\n";
    let found = read(registration).expect("a key");
    assert!(matches!(found.format, Format::Heisenbridge { key: told } if told == key));
    assert_eq!((found.text.as_str(), found.path), ("secret-secret", None));
    let own = format!(
        "{registration}heisenbridge: {{media_key: 'other secret', media_path: '/x/{{server}}/{{media_id}}/{{checksum}}'}}\n"
    );
    let found = read(&own).expect("a key");
    assert_eq!(found.text.as_str(), "other secret");
    assert_eq!(
        found.path.as_deref(),
        Some("/x/{server}/{media_id}/{checksum}")
    );

    let mautrix = "homeserver: {address: x}\npublic_media:\n  enabled: true\n  signing_key: secret-secret\n  expiry: 3600\n  hash_length: 16\n  path_prefix: /x\n  use_database: false\n";
    let found = read(mautrix).expect("a key");
    assert_eq!(found.path.as_deref(), Some("/x"));
    assert!(matches!(
        found.format,
        Format::Mautrix { key: told, hash_length: 16, expiry: true } if told == key
    ));
    let found = read("public_media: {signing_key: secret-secret, expiry: 0, path_prefix: ''}");
    let found = found.expect("a key");
    assert_eq!(found.path.as_deref(), Some("/_mautrix/publicmedia"));
    assert!(matches!(
        found.format,
        Format::Mautrix {
            hash_length: 32,
            expiry: false,
            ..
        }
    ));
}

#[test]
fn the_path_of_a_mautrix_bridge_is_the_one_that_stands_in_its_links() {
    for (address, prefix, path) in [
        (
            "https://example.org",
            "_mautrix/publicmedia",
            "/_mautrix/publicmedia",
        ),
        ("https://example.org/", "//media/", "/media"),
        (
            "https://example.org/bridge/",
            "/_mautrix/publicmedia",
            "/bridge/_mautrix/publicmedia",
        ),
        ("https://example.org/a/b", "", "/a/b/_mautrix/publicmedia"),
        ("", "/media", "/media"),
    ] {
        let text = format!(
            "appservice: {{public_address: '{address}'}}\npublic_media: {{signing_key: secret, path_prefix: '{prefix}'}}\n"
        );
        let found = read(&text).expect("a key");
        assert_eq!(found.path.as_deref(), Some(path), "{address} {prefix}");
    }
}

#[test]
fn what_cannot_be_used_is_told_without_the_secret() {
    for (text, words) in [
        ("", "found keys of no bridge"),
        ("- a\n- b\n", "found"),
        ("a: b\n", "found keys of no bridge"),
        (
            "hs_token: secret\nid: irc\n",
            "another bridge than heisenbridge",
        ),
        (
            "hs_token: 5\nid: heisenbridge\n",
            "hs_token: found something else",
        ),
        (
            "hs_token: ''\nid: heisenbridge\n",
            "hs_token: found an empty text",
        ),
        ("public_media: secret\n", "public_media: found no mapping"),
        ("public_media: {enabled: true}\n", "signing_key is missing"),
        (
            "public_media: {signing_key: generate}\n",
            "start the bridge once",
        ),
        (
            "public_media: {signing_key: secret, use_database: true}\n",
            "use_database",
        ),
        (
            "public_media: {signing_key: secret, hash_length: 4}\n",
            "allowed are 8 to 32",
        ),
        (
            "public_media: {signing_key: secret, hash_length: 33}\n",
            "allowed are 8 to 32",
        ),
        (
            "public_media: {signing_key: secret, expiry: -1}\n",
            "expiry: found no whole number",
        ),
        (&JWK.replace("HS512", "HS256"), "\"alg\" is not \"HS512\""),
        (&JWK.replace("oct", "RSA"), "\"kty\" is not \"oct\""),
        (
            &JWK.replace("\"k\":\"c2VjcmV0", "\"k\":\"==secret"),
            "\"k\" is not",
        ),
        ("{secret: [", "found neither"),
    ] {
        let told = told(text);
        assert!(told.contains(words), "{text}: {told}");
    }
}
