//! No secret is in a log, an error, a metric, or what a command prints.

use base64::{
    Engine,
    engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};
use medialink::storage::{Database, Opener};
use reqwest::Method;
use serde_json::json;
use support::{API_TOKEN, AS_TOKEN, HS_TOKEN, Process, World, url};

#[tokio::test]
async fn nothing_secret_is_written_anywhere() {
    let world = World::new().await;
    let mut process = Process::new(
        world.folder.path(),
        &world.url,
        "usage: {batch_window: 20ms}",
    );
    process.start_with_log_level("trace").await;
    let (mxc, token) = world.upload("bytes", "text/plain").await;
    let wrong = "wrong-content-token-of-somebody";
    let key = "aWF6-32KGYaC3A_FEUCk1Bt0JA37zP0wrStgmdCaW-0";
    let file = json!({"url": mxc, "v": "v2", "key": {"kty": "oct", "alg": "A256CTR", "k": key},
        "iv": "w+sE15fzSc0AAAAAAAAAAA", "hashes": {"sha256": "fdSLu/YkRx3Wyh3KQabP3rd6+SFiKg5lsJZQHtkSAYA"}});
    let room = &world.room_id;
    let mut links = Vec::new();
    for body in [
        json!({"mxc": mxc, "content_token": token, "room_id": room}),
        json!({"mxc": mxc, "content_token": token, "room_id": room, "form": "self_contained"}),
        json!({"mxc": mxc, "content_token": wrong, "room_id": room, "event_id": "$wrong"}),
        json!({"file": file, "content_token": token, "room_id": room, "event_id": "$file"}),
        json!({"mxc": "mxc://example.org/none", "room_id": room}),
        json!({"mxc": mxc, "content_token": token, "room_id": room, "lifetime_ms": 1, "event_id": "$short"}),
        json!({"mxc": mxc, "content_token": token, "room_id": "!unknown:example.org"}),
    ] {
        links.push(process.issue(body).await);
    }
    // Texts of a room that is encrypted, and of one that is not.
    let closed = world.new_room().await;
    let path = format!("/_matrix/client/v3/rooms/{closed}/state/m.room.encryption/");
    let content = json!({"algorithm": "m.megolm.v1.aes-sha2"});
    assert_eq!(world.as_alice(Method::PUT, &path, &content).await.0, 200);
    let text = "words-that-nobody-writes-down";
    let mut secrets = vec![text.to_owned()];
    let database = Database::open(&process.folder.join("data/medialink.db"), Opener::Command)
        .await
        .expect("opens");
    for room in [room, &closed] {
        let body = json!({"text": format!("{text}\n{room}"), "room_id": room, "filename": "a.rs"});
        let (status, link) = process
            .call(Method::POST, "/v1/pastes", &body)
            .await
            .expect("an answer");
        assert_eq!(status, 201, "{link}");
        let id = link["link_id"].as_str().expect("an ID");
        let row = medialink::storage::links::find(database.reader(), id)
            .await
            .expect("reads");
        let claims = row.expect("a link").claims;
        let token = claims.content_token.as_ref().expect("a token");
        secrets.push(token.expose().to_owned());
        assert_eq!(claims.file.is_some(), *room == closed);
        if let Some(file) = &claims.file {
            secrets.extend([
                STANDARD_NO_PAD.encode(file.key),
                URL_SAFE_NO_PAD.encode(file.key),
            ]);
            let numbers = format!("{:?}", file.key);
            secrets.push(numbers.trim_matches(['[', ']']).to_owned());
            secrets.push(STANDARD_NO_PAD.encode(&file.iv[..8])[..10].to_owned());
        }
        links.push(link);
    }
    let mut written = String::new();
    for link in &links {
        for target in [
            url(link),
            format!("{}x", url(link)),
            url(link).replace("/m/", "/v/"),
        ] {
            for accept in ["text/html", "*/*"] {
                let response = process
                    .client
                    .get(&target)
                    .header("Accept", accept)
                    .send()
                    .await
                    .expect("an answer");
                let is_error = !response.status().is_success();
                let body = response.text().await.unwrap_or_default();
                if is_error {
                    written.push_str(&body);
                }
            }
        }
    }
    for (path, body) in [
        (
            "/v1/links",
            json!({"mxc": mxc, "room_id": room, "content_token": 1_234_509_876}),
        ),
        (
            "/v1/links",
            json!({"mxc": mxc, "room_id": room, "content_token": "not allowed token"}),
        ),
        (
            "/v1/links",
            json!({"mxc": mxc, "room_id": room, "file": {"key": key}}),
        ),
        (
            "/v1/links",
            json!({"mxc": mxc, "room_id": 5, "content_token": token}),
        ),
        ("/v1/pastes", json!({"text": text, "room_id": 5})),
        (
            "/v1/pastes",
            json!({"text": text, "room_id": "r", "language": text}),
        ),
        ("/v1/pastes", json!({"text": [text], "room_id": room})),
    ] {
        let (status, told) = process
            .call(Method::POST, path, &body)
            .await
            .expect("an answer");
        assert_eq!(status, 400);
        written.push_str(&told.to_string());
    }
    process
        .call(
            Method::DELETE,
            &format!("/v1/links/{}", links[0]["link_id"].as_str().expect("ID")),
            &json!({}),
        )
        .await;
    process.drained().await;
    let _gone = world.stop_homeserver().await;
    written.push_str(
        &process
            .client
            .get(url(&links[1]))
            .send()
            .await
            .expect("an answer")
            .text()
            .await
            .expect("text"),
    );
    written.push_str(
        &process
            .client
            .get(format!("{}/metrics", process.internal))
            .send()
            .await
            .expect("metrics")
            .text()
            .await
            .expect("text"),
    );
    let piped = process.run_with_input(&["inspect", "-"], &url(&links[1]));
    assert!(piped.status.success());
    for output in [
        piped,
        process.run_with_input(&["inspect", "-"], &format!("{}x", url(&links[1]))),
        process.run(&["usage", "list"]),
        process.run(&["keys", "list"]),
        process.run(&["keys", "rotate"]),
        process.run(&["check"]),
        process.run(&["keys", "retire", "1"]),
    ] {
        written.push_str(&String::from_utf8_lossy(&output.stdout));
        written.push_str(&String::from_utf8_lossy(&output.stderr));
    }
    process.terminate().await;
    let log = process.log();
    assert!(
        log.contains(links[0]["link_id"].as_str().expect("ID")),
        "the log names links by their ID"
    );
    assert!(log.contains("/m/{token}"), "and routes by their pattern");
    written.push_str(&log);

    let keys = std::fs::read_to_string(process.folder.join("data/link-keys.yaml")).expect("keys");
    let keys: Vec<String> = keys
        .lines()
        .filter_map(|line| line.trim().strip_prefix("secret: "))
        .map(|s| s.trim_matches('"').to_owned())
        .collect();
    assert_eq!(keys.len(), 2);
    secrets.extend(keys);
    secrets.extend(
        [
            API_TOKEN,
            AS_TOKEN,
            HS_TOKEN,
            &token,
            wrong,
            key,
            "fdSLu/YkRx3W",
            "w+sE15fzSc0",
            "1234509876",
            "not allowed token",
        ]
        .map(str::to_owned),
    );
    for link in &links {
        let url = url(link).replacen("/a.rs", "", 1);
        secrets.push(url.rsplit('/').next().expect("a token").to_owned());
    }
    for secret in secrets {
        if let Some(at) = written.find(&secret) {
            let from = written.floor_char_boundary(at.saturating_sub(300));
            panic!("a secret was written, after: {}", &written[from..at]);
        }
    }
}
