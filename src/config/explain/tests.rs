//! Whatever is wrong with a file, the error names the whole key and no secret.

use std::{collections::HashMap, path::Path};

use proptest::prelude::*;

use super::super::{Config, ConfigError};

const EXAMPLE: &str = include_str!("../../../bridge.example.yaml");

fn parse(text: &str, environment: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    let environment: HashMap<_, _> = environment.iter().map(owned).collect();
    Config::parse(text, environment, Path::new("/etc/medialink"))
}

/// The example with tokens of its own and a second bridge, and with this text instead of that.
fn changed(from: &str, to: &str) -> String {
    let second = "  - {id: xmpp, api_token: second-api-token-1, as_token: second-as-token-1, \
                  hs_token: second-hs-token-1, user_id: \"@xmpp:example.org\"}\n\nlinks:\n";
    let text =
        EXAMPLE
            .replace("change-me", "made-up")
            .replacen("\nlinks:\n", &format!("\n{second}"), 1);
    assert!(text.contains(from), "{from}");
    text.replacen(from, to, 1)
}

fn refused(text: &str) -> String {
    parse(text, &[]).expect_err("refused").to_string()
}

/// Text of the example, what stands there instead, and the beginning of the error.
const WRONG: &[(&str, &str, &str)] = &[
    (
        "  url: http://127.0.0.1:8008\n",
        "",
        "homeserver.url: is missing",
    ),
    (
        "  server_name: example.org\n",
        "",
        "homeserver.server_name: is missing",
    ),
    (
        ", user_id: \"@xmpp:example.org\"}",
        "}",
        "bridges[1].user_id: is missing",
    ),
    ("- {id: xmpp, ", "- {", "bridges[1].id: is missing"),
    (
        ", as_token: second-as-token-1",
        "",
        "bridges[1].as_token: is missing; give it, or bridges[1].as_token_file with the path of a file",
    ),
    (
        "public_url: https://media.example.org\n",
        "",
        "public_url: is missing",
    ),
    (
        "  public: 127.0.0.1:8480\n",
        "",
        "listen.public: is missing",
    ),
    (
        "  batch_size: 50\n",
        "  batchsize: 50\n",
        "usage.batchsize: is an unknown field; allowed are mode, ",
    ),
    (
        "    connect: 5s\n",
        "    conect: 5s\n",
        "homeserver.timeouts.conect: is an unknown field; allowed are connect, first_byte, stall",
    ),
    (
        "- {id: xmpp, ",
        "- {id: xmpp, nick: x, ",
        "bridges[1].nick: is an unknown field; allowed are id, network, ",
    ),
    (
        "\nusage:\n",
        "\nusges: {}\nusage:\n",
        "usges: is an unknown field; allowed are listen, ",
    ),
    (
        "    max_size: 2GiB\n",
        "    max_size: [2]\n",
        "media.cache.max_size: found a list; allowed is a size such as 512KiB or 100MiB",
    ),
    (
        "    max_size: 2GiB\n",
        "    max_size: 2 heaps\n",
        "media.cache.max_size: found \"2 heaps\"; allowed is a size",
    ),
    (
        "    first_byte: 60s\n",
        "    first_byte: 60\n",
        "homeserver.timeouts.first_byte: found 60; allowed is a duration such as ",
    ),
    (
        "- {id: xmpp, ",
        "- {id: xmpp, max_bytes: many, ",
        "bridges[1].max_bytes: found \"many\"; allowed is a whole number",
    ),
    (
        "- {id: xmpp, ",
        "- {id: xmpp, as_token_file: 5, ",
        "bridges[1].as_token_file: found 5; allowed is the path of a file",
    ),
    (
        "  encrypted_rooms: true\n",
        "  encrypted_rooms: maybe\n",
        "usage.encrypted_rooms: found \"maybe\"; allowed is true or false",
    ),
    (
        "  mode: auto\n",
        "  mode: sometimes\n",
        "usage.mode: found \"sometimes\"; allowed are auto, always, never",
    ),
    (
        "  mode: auto\n",
        "  mode: 5\n",
        "usage.mode: found 5; allowed is a word",
    ),
    (
        "  redirect_networks: []\n",
        "  redirect_networks: 10\n",
        "homeserver.redirect_networks: found 10; allowed is a list",
    ),
    (
        "database: sqlite:data/medialink.db\n",
        "database: [x]\n",
        "database: found a list; allowed is a text",
    ),
    (
        "database: sqlite:data/medialink.db\n",
        "database: mysql://u:p@h/x\n",
        "database: found a URL of the scheme \"mysql\"; allowed is sqlite:<path>",
    ),
    (
        "legacy_links: []\n",
        "legacy_links: [{format: unsigned, bridge: irc, lifetime: soon}]\n",
        "legacy_links[0].lifetime: found \"soon\"; allowed is \"never\" or a duration",
    ),
    (
        "  cache:\n",
        "  cache: full\n  cache2:\n",
        "media.cache: found \"full\"; allowed is a mapping of keys to values",
    ),
];

#[test]
fn every_kind_of_error_names_the_whole_key() {
    for (from, to, expected) in WRONG {
        let error = refused(&changed(from, to));
        assert!(
            error.starts_with(expected),
            "{to:?}: {error:?}, not {expected:?}"
        );
    }
}

#[test]
fn a_value_of_the_environment_is_named_by_its_variable() {
    let text = changed("", "");
    for (name, value, expected) in [
        (
            "MEDIALINK_USAGE__BATCH_SIZE",
            "many",
            "usage.batch_size: found \"many\"; allowed is a whole number (from the environment variable MEDIALINK_USAGE__BATCH_SIZE)",
        ),
        (
            "MEDIALINK_PUBLIC_ULR",
            "https://x",
            "public_ulr: is an unknown field; allowed are listen, ",
        ),
        (
            "MEDIALINK_USAGE_MODE",
            "never",
            "usage_mode: is an unknown field; allowed are listen, ",
        ),
        ("MEDIALINK_PORT", "8480", "port: is an unknown field; "),
        (
            "MEDIALINK_",
            "x",
            "a key without a name is an unknown field; ",
        ),
        (
            "MEDIALINK_BRIDGES__0__AS_TOKEN",
            "hunter2secret",
            "bridges: found a mapping; allowed is a list",
        ),
        (
            "MEDIALINK_HOMESERVER",
            "http://me:hunter2secret@x",
            "homeserver: found a text; allowed is a mapping",
        ),
    ] {
        let error = parse(&text, &[(name, value)]).expect_err(name).to_string();
        assert!(error.starts_with(expected), "{name}: {error}");
        assert!(
            error.ends_with(&format!("(from the environment variable {name})")),
            "{error}"
        );
        assert!(!error.contains("hunter2"), "{error}");
    }
}

#[test]
fn variables_of_kubernetes_services_do_not_stop_the_start() {
    let environment = [
        ("MEDIALINK_PORT", "tcp://10.43.0.7:8480"),
        ("MEDIALINK_SERVICE_HOST", "10.43.0.7"),
        ("MEDIALINK_SERVICE_PORT", "8480"),
        ("MEDIALINK_SERVICE_PORT_HTTP", "8480"),
        ("MEDIALINK_PORT_8480_TCP", "tcp://10.43.0.7:8480"),
        ("MEDIALINK_PORT_8480_TCP_PROTO", "tcp"),
        ("MEDIALINK_PUBLIC_SERVICE_HOST", "10.43.0.8"),
        ("MEDIALINK_USAGE__MODE", "never"),
    ];
    let config = parse(&changed("", ""), &environment).expect("valid");
    assert_eq!(config.usage.mode, crate::config::UsageMode::Never);
}

#[test]
fn the_tokens_of_the_example_are_refused() {
    let error = parse(EXAMPLE, &[]).expect_err("refused");
    assert_eq!(error.problems.len(), 3, "{error}");
    for (name, problem) in ["api_token", "as_token", "hs_token"]
        .iter()
        .zip(&error.problems)
    {
        let expected = format!("bridges[0].{name}: is still that of the example");
        assert!(problem.starts_with(&expected), "{problem}");
    }
    for token in ["CHANGE-ME", "change-me", "change-me-please"] {
        let error = refused(&changed("second-hs-token-1", token));
        assert!(
            error.starts_with("bridges[1].hs_token: is still"),
            "{error}"
        );
    }
}

/// Text of the example, and what stands there instead: a secret in every wrong place.
const LEAKS: &[(&str, &str)] = &[
    (
        "https://media.example.org\n",
        "https://me:SECRET@media.example.org\n",
    ),
    (
        "https://media.example.org\n",
        "'https://me:SECRET@media example.org'\n",
    ),
    ("https://media.example.org\n", "SECRET\n"),
    ("http://127.0.0.1:8008\n", "http://SECRET@127.0.0.1:8008\n"),
    (
        "http://127.0.0.1:8008\n",
        "http://127.0.0.1:8008/?access_token=SECRET\n",
    ),
    (
        "- {id: xmpp, ",
        "- {id: xmpp, forward_to: 'http://x:SECRET@127.0.0.1', ",
    ),
    (
        "sqlite:data/medialink.db\n",
        "postgres://m:SECRET@db/m?ssl=1\n",
    ),
    ("sqlite:data/medialink.db\n", "m:SECRET@db/m\n"),
    ("sqlite:data/medialink.db\n", "SECRET\n"),
    (
        "  server_name: example.org\n",
        "  server_name: 'http://me:SECRET@x'\n",
    ),
    (
        "  redirect_networks: []\n",
        "  redirect_networks: [SECRET]\n",
    ),
    ("  batch_size: 50\n", "  batch_size: SECRET\n"),
    ("  mode: auto\n", "  mode: SECRET\n"),
    ("  touch_rate: 5/s\n", "  touch_rate: SECRET\n"),
    ("  encrypted_rooms: true\n", "  encrypted_rooms: SECRET\n"),
    ("  cache:\n", "  cache: SECRET\n  cache2:\n"),
    ("\nlinks:\n", "\nlinks: SECRET\nlink:\n"),
    ("as_token: second-as-token-1", "as_token: [SECRET]"),
    (
        "as_token: second-as-token-1",
        "as_token: 'SECRET with spaces'",
    ),
    (
        "as_token: second-as-token-1",
        "as_token: made-up-as-token, text: 'as_token SECRET'",
    ),
    ("second-as-token-1", "'SECRET"),
    ("second-as-token-1", "SECRET\"}: ["),
    ("second-as-token-1", "SECRET, as_token: SECRET"),
    ("second-as-token-1", "*SECRET"),
    ("second-as-token-1", "\"\\SECRET\""),
    ("second-as-token-1", "SECRET}\n--- \n'SECRET"),
    ("as_token: second-as-token-1", "SECRET: 5, SECRET: 6"),
];

#[test]
fn no_error_repeats_a_secret() {
    let secret = "Zq8-hunter2-Xw5";
    for (from, to) in LEAKS {
        let text = changed(from, &to.replace("SECRET", secret));
        if let Err(error) = parse(&text, &[]) {
            let told = format!("{error} {error:?}");
            assert!(!told.contains("hunter2"), "{to:?}: {told}");
        } else {
            panic!("{to:?} is accepted");
        }
    }
    for name in [
        "MEDIALINK_DATABASE",
        "MEDIALINK_BRIDGES",
        "MEDIALINK_PUBLIC_URL",
        "MEDIALINK_AS_TOKEN",
    ] {
        let told = parse(&changed("", ""), &[(name, &format!("x://m:{secret}@db"))]);
        let told = told.expect_err(name).to_string();
        assert!(!told.contains("hunter2"), "{name}: {told}");
    }
}

proptest! {
    /// Lines cut off, and moved to wrong places, where the file may be no YAML any more.
    #[test]
    fn no_broken_file_repeats_a_secret(cut in 0..EXAMPLE.len(), put in 0..EXAMPLE.len(), line in "[ -~]{0,12}") {
        let text = changed("second-as-token-1", "Zq8-hunter2-Xw5");
        let (cut, put) = (text.floor_char_boundary(cut), text.floor_char_boundary(put));
        let broken = format!("{}{line}{}", &text[..cut], &text[put..]);
        if let Err(error) = parse(&broken, &[]) {
            prop_assert!(!error.to_string().contains("hunter2"), "{error}");
        }
    }
}
