//! Requests that are not finished, and connections that carry none at all.

use std::{io::ErrorKind, time::Duration};

use serde_json::json;
use support::{API_TOKEN, HS_TOKEN, Process, World, answer, eventually};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

async fn connected(url: &str) -> TcpStream {
    let rest = url.strip_prefix("http://").expect("http");
    let address = rest.split('/').next().expect("an address");
    TcpStream::connect(address).await.expect("connects")
}

/// Begins a request of a thousand bytes, and sends a few of them once somebody reads it.
async fn begun(internal: &str, line: &str, token: &str) -> TcpStream {
    let mut stream = connected(internal).await;
    let head = format!(
        "{line} HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n\
         Content-Length: 1000\r\nExpect: 100-continue\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.expect("sent");
    let mut go_on = [0; 25];
    stream.read_exact(&mut go_on).await.expect("an answer");
    assert_eq!(&go_on, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(b"{\"events\": [").await.expect("sent");
    stream
}

#[tokio::test]
async fn connections_that_die_in_a_body_hold_up_no_transaction_and_are_let_go() {
    let world = World::new().await;
    let service = world.service("usage: {mode: never, touch: never}").await;
    let link = json!({"mxc": "mxc://example.org/abc", "room_id": world.room_id, "event_id": "$a"});
    let link = service.issue(link).await;
    let mut dying = Vec::new();
    for n in 0..3 {
        let line = format!("PUT /_matrix/app/v1/transactions/dying{n}");
        dying.push(begun(&service.internal, &line, HS_TOKEN).await);
    }
    for line in ["POST /v1/links", "POST /v1/links/batch", "POST /v1/events"] {
        dying.push(begun(&service.internal, line, API_TOKEN).await);
    }
    let ping = "POST /_matrix/app/v1/ping";
    dying.push(begun(&service.internal, ping, HS_TOKEN).await);
    let redaction = json!({"type": "m.room.redaction", "event_id": "$r", "room_id": world.room_id,
        "sender": "@a:example.org", "redacts": "$a", "content": {"redacts": "$a"}});
    let url = format!("{}/_matrix/app/v1/transactions/whole", service.internal);
    let told = service.client.put(url).bearer_auth(HS_TOKEN);
    let (status, told) = answer(told.json(&json!({"events": [redaction]}))).await;
    assert_eq!(status, 200, "{told}");
    // Not only because they were let go.
    for stream in &dying[..3] {
        let unread = stream.try_read(&mut [0]).map_err(|error| error.kind());
        assert_eq!(unread, Err(ErrorKind::WouldBlock));
    }
    assert_eq!(service.link(&link).await["state"], "redacted");
    for mut stream in dying {
        let mut told = String::new();
        stream.read_to_string(&mut told).await.expect("an answer");
        assert!(told.starts_with("HTTP/1.1 408 "), "{told}");
        assert!(told.to_lowercase().contains("connection: close"), "{told}");
    }
    service.stop().await;
}

/// Bytes that are no HTTP request.
fn nonsense() -> Vec<Vec<u8>> {
    let head = |text: &str| text.as_bytes().to_vec();
    let long = "x".repeat(300_000);
    vec![
        b"\x00\x01\x02\xff\xfe\r\n\r\n".to_vec(),
        // A TLS handshake that begins.
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03abcdefghijklmnopqrstuvwxyz".to_vec(),
        b"SSH-2.0-OpenSSH_9.6\r\n".to_vec(),
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(),
        head("GET / HTTP/9.9\r\n\r\n"),
        head("GET /\r\n\r\n"),
        head("GET / HTTP/1.1\r\nno colon\r\n\r\n"),
        head("GET / HTTP/1.1\r\nHost: h\r\nContent-Length: many\r\n\r\n"),
        head("GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"),
        head("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
        head(&format!("GET /{long} HTTP/1.1\r\nHost: h\r\n\r\n")),
        head(&format!(
            "GET / HTTP/1.1\r\nHost: h\r\nX-Long: {long}\r\n\r\n"
        )),
        head(&format!("GET / HTTP/1.1\r\n{}\r\n", "A: b\r\n".repeat(500))),
        head("GET / HTTP/1.1\r\nHost: h"),
    ]
}

#[tokio::test]
async fn what_is_no_http_is_no_error_of_the_service() {
    for level in ["info", "info,medialink=debug"] {
        let world = World::new().await;
        let folder = tempfile::tempdir().expect("a folder");
        let more = "usage: {mode: never, touch: never}";
        let mut process = Process::new(folder.path(), &world.url, more);
        process.start_with_log_level(level).await;
        for url in [&process.public, &process.internal] {
            for bytes in nonsense() {
                let mut stream = connected(url).await;
                // It may be closed before all of it is sent.
                drop(stream.write_all(&bytes).await);
                drop(stream.shutdown().await);
                let mut told = Vec::new();
                let read = stream.read_to_end(&mut told);
                drop(
                    tokio::time::timeout(Duration::from_secs(30), read)
                        .await
                        .expect("an end"),
                );
                let told = String::from_utf8_lossy(&told);
                let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(40)]);
                assert!(
                    told.is_empty()
                        || told.starts_with("HTTP/1.1 4")
                        || told.starts_with("HTTP/1.0 4"),
                    "{shown:?}: {told}"
                );
            }
        }
        process.healthy().await;
        // Lines are written in their order.
        let marked = format!("{}/no-such-path", process.public);
        process.client.get(marked).send().await.expect("an answer");
        eventually("the last line", async || {
            process.log().contains("\"status\":404").then_some(())
        })
        .await;
        let log = process.log();
        assert!(!log.contains("\"level\":\"ERROR\""), "{log}");
        let is_told = log.contains("it carried no valid HTTP");
        assert_eq!(is_told, level.contains("debug"), "{log}");
    }
}
