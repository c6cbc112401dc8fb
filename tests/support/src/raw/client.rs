//! A client that sees whether an answer came to its end.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// An answer as it came over the wire.
pub struct RawAnswer {
    /// 0: the connection ended before there was one.
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
    /// Whether the body came to the end that its framing promises.
    pub is_complete: bool,
}

/// Asks for a URL, and reads until the connection ends.
pub async fn get(url: &str) -> RawAnswer {
    request("GET", url, "").await
}

pub async fn request(method: &str, url: &str, headers: &str) -> RawAnswer {
    let bytes = bytes_of_answer(method, url, headers).await;
    let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else {
        return RawAnswer {
            status: 0,
            head: String::new(),
            body: Vec::new(),
            is_complete: false,
        };
    };
    let head = String::from_utf8_lossy(&bytes[..end]).to_lowercase();
    let (body, is_complete) = body_of(&head, &bytes[end + 4..]);
    RawAnswer {
        status: head
            .split(' ')
            .nth(1)
            .and_then(|code| code.parse().ok())
            .expect("a status"),
        head,
        body,
        is_complete,
    }
}

/// Everything that comes until the connection ends.
async fn bytes_of_answer(method: &str, url: &str, headers: &str) -> Vec<u8> {
    let rest = url.strip_prefix("http://").expect("http");
    let (address, path) = rest.split_once('/').expect("a path");
    let mut stream = TcpStream::connect(address).await.expect("connects");
    let text = format!(
        "{method} /{path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n{headers}\r\n"
    );
    stream.write_all(text.as_bytes()).await.expect("sent");
    let mut bytes = Vec::new();
    // A connection that is reset is one that has ended.
    let _ = tokio::time::timeout(Duration::from_secs(30), stream.read_to_end(&mut bytes))
        .await
        .expect("the answer ends, one way or another");
    bytes
}

/// The body behind this head, and whether it came to its end.
fn body_of(head: &str, raw: &[u8]) -> (Vec<u8>, bool) {
    let header = |name: &str| {
        head.lines()
            .filter_map(|line| line.split_once(": "))
            .find(|(key, _)| *key == name)
            .map(|(_, value)| value.trim().to_owned())
    };
    if header("transfer-encoding").as_deref() == Some("chunked") {
        dechunked(raw)
    } else {
        let length: Option<usize> = header("content-length").and_then(|text| text.parse().ok());
        (
            raw.to_vec(),
            length.is_none_or(|length| length == raw.len()),
        )
    }
}

/// The body of chunks, and whether the last chunk has come.
fn dechunked(mut raw: &[u8]) -> (Vec<u8>, bool) {
    let mut body = Vec::new();
    while let Some(end) = raw.windows(2).position(|window| window == b"\r\n") {
        let size = std::str::from_utf8(&raw[..end]).ok();
        let Some(size) = size.and_then(|text| usize::from_str_radix(text.trim(), 16).ok()) else {
            break;
        };
        raw = &raw[end + 2..];
        if size == 0 {
            return (body, raw == b"\r\n");
        }
        body.extend_from_slice(&raw[..size.min(raw.len())]);
        raw = raw.get(size + 2..).unwrap_or_default();
    }
    (body, false)
}
