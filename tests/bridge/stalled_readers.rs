//! Readers that take nothing are let go; readers that take a little all the time stay.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use medialink::clock::Clock;
use serde_json::json;
use support::{Service, World, eventually, process::generate, url};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpSocket, TcpStream},
};

const LENGTH: u64 = 64 << 20;

async fn start(folder: &std::path::Path, homeserver: &str, more: &str) -> Service {
    let more = format!("usage: {{mode: never, touch: never}}\n{more}");
    let edit = |text: String| {
        let listen = "listen: {public: 127.0.0.1:0, internal: 127.0.0.1:0}";
        assert!(text.contains(listen), "{text}");
        text.replace(
            listen,
            "listen: {public: 127.0.0.1:0, internal: 127.0.0.1:0, send_timeout: 1s}",
        )
    };
    Service::start_edited(folder, homeserver, "", &more, &Clock::default(), edit).await
}

/// Asks for a URL over a connection with a small buffer, and reads nothing yet.
async fn ask(url: &str) -> TcpStream {
    let rest = url.strip_prefix("http://").expect("http");
    let (address, path) = rest.split_once('/').expect("a path");
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_recv_buffer_size(4096).expect("small");
    let stream = socket.connect(address.parse().expect("an address"));
    let mut stream = stream.await.expect("connects");
    let request = format!("GET /{path} HTTP/1.1\r\nHost: {address}\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("sent");
    stream
}

/// A homeserver that sends endless media, and counts the connections on which it does.
async fn homeserver(sending: Arc<AtomicUsize>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("bound");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let sending = Arc::clone(&sending);
            tokio::spawn(async move {
                // It ends when the service closes the connection.
                let _ = talk(stream, &sending).await;
            });
        }
    });
    format!("http://{address}")
}

async fn talk(mut stream: TcpStream, sending: &AtomicUsize) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    if !String::from_utf8_lossy(&head).contains("/media/download/") {
        let none = "HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}";
        return stream.write_all(none.as_bytes()).await;
    }
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {LENGTH}\r\n\r\n");
    stream.write_all(head.as_bytes()).await?;
    sending.fetch_add(1, Ordering::SeqCst);
    let piece = vec![7; 1 << 16];
    let sent = async {
        loop {
            stream.write_all(&piece).await?;
        }
    };
    let ended: std::io::Result<()> = sent.await;
    sending.fetch_sub(1, Ordering::SeqCst);
    ended
}

#[tokio::test]
async fn a_reader_that_takes_nothing_is_let_go_with_its_connection_to_the_homeserver() {
    let sending = Arc::new(AtomicUsize::new(0));
    let homeserver = homeserver(Arc::clone(&sending)).await;
    let folder = tempfile::tempdir().expect("a folder");
    let service = start(folder.path(), &homeserver, "media: {cache: null}").await;
    let link = json!({"mxc": "mxc://example.org/abc", "room_id": "!r:example.org"});
    let link = url(&service.issue(link).await);
    let mut stalled = Vec::new();
    for _ in 0..5 {
        stalled.push(ask(&link).await);
    }
    eventually("the homeserver sends to each", async || {
        (sending.load(Ordering::SeqCst) == 5).then_some(())
    })
    .await;
    eventually("all are let go", async || {
        (sending.load(Ordering::SeqCst) == 0).then_some(())
    })
    .await;
    for mut stream in stalled {
        let mut taken = Vec::new();
        // A reset is an end as well.
        let _ = stream.read_to_end(&mut taken).await;
        assert!((taken.len() as u64) < LENGTH, "cut, and visibly so");
    }
    service.stop().await;
}

#[tokio::test]
async fn a_reader_out_of_the_cache_is_let_go_as_well() {
    let world = World::new().await;
    let (mxc, token) = generate(&world.homeserver, LENGTH, "video/mp4").await;
    let service = start(world.folder.path(), &world.url, "").await;
    let link = json!({"mxc": mxc, "content_token": token, "room_id": world.room_id});
    let link = url(&service.issue(link).await);
    let whole = service.client.get(&link).send().await.expect("an answer");
    assert_eq!(whole.bytes().await.expect("whole").len() as u64, LENGTH);
    let mut stalled = ask(&link).await;
    let ended = async || {
        // The end shows without reading: nothing can be sent on a connection that was reset.
        stalled.write_all(b" ").await.err().map(drop)
    };
    eventually_with(ended).await;
    service.stop().await;
}

/// Waits for a reader to be let go.
async fn eventually_with(mut ended: impl AsyncFnMut() -> Option<()>) {
    let waiting = async {
        while ended().await.is_none() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), waiting)
        .await
        .expect("the reader is let go");
}

#[tokio::test]
async fn a_reader_that_takes_a_little_all_the_time_stays() {
    let sending = Arc::new(AtomicUsize::new(0));
    let homeserver = homeserver(Arc::clone(&sending)).await;
    let folder = tempfile::tempdir().expect("a folder");
    let service = start(folder.path(), &homeserver, "media: {cache: null}").await;
    let link = json!({"mxc": "mxc://example.org/abc", "room_id": "!r:example.org"});
    let mut slow = ask(&url(&service.issue(link).await)).await;
    // Far longer than the deadline, and far less than the socket needs to count as writable.
    let mut buffer = vec![0; 4096];
    for _ in 0..160 {
        for _ in 0..4 {
            slow.read_exact(&mut buffer).await.expect("still sending");
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(sending.load(Ordering::SeqCst), 1);
    drop(slow);
    service.stop().await;
}
