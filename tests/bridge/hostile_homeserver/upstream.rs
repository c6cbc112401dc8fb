//! A homeserver that answers by a script, to the byte.

use std::sync::{Arc, Mutex};

use support::raw::asks_for_policy;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

pub type Script = dyn Fn(&str) -> Vec<u8> + Send + Sync;

/// Answers each request with the bytes that a script makes of its head.
pub struct Upstream {
    pub url: String,
    pub heads: Arc<Mutex<Vec<String>>>,
    pub task: JoinHandle<()>,
}

impl Upstream {
    /// `hold`: the connection is kept open after the answer.
    pub async fn start(
        hold: bool,
        script: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("bound"));
        let heads = Arc::new(Mutex::new(Vec::new()));
        let (script, seen): (Arc<Script>, _) = (Arc::new(script), Arc::clone(&heads));
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer(stream, Arc::clone(&script), Arc::clone(&seen), hold));
            }
        });
        Self { url, heads, task }
    }

    /// The heads of the requests for media.
    pub fn downloads(&self) -> Vec<String> {
        self.heads
            .lock()
            .expect("heads")
            .iter()
            .filter(|head| head.contains("download"))
            .cloned()
            .collect()
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.task.abort();
    }
}

pub async fn answer(
    mut stream: TcpStream,
    script: Arc<Script>,
    heads: Arc<Mutex<Vec<String>>>,
    hold: bool,
) {
    let mut head = Vec::new();
    let mut byte = [0; 1];
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read(&mut byte).await {
            Ok(1) => head.push(byte[0]),
            _ => return,
        }
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    if asks_for_policy(&head) {
        let none = response(404, "", "{\"errcode\": \"M_NOT_FOUND\"}");
        // Whoever has asked may have gone.
        drop(stream.write_all(&none).await);
        return;
    }
    heads.lock().expect("heads").push(head.clone());
    if stream.write_all(&script(&head)).await.is_ok() && hold {
        tokio::time::sleep(std::time::Duration::from_secs(20)).await;
    }
}

pub fn ok(headers: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n{headers}\r\n{body}").into_bytes()
}

pub fn response(status: u16, headers: &str, body: &str) -> Vec<u8> {
    format!(
        "HTTP/1.1 {status} X\r\nContent-Length: {}\r\nConnection: close\r\n{headers}\r\n{body}",
        body.len()
    )
    .into_bytes()
}
