//! Links that bridges have made by themselves, against the embedded homeserver.

use std::os::unix::fs::PermissionsExt as _;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use medialink::clock::Clock;
use reqwest::{Method, StatusCode, header};
use serde_json::{Value, json};
use sha2::Sha256;
use support::{HS_TOKEN, Process, Service, World, answer, eventually};

/// A key that is any text.
const KEY: &str = "clé of the bridge";

fn with_entries(more: &str) -> String {
    format!(
        "legacy_links:\n\
         \x20 - {{format: heisenbridge, bridge: irc, key: '{KEY}'}}\n\
         \x20 - {{format: mautrix, bridge: irc, key: '{KEY}', hash_length: 16, expiry: true}}\n\
         {more}"
    )
}

fn hmac(pieces: &[&[u8]]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(KEY.as_bytes()).expect("a key");
    for piece in pieces {
        mac.update(piece);
    }
    mac.finalize().into_bytes().to_vec()
}

/// The path of a link as heisenbridge makes it.
fn heisenbridge(mxc: &str, name: &str) -> String {
    let checksum = URL_SAFE_NO_PAD.encode(&hmac(&[mxc.as_bytes(), b"/"])[..8]);
    let media = mxc.strip_prefix("mxc://").expect("an mxc URI");
    format!("/_heisenbridge/media/{media}/{checksum}{name}")
}

/// The path of a link as a mautrix bridge makes it that ends in so many seconds.
fn mautrix(service: &Service, mxc: &str, in_s: i64) -> String {
    let end = (service.clock.now_ms() / 1000 + in_s).to_be_bytes();
    let hash = hmac(&[mxc.as_bytes(), &end]);
    let checksum = URL_SAFE_NO_PAD.encode([&end[..], &hash[..16]].concat());
    let media = mxc.strip_prefix("mxc://").expect("an mxc URI");
    format!("/_mautrix/publicmedia/{media}/{checksum}")
}

#[tokio::test]
async fn a_link_of_a_bridge_is_followed_like_any_other() {
    let world = World::without_content_tokens().await;
    let service = world
        .service(&with_entries("usage: {mode: always, touch: 7d}"))
        .await;
    let mut bytes = b"\x89PNG\r\n\x1a\n".to_vec();
    bytes.extend((8..100_000_u32).map(|n| n.to_le_bytes()[0]));
    let (mxc, _) = world.upload(bytes.clone(), "image/png").await;
    for name in ["", "/", "/cat.png", "/%C3%A9%20.png"] {
        let response = service.get(&heisenbridge(&mxc, name)).await;
        assert_eq!(response.status(), 200, "{name}");
        let headers = response.headers().clone();
        assert_eq!(headers[header::CONTENT_TYPE], "image/png");
        assert_eq!(headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
        assert_eq!(response.bytes().await.expect("whole"), bytes);
    }
    let url = format!("{}{}", service.public, heisenbridge(&mxc, "/cat.png"));
    let part = service.client.get(&url).header("Range", "bytes=10-19");
    let part = part.send().await.expect("an answer");
    assert_eq!(part.status(), StatusCode::PARTIAL_CONTENT);
    assert_eq!(part.bytes().await.expect("a part"), bytes[10..20]);
    let head = service.client.head(&url).send().await.expect("an answer");
    assert_eq!(head.status(), 200);
    assert_eq!(head.headers()[header::CONTENT_LENGTH], "100000");
    let post = service.client.post(&url).send().await.expect("an answer");
    assert_eq!(post.status(), StatusCode::METHOD_NOT_ALLOWED);
    let asked = world.requests("media.download").await;
    assert_eq!(asked, 1, "the rest is from the cache");

    // It is recorded once, whatever its name.
    let links = eventually("its follows to be counted", async || {
        let links = service.listed().await;
        (links[0]["follows"] == 4).then_some(links)
    })
    .await;
    assert_eq!(links.len(), 1);
    let link = &links[0];
    assert_eq!(
        (&link["form"], &link["mxc"], &link["state"]),
        (&json!("legacy"), &json!(mxc), &json!("live"))
    );
    for name in ["room_id", "event_id", "url", "page_url", "expires_ts"] {
        assert_eq!(link[name], Value::Null, "{name}");
    }
    assert_eq!(link["usage"]["state"], "disabled");
    assert_eq!(service.next_touched().await, Some(mxc), "it is touched");
    service.stop().await;
}

#[tokio::test]
async fn a_forged_link_is_refused_without_asking_anybody() {
    let world = World::without_content_tokens().await;
    let service = world.service(&with_entries("")).await;
    let (mxc, _) = world.upload("hello", "text/plain").await;
    let good = heisenbridge(&mxc, "");
    for n in "/_heisenbridge/media/".len()..good.len() {
        for other in ["x", "Y", "_", "/", ""] {
            let mut forged = good.clone();
            forged.replace_range(n..=n, other);
            if forged == good {
                continue;
            }
            let told = service.refused(&forged).await;
            assert_eq!(told, (404, json!("M_NOT_FOUND")), "{forged}");
        }
    }
    for forged in [
        format!("{good}="),
        format!("{good}%3D"),
        good.replacen("/example.org/", "/example.org%2F..%2F/", 1),
        good.replacen("/example.org/", "/EXAMPLE.org/", 1),
        good.replacen("/example.org/", "/example.org%00/", 1),
        // Encoded twice: it is decoded once.
        good.replacen("/example.org/", "/%2565xample.org/", 1),
        format!("{good}/cat.png/more"),
        good.replacen("/_heisenbridge", "/_Heisenbridge", 1),
        good.replacen("/_heisenbridge/media", "/_mautrix/publicmedia", 1),
    ] {
        assert_eq!(service.refused(&forged).await.0, 404, "{forged}");
    }
    assert_eq!(world.requests("media.download").await, 0);
    assert!(service.listed().await.is_empty());
    // The same link in another spelling of its URL (RFC 3986, section 6.2.2.2).
    let encoded = good.replacen("/example.org/", "/%65xample.org/", 1);
    for path in [&good, &encoded] {
        assert_eq!(service.get(path).await.status(), 200, "{path}");
    }
    assert_eq!(service.listed().await.len(), 1);
    service.stop().await;
}

#[tokio::test]
async fn links_are_revoked_by_their_media_before_and_after_the_first_follow() {
    let world = World::without_content_tokens().await;
    let service = world.service(&with_entries("")).await;
    let mut media = Vec::new();
    for n in 0..4 {
        media.push(world.upload(format!("{n}"), "text/plain").await.0);
    }
    let [first, second, third, fourth] = &media[..] else {
        panic!("four media")
    };
    assert_eq!(service.get(&heisenbridge(first, "")).await.status(), 200);
    assert_eq!(service.revoke_matching(json!({"mxc": first})).await, 1);
    assert_eq!(service.revoke_matching(json!({"mxc": second})).await, 0);
    // Whenever it was made: nobody knows.
    service.clock.advance(86_400_000);
    for mxc in [first, second] {
        for path in [
            heisenbridge(mxc, ""),
            heisenbridge(mxc, "/cat.png"),
            mautrix(&service, mxc, 60),
        ] {
            let told = service.refused(&path).await;
            assert_eq!(told, (410, json!("M_GONE")), "{path}");
        }
    }
    assert_eq!(service.get(&heisenbridge(third, "")).await.status(), 200);
    let room = json!({"mxc": third, "room_id": world.room_id});
    assert_eq!(service.revoke_matching(room).await, 0, "it is in no room");
    let id = service.listed().await[0]["link_id"].clone();
    let path = format!("/v1/links/{}", id.as_str().expect("an ID"));
    assert_eq!(answer(service.api(Method::DELETE, &path)).await.0, 200);
    assert_eq!(service.refused(&heisenbridge(third, "")).await.0, 410);

    assert_eq!(service.get(&heisenbridge(fourth, "")).await.status(), 200);
    let old = json!({"mxc": fourth, "issued_before_ts": 1});
    assert_eq!(
        service.revoke_matching(old).await,
        1,
        "it may be of any age"
    );
    assert_eq!(service.refused(&heisenbridge(fourth, "")).await.0, 410);
    service.stop().await;
}

#[tokio::test]
async fn a_link_ends_when_it_says_so() {
    let world = World::without_content_tokens().await;
    let service = world.service(&with_entries("")).await;
    let (mxc, _) = world.upload("hello", "text/plain").await;
    let (link, other) = (mautrix(&service, &mxc, 60), mautrix(&service, &mxc, 61));
    let response = service.get(&link).await;
    assert_eq!(response.status(), 200);
    let cached = response.headers()[header::CACHE_CONTROL].to_str();
    let max_age = cached.expect("text").rsplit_once('=').expect("max-age").1;
    assert!(max_age.parse::<u32>().expect("a number") <= 60, "{max_age}");
    service.clock.advance(62_000);
    for path in [&link, &other, &mautrix(&service, &mxc, -1)] {
        let told = service.refused(path).await;
        assert_eq!(told, (410, json!("M_GONE")), "{path}");
    }
    assert_eq!(
        service.listed().await.len(),
        1,
        "who comes too late is not recorded"
    );
    let page = service.client.get(format!("{}{link}", service.public));
    let page = page.header("Accept", "text/html").send().await;
    let page = page.expect("an answer").text().await.expect("a page");
    assert!(page.contains("expired"), "{page}");
    service.stop().await;
}

#[tokio::test]
async fn a_public_url_with_a_path_leaves_old_paths_where_they_were() {
    let world = World::without_content_tokens().await;
    let clock = Clock::default();
    let (folder, more) = (world.folder.path(), with_entries(""));
    let service = Service::start_at(folder, &world.url, "/some/path", &more, &clock).await;
    let (mxc, _) = world.upload("hello", "text/plain").await;
    let path = heisenbridge(&mxc, "/cat.png");
    let root = service.public.strip_suffix("/some/path").expect("its path");
    for (base, status) in [
        (root, 200),
        (&service.public, 200),
        (&format!("{root}/some"), 404),
    ] {
        let response = service.client.get(format!("{base}{path}")).send().await;
        assert_eq!(response.expect("an answer").status(), status, "{base}");
    }
    service.stop().await;
}

#[tokio::test]
async fn a_revocation_is_remembered_for_links_of_any_age() {
    let world = World::without_content_tokens().await;
    let links = "links: {lifetime: 1h, max_lifetime: 1d, remember: 1h}";
    let service = world.service(&with_entries(links)).await;
    let (mxc, _) = world.upload("hello", "text/plain").await;
    service.revoke_matching(json!({"mxc": mxc})).await;
    let push = format!("{}/_matrix/app/v1/transactions/old", service.internal);
    let push = service.client.put(push).bearer_auth(HS_TOKEN);
    assert_eq!(answer(push.json(&json!({"events": []}))).await.0, 200);
    service.clock.advance(30 * 86_400_000);
    eventually("the history to be forgotten", async || {
        let is_known = service.remembers_transaction("irc", "old").await;
        (!is_known).then_some(())
    })
    .await;
    assert_eq!(service.refused(&heisenbridge(&mxc, "")).await.0, 410);
    service.stop().await;
}

#[tokio::test]
async fn a_link_is_inspected_wherever_it_is_followed() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut process = Process::new(folder.path(), "http://127.0.0.1:1", &with_entries(""));
    process.start().await;
    assert!(process.terminate().await.success());
    let path = folder.path().join("bridge.yaml");
    let text = std::fs::read_to_string(&path).expect("reads");
    let url = format!("public_url: {}", process.public);
    let text = text.replacen(&url, "public_url: https://media.example.org/some/path", 1);
    std::fs::write(&path, text).expect("written");
    let mxc = "mxc://example.org/abc";
    let link = heisenbridge(mxc, "/cat.png");
    for link in [
        link.clone(),
        format!("https://media.example.org{link}?a#b"),
        format!("https://media.example.org/some/path{link}"),
        format!("/some/path{link}"),
        link.replacen("/example.org/", "/%65xample.org/", 1),
    ] {
        let output = process.run_with_input(&["inspect", "-"], &link);
        let told = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && told.contains(mxc), "{link}");
    }
    for other in [
        format!("https://media.example.org/other{link}"),
        link.replacen("/example.org/", "/example%2Forg/", 1),
        link.replacen("/abc/", "/abd/", 1),
    ] {
        let output = process.run_with_input(&["inspect", "-"], &other);
        assert_eq!(output.status.code(), Some(1), "{other}");
    }
}

/// Puts an entry that was printed into the configuration of a process.
fn put_in(process: &Process, printed: &str) {
    let path = process.folder.join("bridge.yaml");
    let text = std::fs::read_to_string(&path).expect("reads");
    let entries = printed.split_once("legacy_links:\n").expect("an entry").1;
    let text = match text.contains("legacy_links:\n") {
        true => format!("{text}{entries}"),
        false => format!("{text}legacy_links:\n{entries}"),
    };
    std::fs::write(&path, text).expect("written");
}

#[tokio::test]
async fn keys_are_imported_without_being_shown() {
    let folder = tempfile::tempdir().expect("a folder");
    let process = Process::new(folder.path(), "http://127.0.0.1:1", "");
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).expect("written");
        path.to_str().expect("a text").to_owned()
    };
    let jwk = r#"{"kty":"oct","alg":"HS512","k":"c2VjcmV0LXNlY3JldA"}"#;
    let jwk_file = file("signingkey.jwk", jwk);
    let registration = file(
        "heisenbridge.yaml",
        "id: heisenbridge\nhs_token: secret-secret\nas_token: secret-other\nsender_localpart: heisenbridge\n",
    );
    let mautrix = file(
        "config.yaml",
        "public_media: {enabled: true, signing_key: secret-secret, expiry: 60, hash_length: 16}\n",
    );
    let run = |arguments: &[&str]| import_keys(&process, arguments);
    for (arguments, name, stored) in [
        (
            &[&*jwk_file, "--path", "/media"][..],
            "legacy-irc-appservice-bridge.jwk",
            jwk,
        ),
        (
            &[&*registration],
            "legacy-irc-heisenbridge.key",
            "secret-secret",
        ),
        (
            &[&*mautrix, "--bridge", "irc"],
            "legacy-irc-mautrix.key",
            "secret-secret",
        ),
    ] {
        let (is_done, printed, told) = run(arguments);
        assert!(is_done, "{told}");
        assert!(printed.contains(&format!("data/{name}")), "{printed}");
        assert_stored(folder.path(), name, stored);
        put_in(&process, &printed);
        assert_accepted(&process);
        // Again: the key is there.
        assert_eq!(run(arguments), (true, printed, told));
    }
    let files = std::fs::read_dir(folder.path().join("data")).expect("a folder");
    assert_eq!(files.count(), 3, "nothing is left behind");
    // Another key goes beside the first one.
    let changed = "id: heisenbridge\nhs_token: secret-third\n";
    file("heisenbridge.yaml", changed);
    let (is_done, printed, _) = run(&[&registration]);
    assert!(
        is_done && printed.contains("legacy-irc-heisenbridge-2.key"),
        "{printed}"
    );

    let other = file("other.yaml", "hs_token: secret\n");
    nothing_else_is_imported(&process, (&registration, &mautrix, &other));
}

/// Files that hold no key, or not one for this bridge.
fn nothing_else_is_imported(process: &Process, (registration, mautrix, other): (&str, &str, &str)) {
    for (arguments, words) in [
        (&["nowhere.yaml"][..], "nowhere.yaml cannot be read"),
        (&[registration, "--bridge", "xmpp"], "there is no bridge"),
        (&[mautrix, "--path", "/m"], "give another by --path"),
        (&[other], "another bridge than heisenbridge"),
    ] {
        let (is_done, _, told) = import_keys(process, arguments);
        assert!(!is_done && told.contains(words), "{told}");
    }
}

/// Runs `keys import`: whether it went well, and what it printed, in which there is no secret.
fn import_keys(process: &Process, arguments: &[&str]) -> (bool, String, String) {
    let output = process.run(&[&["keys", "import"], arguments].concat());
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("a text");
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    for secret in ["secret", "c2VjcmV0"] {
        assert!(!out.contains(secret) && !err.contains(secret), "{out}{err}");
    }
    (output.status.success(), out, err)
}

/// The key is in a file of its own, which nobody else may read.
fn assert_stored(folder: &std::path::Path, name: &str, stored: &str) {
    let path = folder.join("data").join(name);
    assert_eq!(std::fs::read_to_string(&path).expect("a key"), stored);
    let mode = std::fs::metadata(&path)
        .expect("a file")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600, "{name}");
}

/// The configuration is a good one.
fn assert_accepted(process: &Process) {
    let check = process.run(&["check"]);
    assert!(
        check.status.success(),
        "{}",
        String::from_utf8_lossy(&check.stderr)
    );
}
