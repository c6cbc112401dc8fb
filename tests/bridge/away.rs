//! A homeserver that cannot be connected to is remembered as away, and noticed when it is back.

use std::net::SocketAddr;

use reqwest::StatusCode;
use serde_json::{Value, json};
use support::{Process, client, eventually, patiently, process::free_port, url};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpSocket, TcpStream},
    task::JoinHandle,
};

const QUIET: &str = "usage: {mode: never, touch: never}";

/// A homeserver that answers everything with a few bytes.
fn serve(listener: TcpListener) -> JoinHandle<()> {
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(async move { drop(talk(stream).await) });
        }
    })
}

async fn talk(mut stream: TcpStream) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    let answer = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}";
    stream.write_all(answer.as_bytes()).await?;
    stream.shutdown().await
}

async fn metric(process: &Process, name: &str) -> f64 {
    let url = format!("{}/metrics", process.internal);
    let text = process.client.get(url).send().await.expect("an answer");
    let text = text.text().await.expect("a text");
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(&format!("{name} ")));
    line.map_or(0.0, |value| value.parse().expect("a number"))
}

async fn ready(process: &Process) -> StatusCode {
    let url = format!("{}/ready", process.internal);
    process
        .client
        .get(url)
        .send()
        .await
        .expect("an answer")
        .status()
}

fn body(n: usize) -> Value {
    json!({"mxc": format!("mxc://example.org/m{n}"), "room_id": format!("!r{n}:example.org")})
}

async fn status(link: &Value) -> StatusCode {
    client()
        .get(url(link))
        .send()
        .await
        .expect("an answer")
        .status()
}

#[tokio::test]
async fn issues_do_not_try_to_reach_a_homeserver_that_is_away_and_follows_do() {
    let address = SocketAddr::from(([127, 0, 0, 1], free_port()));
    let folder = tempfile::tempdir().expect("a folder");
    let mut process = Process::new(folder.path(), &format!("http://{address}"), QUIET);
    process.start().await;
    let mut links = Vec::new();
    eventually("issues that ask nobody", async || {
        links.push(process.issue(body(links.len())).await);
        (metric(&process, "medialink_homeserver_skipped_total").await >= 5.0).then_some(())
    })
    .await;
    assert_eq!(metric(&process, "medialink_homeserver_away").await, 1.0);
    assert_eq!(ready(&process).await, 503);
    assert_eq!(status(&links[0]).await, 502);
    let homeserver = serve(TcpListener::bind(address).await.expect("its port"));
    assert_eq!(status(&links[1]).await, 200, "at once");
    assert_eq!(metric(&process, "medialink_homeserver_away").await, 0.0);
    assert_eq!(ready(&process).await, 200);
    homeserver.abort();
}

#[tokio::test]
async fn nobody_waits_for_a_homeserver_that_says_nothing_but_one() {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.bind(([127, 0, 0, 1], 0).into()).expect("a port");
    // With its few places taken, whoever connects hears nothing.
    let listener = socket.listen(1).expect("listens");
    let address = listener.local_addr().expect("bound");
    let mut taken = Vec::new();
    let a_while = std::time::Duration::from_millis(500);
    while let Ok(stream) = tokio::time::timeout(a_while, TcpStream::connect(address)).await {
        taken.push(stream.expect("connects"));
        assert!(taken.len() < 100, "its places have no end");
    }
    let folder = tempfile::tempdir().expect("a folder");
    let mut process = Process::new(folder.path(), &format!("http://{address}"), QUIET);
    // Longer than an issue waits for a room.
    let file = folder.path().join("bridge.yaml");
    let text = std::fs::read_to_string(&file).expect("reads");
    let text = text.replacen("connect: 2s", "connect: 5s", 1);
    std::fs::write(&file, text).expect("written");
    process.start().await;
    let mut links = Vec::new();
    eventually("issues that do not wait", async || {
        links.push(process.issue(body(links.len())).await);
        (metric(&process, "medialink_homeserver_skipped_total").await >= 5.0).then_some(())
    })
    .await;
    let link = &links[0];
    let before = metric(&process, "medialink_homeserver_skipped_total").await;
    eventually("follows that do not wait", async || {
        assert_eq!(status(link).await, 502);
        let now = metric(&process, "medialink_homeserver_skipped_total").await;
        (now >= before + 5.0).then_some(())
    })
    .await;
    assert_eq!(metric(&process, "medialink_homeserver_away").await, 1.0);
    drop(taken);
    let homeserver = serve(listener);
    patiently("the homeserver to be noticed", async || {
        (status(link).await == 200).then_some(())
    })
    .await;
    assert_eq!(metric(&process, "medialink_homeserver_away").await, 0.0);
    homeserver.abort();
}
