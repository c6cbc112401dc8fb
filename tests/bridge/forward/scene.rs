//! A bridge that writes down every byte, and a service in front of it.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

use support::{BOT, Service, World};

/// What the bridge behind expects to be shown.
pub const OWN_TOKEN: &str = "token-of-the-bridge-behind";

/// A request as the bridge has got it.
#[derive(Clone)]
pub struct Seen {
    pub line: String,
    pub head: String,
    pub body: Vec<u8>,
}

/// A bridge that writes down every byte, and answers what it is told to.
pub struct BridgeBehind {
    pub address: SocketAddr,
    /// What it answers; `None`: it hangs up before it has read anything.
    say: Arc<Mutex<Option<String>>>,
    seen: Arc<Mutex<Vec<Seen>>>,
    running: JoinHandle<()>,
}

impl BridgeBehind {
    pub async fn start(say: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("bound");
        let seen = Arc::new(Mutex::new(Vec::new()));
        let say = Arc::new(Mutex::new(Some(say.to_owned())));
        let (log, words) = (Arc::clone(&seen), Arc::clone(&say));
        let running = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let Some(say) = words.lock().expect("no panic").clone() else {
                    continue;
                };
                let log = Arc::clone(&log);
                // Whoever asks may go before the end.
                tokio::spawn(async move { drop(talk(stream, &log, &say).await) });
            }
        });
        Self {
            address,
            say,
            seen,
            running,
        }
    }

    pub fn says(&self, say: Option<&str>) {
        *self.say.lock().expect("no panic") = say.map(str::to_owned);
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().expect("no panic").clone()
    }

    pub fn last(&self) -> Seen {
        self.seen().pop().expect("a request")
    }

    pub fn transactions(&self) -> usize {
        let seen = self.seen();
        seen.iter()
            .filter(|one| one.line.contains("/transactions/"))
            .count()
    }
}

impl Drop for BridgeBehind {
    fn drop(&mut self) {
        self.running.abort();
    }
}

async fn talk(mut stream: TcpStream, log: &Mutex<Vec<Seen>>, say: &str) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let length = head
        .lines()
        .filter_map(|line| line.split_once(": "))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .map_or(0, |(_, value)| value.parse().expect("a number"));
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    let line = head.lines().next().unwrap_or_default().to_owned();
    log.lock()
        .expect("no panic")
        .push(Seen { line, head, body });
    stream.write_all(say.as_bytes()).await?;
    stream.shutdown().await
}

pub const OK: &str = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}";

/// A service in front of a bridge at this address.
pub async fn in_front_of(world: &World, address: SocketAddr, more: &str) -> Service {
    in_front_of_with(world, &world.url, address, more).await
}

/// The same, with another way to the homeserver.
pub async fn in_front_of_with(
    world: &World,
    homeserver: &str,
    address: SocketAddr,
    more: &str,
) -> Service {
    let forward = format!(
        "user_id: '{BOT}', forward_to: 'http://{address}', forward_hs_token: {OWN_TOKEN}}}"
    );
    Service::start_edited(
        world.folder.path(),
        homeserver,
        "",
        more,
        &medialink::clock::Clock::default(),
        |text| text.replacen(&format!("user_id: '{BOT}'}}"), &forward, 1),
    )
    .await
}

/// A request to the byte; the whole answer as text.
pub async fn raw_request(
    service: &Service,
    method: &str,
    target: &str,
    body: &str,
    headers: &str,
) -> String {
    let address = service.internal.strip_prefix("http://").expect("http");
    let mut stream = TcpStream::connect(address).await.expect("connects");
    let text = format!(
        "{method} {target} HTTP/1.1\r\nHost: {address}\r\nConnection: close, x-hop\r\nX-Hop: 1\r\n\
         X-Kept: as it is\r\nContent-Length: {}\r\n{headers}\r\n{body}",
        body.len()
    );
    stream.write_all(text.as_bytes()).await.expect("sent");
    let mut told = String::new();
    stream.read_to_string(&mut told).await.expect("an answer");
    told
}
