use std::{collections::HashMap, path::Path, sync::LazyLock, time::Duration};

use super::{file::ConfigFile, load::merged, *};
use medialink_event::TextTemplate;

/// The example with tokens of its own.
static EXAMPLE: LazyLock<String> =
    LazyLock::new(|| include_str!("../../bridge.example.yaml").replace("change-me", "made-up"));

fn parse(text: &str) -> Result<Config, ConfigError> {
    Config::parse(text, HashMap::new(), Path::new("/etc/medialink"))
}

fn with_env(name: &str, value: &str) -> Result<Config, ConfigError> {
    let environment = HashMap::from([(name.to_owned(), value.to_owned())]);
    Config::parse(&EXAMPLE, environment, Path::new(""))
}

/// The example with one line replaced.
fn changed(from: &str, to: &str) -> String {
    assert!(EXAMPLE.contains(from), "{from}");
    EXAMPLE.replacen(from, to, 1)
}

fn refused(text: &str) -> String {
    parse(text).expect_err("refused").to_string()
}

#[test]
fn the_example_is_valid() {
    let config = parse(&EXAMPLE).expect("valid");
    assert_eq!(
        config.database,
        DatabaseConfig::sqlite("/etc/medialink/data/medialink.db".into())
    );
    assert_eq!(config.usage.batch_size, 50);
}

#[test]
fn readers_have_a_minute_unless_it_is_said_otherwise() {
    let without = changed("  send_timeout: 60s\n", "");
    for (text, seconds) in [
        (without, 60),
        (changed("send_timeout: 60s", "send_timeout: 2s"), 2),
    ] {
        let config = parse(&text).expect("valid");
        assert_eq!(config.send_timeout.as_secs(), seconds);
    }
    let zero = refused(&changed("send_timeout: 60s", "send_timeout: 0s"));
    assert!(zero.contains("listen.send_timeout: found 0"), "{zero}");
}

/// Asks every table of the example for a key that is not there: the answer lists the keys that
/// are known, and the example has to show all of them.
#[test]
fn the_example_is_complete() {
    let value = merged(&EXAMPLE, HashMap::new()).expect("YAML");
    let mut tables = vec![String::new()];
    find_tables(&value, "", &mut tables);
    assert!(tables.len() >= 8, "{tables:?}");
    for table in tables {
        let mut probed = value.clone();
        let object = probed
            .pointer_mut(&table)
            .and_then(|v| v.as_object_mut())
            .expect("a table");
        object.insert("no_such_key".into(), 0.into());
        let shown: Vec<String> = object.keys().cloned().collect();
        let error = serde_path_to_error::deserialize::<_, ConfigFile>(probed)
            .expect_err("unknown keys are refused")
            .to_string();
        let known = error
            .split("expected one of ")
            .nth(1)
            .or_else(|| error.split("expected ").nth(1));
        let known = known.unwrap_or_else(|| panic!("{table}: {error}"));
        for key in known.split('`').skip(1).step_by(2) {
            let optional = key.ends_with("_file") && key != "key_file"
                || matches!(key, "forward_to" | "forward_hs_token" | "appservice_id");
            assert!(
                optional || shown.iter().any(|s| s == key),
                "{table}/{key} is not in the example"
            );
        }
    }
}

fn find_tables(value: &serde_json::Value, path: &str, tables: &mut Vec<String>) {
    let children: Vec<(String, &serde_json::Value)> = match value {
        serde_json::Value::Object(map) => map
            .iter()
            .map(|(k, v)| (format!("{path}/{k}"), v))
            .collect(),
        serde_json::Value::Array(list) => list
            .iter()
            .enumerate()
            .map(|(i, v)| (format!("{path}/{i}"), v))
            .collect(),
        _ => Vec::new(),
    };
    for (path, child) in children {
        if child.is_object() {
            tables.push(path.clone());
        }
        find_tables(child, &path, tables);
    }
}

#[test]
fn the_environment_overrides_the_file() {
    let config = with_env("MEDIALINK_USAGE__MODE", "always").expect("valid");
    assert_eq!(config.usage.mode, UsageMode::Always);
    let config = with_env("MEDIALINK_USAGE__BATCH_SIZE", "7").expect("valid");
    assert_eq!(config.usage.batch_size, 7);
    let config = with_env("MEDIALINK_HOMESERVER__TIMEOUTS__CONNECT", "9s").expect("valid");
    assert_eq!(config.homeserver.timeouts.connect.as_secs(), 9);
    let config = with_env("MEDIALINK_PUBLIC_URL", "https://m.example.org/x/").expect("valid");
    assert_eq!(config.public_url.as_str(), "https://m.example.org/x");
    assert!(with_env("MEDIALINK_CONFIG", "elsewhere.yaml").is_ok());
    let error = with_env("MEDIALINK_USAGE__BATCH_SIZE", "many")
        .expect_err("refused")
        .to_string();
    assert!(
        error.contains("usage.batch_size") && error.contains("MEDIALINK_USAGE__BATCH_SIZE"),
        "{error}"
    );
    let error = with_env("MEDIALINK_USAGE__BATCHSIZE", "7")
        .expect_err("refused")
        .to_string();
    assert!(error.contains("batchsize"), "{error}");
}

/// Each change of the example is refused, in these words.
fn refused_in_words(cases: &[(&str, &str, &[&str])]) {
    for (from, to, words) in cases {
        let error = refused(&changed(from, to));
        for word in *words {
            assert!(error.contains(word), "{to}: {word:?} is not in {error:?}");
        }
    }
}

#[test]
fn errors_of_links_and_usage_name_the_key_what_was_found_and_what_is_allowed() {
    refused_in_words(&[
        (
            "batch_window: 2s",
            "batch_window: 2 parsecs",
            &["usage.batch_window", "2 parsecs", "300ms"],
        ),
        (
            "batch_size: 50",
            "batch_size: 0",
            &["usage.batch_size", "found 0", "1 to 200"],
        ),
        (
            "mode: auto",
            "mode: sometimes",
            &["usage.mode", "sometimes", "always"],
        ),
        (
            "touch_rate: 5/s",
            "touch_rate: 5",
            &["usage.touch_rate", "5", "5/s"],
        ),
        (
            "form: short",
            "form: long",
            &["links.form", "long", "self_contained"],
        ),
        ("lifetime: 14d", "lifetime: 0s", &["links.lifetime", "1s"]),
        (
            "max_lifetime: never",
            "max_lifetime: 1d",
            &["links.lifetime", "max_lifetime"],
        ),
        (
            "fallback_room: null",
            "fallback_room: usage",
            &["usage.fallback_room", "'!'"],
        ),
    ]);
}

#[test]
fn errors_of_media_name_the_key_what_was_found_and_what_is_allowed() {
    refused_in_words(&[
        (
            "max_size: 100MiB",
            "max_size: huge",
            &["media.max_size", "huge", "100MiB"],
        ),
        (
            "public_url: https://media.example.org",
            "public_url: ftp://x",
            &["public_url", "ftp", "https"],
        ),
        (
            "thumbnails: [96x96,",
            "thumbnails: [96,",
            &["media.thumbnails[0]", "320x240"],
        ),
        (
            "thumbnails: [96x96,",
            "thumbnails: [9x0,",
            &["media.thumbnails[0]", "9x0", "2048"],
        ),
        (
            "thumbnails: [96x96,",
            "thumbnails: [4000x10,",
            &["media.thumbnails[0]", "4000x10", "2048"],
        ),
    ]);
}

#[test]
fn errors_of_addresses_and_files_name_the_key_what_was_found_and_what_is_allowed() {
    refused_in_words(&[
        (
            "public: 127.0.0.1:8480",
            "public: 127.0.0.1",
            &["listen.public", "127.0.0.1"],
        ),
        (
            "public: 127.0.0.1:8480",
            "public: 127.0.0.1:8481",
            &["listen.internal", "listen.public"],
        ),
        (
            "server_name: example.org",
            "server_name: exa mple",
            &["homeserver.server_name", "exa mple"],
        ),
        (
            "key_file: data/link-keys.yaml",
            "",
            &["key_file", "missing"],
        ),
        (
            "redirect_networks: []",
            "redirect_networks: [ten]",
            &["redirect_networks[0]", "ten"],
        ),
    ]);
}

#[test]
fn errors_of_a_bridge_name_the_key_what_was_found_and_what_is_allowed() {
    refused_in_words(&[
        (
            "\"@medialink:example.org\"",
            "\"@medialink:other.org\"",
            &["bridges[0].user_id", "other.org"],
        ),
        (
            "    text: null",
            "    text: \"{nome} {url}\"",
            &["bridges[0].text", "found {nome}", "{name}"],
        ),
        (
            "    text: null",
            "    text: \"{sender} sent something\"",
            &["bridges[0].text", "found {url} 0 times", "once"],
        ),
        (
            "    text: null",
            "    text: 5",
            &["bridges[0].text", "found 5", "a text"],
        ),
        (
            "max_bytes: null",
            "max_bytes: 99",
            &["bridges[0].max_bytes", "found 99", "100 to 65536"],
        ),
        (
            "max_bytes: null",
            "max_bytes: 1KiB",
            &["bridges[0].max_bytes", "1KiB", "a whole number"],
        ),
        (
            "as_token: made-up-as-token",
            "as_token: made-up-api-token",
            &["bridges[0].as_token", "bridges[0].api_token"],
        ),
        (
            "    as_token: made-up-as-token\n",
            "",
            &["bridges[0].as_token", "missing", "as_token_file"],
        ),
    ]);
}

#[test]
fn a_bridge_behind_us_shares_the_token_or_has_its_own() {
    let network = "    network: Libera.Chat";
    let with = |more: &str| changed(network, &format!("{network}\n    forward_to: {more}"));
    let config = parse(&with("http://127.0.0.1:9999/irc/")).expect("valid");
    let bridge = &config.bridges[0];
    let to = bridge.forward_to.as_ref().expect("given");
    assert_eq!(to.url.as_str(), "http://127.0.0.1:9999/irc");
    assert_eq!(to.hs_token, bridge.hs_token);
    let silent = with("http://127.0.0.1:9999");
    let silent = silent.replacen("    accept_invites:", "    # accept_invites:", 1);
    let silent = parse(&silent).expect("valid");
    assert!(silent.bridges[0].accept_invites.is_empty());
    let own = with("http://127.0.0.1:9999\n    forward_hs_token: of-its-own");
    let config = parse(&own).expect("valid");
    let to = config.bridges[0].forward_to.as_ref().expect("given");
    assert_eq!(to.hs_token.expose(), "of-its-own");
    for bad in ["nonsense", "ftp://127.0.0.1", "http://127.0.0.1:8481"] {
        let error = refused(&with(bad));
        assert!(error.starts_with("bridges[0].forward_to"), "{error}");
    }
}

#[test]
fn a_bridge_has_its_own_words() {
    let usual = parse(&EXAMPLE).expect("valid");
    assert_eq!(usual.bridges[0].text, TextTemplate::default());
    assert_eq!(usual.bridges[0].max_bytes, None);
    let own = changed("    text: null", "    text: '{what}[ {name}] {url}'");
    let own = own.replacen("max_bytes: null", "max_bytes: 400", 1);
    let own = own.replacen("show_sender: false", "show_sender: true", 1);
    let own = parse(&own).expect("valid");
    assert!(own.bridges[0].show_sender && !usual.bridges[0].show_sender);
    let template = TextTemplate::parse("{what}[ {name}] {url}");
    assert_eq!(Ok(&own.bridges[0].text), template.as_ref());
    assert_eq!(own.bridges[0].max_bytes, Some(400));
}

#[test]
fn events_are_looked_at_as_the_file_says() {
    let links = |from, to| parse(&changed(from, to)).expect("valid").links;
    let follow = links("check_event: push", "check_event: follow");
    assert_eq!(
        (follow.check_event, follow.provenance),
        (CheckEvent::Follow, Provenance::Off)
    );
    let check = links("provenance: off", "provenance: check");
    assert_eq!(
        (check.check_event, check.provenance),
        (CheckEvent::Push, Provenance::Check)
    );
}

#[test]
fn the_cache_is_on_unless_it_is_switched_off() {
    let cache = |text: &str| parse(text).map(|config| config.media.cache);
    let usual = CacheConfig {
        dir: "/etc/medialink/data/cache".into(),
        max_size_bytes: 2 << 30,
        s3: None,
    };
    assert_eq!(cache(&EXAMPLE), Ok(Some(usual.clone())));
    let start = EXAMPLE.find("  cache:\n").expect("a cache");
    let end = EXAMPLE
        .find("  # The longest time that readers")
        .expect("its end");
    let with = |text: &str| format!("{}{text}{}", &EXAMPLE[..start], &EXAMPLE[end..]);
    assert_eq!(cache(&with("")), Ok(Some(usual)));
    assert_eq!(cache(&with("  cache: null\n")), Ok(None));
    let small = refused(&changed("    max_size: 2GiB", "    max_size: 1MiB"));
    assert!(
        small.starts_with("media.cache.max_size: found 1.0 MiB; allowed"),
        "{small}"
    );
}

#[test]
fn cached_media_is_asked_for_now_and_then_or_never() {
    let revalidate = |value: &str| {
        let text = changed("  revalidate: 5m", &format!("  revalidate: {value}"));
        parse(&text).map(|config| config.media.revalidate)
    };
    let minutes = Lifetime::For(Duration::from_secs(300));
    assert_eq!(revalidate("5m"), Ok(minutes));
    assert_eq!(revalidate("never"), Ok(Lifetime::Never));
    let without = changed("  revalidate: 5m", "");
    assert_eq!(parse(&without).map(|c| c.media.revalidate), Ok(minutes));
    assert!(refused(&changed("revalidate: 5m", "revalidate: often")).contains("media.revalidate"));
}

#[test]
fn all_problems_are_told_at_once() {
    let text = changed("batch_size: 50", "batch_size: 0").replace("reconcile: 6h", "reconcile: 1s");
    assert_eq!(parse(&text).expect_err("refused").problems.len(), 2);
}

#[test]
fn secrets_come_from_files_too_and_are_never_told() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("token"), "from-a-file\n").expect("written");
    let text = changed("as_token: made-up-as-token", "as_token_file: token");
    let config = Config::parse(&text, HashMap::new(), folder.path()).expect("valid");
    assert_eq!(config.bridges[0].as_token.expose(), "from-a-file");
    let shown = format!("{config:?}");
    assert!(
        !shown.contains("from-a-file") && !shown.contains("made-up"),
        "{shown}"
    );

    let both = changed(
        "as_token: made-up-as-token",
        "as_token: abc\n    as_token_file: token",
    );
    assert!(refused(&both).contains("as_token_file"));
    let number = changed("as_token: made-up-as-token", "as_token: 987654321");
    let error = refused(&number);
    assert!(
        error.contains("bridges[0].as_token") && !error.contains("987654321"),
        "{error}"
    );
    let missing = changed("as_token: made-up-as-token", "as_token_file: nowhere");
    assert!(refused(&missing).contains("nowhere"));
}
