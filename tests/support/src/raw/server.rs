//! A homeserver that says whatever a test wants, to the byte.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::Semaphore,
};

use crate::service::POLICY_EVENT_TYPE;

/// What a request gets.
pub enum Plan {
    /// These bytes, and then the end of the connection.
    Say(Vec<u8>),
    /// These bytes, and then nothing for a long time.
    SayAndWait(Vec<u8>),
    /// The first bytes once, and then the second ones for ever.
    SayForEver(Vec<u8>, Vec<u8>),
    /// The first bytes, and the rest once there is a permit.
    SayInTwo(Vec<u8>, Arc<Semaphore>, Vec<u8>),
}

/// An answer with a status line, headers and a body.
pub fn say(head: &str, body: impl AsRef<[u8]>) -> Plan {
    let mut bytes = format!("HTTP/1.1 {head}\r\nConnection: close\r\n\r\n").into_bytes();
    bytes.extend_from_slice(body.as_ref());
    Plan::Say(bytes)
}

/// An answer whose length is told.
pub fn say_all(head: &str, body: impl AsRef<[u8]>) -> Plan {
    let body = body.as_ref();
    say(&format!("{head}\r\nContent-Length: {}", body.len()), body)
}

/// A Matrix error.
pub fn say_error(status: &str, errcode: &str) -> Plan {
    say_all(
        &format!("{status}\r\nContent-Type: application/json"),
        format!("{{\"errcode\": \"{errcode}\", \"error\": \"told by the test\"}}"),
    )
}

/// Whether this is the head of a question for the link policy of a room.
pub fn asks_for_policy(head: &str) -> bool {
    head.contains(&format!("/state/{POLICY_EVENT_TYPE}"))
}

/// A server on a port of its own, and the heads of the requests for media that it has had.
pub struct RawServer {
    pub url: String,
    heads: Arc<Mutex<Vec<String>>>,
    running: tokio::task::JoinHandle<()>,
}

impl RawServer {
    /// `answer` is given the head of the request, in lower case. No room has a link policy.
    pub async fn start(answer: impl Fn(&str) -> Plan + Send + Sync + 'static) -> Self {
        Self::start_with_policies(move |head| {
            if asks_for_policy(head) {
                say_error("404 Not Found", "M_NOT_FOUND")
            } else {
                answer(head)
            }
        })
        .await
    }

    /// The same; `answer` is asked for the policies of rooms, too.
    pub async fn start_with_policies(
        answer: impl Fn(&str) -> Plan + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("bound"));
        let heads = Arc::new(Mutex::new(Vec::new()));
        let (seen, answer) = (Arc::clone(&heads), Arc::new(answer));
        let running = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (seen, answer) = (Arc::clone(&seen), Arc::clone(&answer));
                tokio::spawn(async move {
                    // The service may go before it has heard everything.
                    let _ = talk(stream, &seen, answer.as_ref()).await;
                });
            }
        });
        Self {
            url,
            heads,
            running,
        }
    }

    /// The heads of the requests so far, in lower case.
    pub fn heads(&self) -> Vec<String> {
        self.heads.lock().expect("no panic").clone()
    }
}

impl Drop for RawServer {
    fn drop(&mut self) {
        self.running.abort();
    }
}

async fn talk(
    mut stream: TcpStream,
    seen: &Mutex<Vec<String>>,
    answer: &(impl Fn(&str) -> Plan + Sync),
) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    let head = String::from_utf8_lossy(&head).to_lowercase();
    // What the service asks for at its start is none of a test's business.
    if head.contains("/appservice/") || head.starts_with("get /_matrix/client/versions ") {
        let Plan::Say(told) = say_error("404 Not Found", "M_UNRECOGNIZED") else {
            return Ok(());
        };
        stream.write_all(&told).await?;
        return stream.shutdown().await;
    }
    let plan = answer(&head);
    if !asks_for_policy(&head) {
        seen.lock().expect("no panic").push(head);
    }
    match plan {
        Plan::Say(bytes) => stream.write_all(&bytes).await?,
        Plan::SayAndWait(bytes) => {
            stream.write_all(&bytes).await?;
            tokio::time::sleep(Duration::from_secs(60)).await;
        }
        Plan::SayInTwo(first, gate, rest) => {
            stream.write_all(&first).await?;
            let opened = gate.acquire().await.expect("never closed");
            stream.write_all(&rest).await?;
            drop(opened);
        }
        Plan::SayForEver(first, then) => {
            stream.write_all(&first).await?;
            loop {
                stream.write_all(&then).await?;
            }
        }
    }
    stream.shutdown().await
}
