//! Connections to the homeserver, and whether they are used again.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use reqwest::Method;
use serde_json::json;
use support::{Service, client, url};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";

/// A homeserver that answers all requests of a connection, and counts the connections that have
/// asked for media.
async fn homeserver(connections: Arc<AtomicUsize>, redirects: bool) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("bound");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let connections = Arc::clone(&connections);
            tokio::spawn(async move {
                // The service may close it at any time.
                let _ = talk(stream, &connections, redirects).await;
            });
        }
    });
    format!("http://{address}")
}

async fn talk(
    mut stream: TcpStream,
    connections: &AtomicUsize,
    redirects: bool,
) -> std::io::Result<()> {
    let mut is_counted = false;
    loop {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await?);
        }
        let head = String::from_utf8_lossy(&head).into_owned();
        let is_media = head.contains("/media/download/") || head.contains("/cdn/");
        if is_media && !is_counted {
            is_counted = true;
            connections.fetch_add(1, Ordering::SeqCst);
        }
        let (status, body) = match () {
            () if !is_media => ("404 Not Found", &b"{\"errcode\": \"M_NOT_FOUND\"}"[..]),
            () if redirects && !head.contains("/cdn/") => (
                "307 Temporary Redirect\r\nLocation: /cdn/x",
                &b"you are sent elsewhere"[..],
            ),
            () if head.contains("range: bytes=9000") => (
                "416 Range Not Satisfiable\r\nContent-Range: bytes */16",
                &b"there is none"[..],
            ),
            () => ("200 OK\r\nContent-Type: image/png", PNG),
        };
        let head_of_answer = format!(
            "HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(head_of_answer.as_bytes()).await?;
        if !head.starts_with("HEAD") {
            stream.write_all(body).await?;
        }
    }
}

/// Each worker of the service has connections of its own, so more than these are made anew.
fn most() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

#[tokio::test]
async fn connections_are_used_again_whatever_was_asked() {
    for redirects in [false, true] {
        let connections = Arc::new(AtomicUsize::new(0));
        let url_of_it = homeserver(Arc::clone(&connections), redirects).await;
        let folder = tempfile::tempdir().expect("a folder");
        let more = "usage: {mode: never, touch: never}\nmedia: {cache: null}";
        let service = Service::start(folder.path(), &url_of_it, more).await;
        let link = json!({"mxc": "mxc://example.org/abc", "room_id": "!r:example.org"});
        let link = url(&service.issue(link).await);
        for _ in 0..5 {
            for (method, name, value, status) in [
                (Method::HEAD, "accept", "*/*", 200),
                (Method::GET, "if-none-match", "*", 304),
                (Method::GET, "if-match", "\"other\"", 412),
                (Method::GET, "range", "bytes=0-1", 206),
                (Method::GET, "range", "bytes=9000-", 416),
                (Method::GET, "accept", "*/*", 200),
            ] {
                let request = client().request(method, &link).header(name, value);
                let response = request.send().await.expect("an answer");
                assert_eq!(response.status(), status, "{name}: {value}");
                response.bytes().await.expect("whole");
            }
        }
        let made = connections.load(Ordering::SeqCst);
        assert!(made <= most(), "{made} connections");
        service.stop().await;
    }
}
