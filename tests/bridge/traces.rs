//! Traces of requests arrive at a collector, and are handed on to the homeserver. The collector is a listener of the test:
//! Debian has none.

use std::sync::{Arc, Mutex};

use serde_json::json;
use support::{
    Process, eventually,
    raw::{RawServer, say_all},
    url,
};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

/// Takes what is sent to it.
struct Collector {
    url: String,
    taken: Arc<Mutex<Vec<u8>>>,
}

impl Collector {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("bound");
        let taken = Arc::<Mutex<Vec<u8>>>::default();
        let all = Arc::clone(&taken);
        tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                tokio::spawn(take(connection, Arc::clone(&all)));
            }
        });
        Self {
            url: format!("http://{address}/v1/traces"),
            taken,
        }
    }

    fn has(&self, bytes: &[u8]) -> bool {
        let taken = self.taken.lock().expect("bytes");
        taken.windows(bytes.len()).any(|window| window == bytes)
    }
}

/// Answers each request of a connection, and notes what it was sent.
async fn take(connection: TcpStream, all: Arc<Mutex<Vec<u8>>>) -> std::io::Result<()> {
    let mut connection = BufReader::new(connection);
    loop {
        let mut length = 0;
        loop {
            let mut line = String::new();
            if connection.read_line(&mut line).await? == 0 {
                return Ok(());
            }
            let line = line.trim().to_ascii_lowercase();
            if let Some(told) = line.strip_prefix("content-length: ") {
                length = told.parse().expect("a number");
            }
            if line.is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        connection.read_exact(&mut body).await?;
        all.lock().expect("bytes").extend(body);
        connection
            .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            .await?;
    }
}

fn trace_id() -> Vec<u8> {
    let byte = |place| u8::from_str_radix(&TRACE[place..place + 2], 16).expect("hexadecimal");
    (0..TRACE.len()).step_by(2).map(byte).collect()
}

/// A homeserver that has one medium, a service with these settings, and the follow of a link that is part of a trace.
async fn followed(more: &str) -> (RawServer, Process, tempfile::TempDir, String) {
    let homeserver =
        RawServer::start(|_| say_all("200 OK\r\nContent-Type: text/plain", "hello")).await;
    let folder = tempfile::tempdir().expect("a folder");
    let more = format!("usage: {{mode: never, touch: never}}\n{more}");
    let mut process = Process::new(folder.path(), &homeserver.url, &more);
    process.start().await;
    let body = json!({"mxc": "mxc://example.org/abc", "room_id": "!r:example.org"});
    let link = process.issue(body).await;
    let follow = process.client.get(url(&link));
    let follow = follow.header("traceparent", format!("00-{TRACE}-00f067aa0ba902b7-01"));
    let answer = follow.send().await.expect("an answer");
    assert_eq!(answer.text().await.expect("text"), "hello");
    let token = url(&link).split('/').nth(4).expect("a token").to_owned();
    (homeserver, process, folder, token)
}

fn heads_of_trace(homeserver: &RawServer) -> usize {
    let heads = homeserver.heads();
    let handed_on = format!("traceparent: 00-{TRACE}-");
    heads
        .iter()
        .filter(|head| head.contains(&handed_on))
        .count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_a_span_and_its_trace_is_handed_on() {
    let collector = Collector::start().await;
    let more = format!("traces: {{endpoint: '{}', share: 1}}", collector.url);
    let (homeserver, mut process, _folder, token) = followed(&more).await;
    assert_eq!(heads_of_trace(&homeserver), 1);
    // The last ones are sent at the end.
    assert!(process.terminate().await.success());
    eventually("the span to arrive", async || {
        collector.has(&trace_id()).then_some(())
    })
    .await;
    for text in [
        "GET /m/{token}",
        "POST /v1/links",
        "http.response.status_code",
        "medialink",
    ] {
        assert!(collector.has(text.as_bytes()), "{text}");
    }
    assert!(!collector.has(token.as_bytes()));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_collector_nothing_is_traced() {
    let (homeserver, mut process, _folder, _) = followed("").await;
    assert_eq!(heads_of_trace(&homeserver), 0);
    assert!(process.terminate().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_is_away_costs_no_request() {
    let more = "traces: {endpoint: 'http://127.0.0.1:9/v1/traces', share: 1}";
    let (_homeserver, mut process, _folder, _) = followed(more).await;
    assert!(process.terminate().await.success());
}
