//! A reverse proxy that makes a good homeserver look bad: faults that a real one cannot be made to
//! show.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// What happens to one request.
#[derive(Debug, Clone)]
pub enum Fault {
    /// This answer, without asking the homeserver.
    Answer(u16, String),
    /// The same, with another line in its head.
    AnswerWith(u16, &'static str, String),
    /// The connection breaks; the homeserver never hears of it.
    DropBefore,
    /// The homeserver acts on it, but its answer is lost.
    DropAfter,
    /// The homeserver acts on it, and its answer never comes.
    HoldAfter,
}

/// Answers with a Matrix error.
pub fn error(status: u16, errcode: &str) -> Fault {
    Fault::Answer(
        status,
        format!("{{\"errcode\": \"{errcode}\", \"error\": \"a fault\"}}"),
    )
}

#[derive(Default)]
struct Plan {
    /// Faults for requests whose path holds the word, one after the other.
    faults: Mutex<Vec<(String, VecDeque<Fault>)>>,
    away: AtomicBool,
    /// How many answers are kept back from clients that still wait.
    held: AtomicUsize,
    /// Paths of the requests that held a word with faults.
    seen: Mutex<Vec<String>>,
}

/// The proxy. One request per connection, so that a break hits one request.
pub struct Faulty {
    pub url: String,
    plan: Arc<Plan>,
    task: JoinHandle<()>,
}

impl Faulty {
    pub async fn start(homeserver: &str) -> Self {
        let target = homeserver.trim_start_matches("http://").to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("bound"));
        let plan = Arc::new(Plan::default());
        let shared = Arc::clone(&plan);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                if shared.away.load(Ordering::Relaxed) {
                    continue;
                }
                tokio::spawn(handle(stream, target.clone(), Arc::clone(&shared)));
            }
        });
        Self { url, plan, task }
    }

    /// The next requests whose path holds `word` meet these faults.
    pub fn next(&self, word: &str, faults: impl IntoIterator<Item = Fault>) {
        self.plan
            .faults
            .lock()
            .expect("plan")
            .push((word.to_owned(), faults.into_iter().collect()));
    }

    /// How many answers are kept back now, from clients that have not given up.
    pub fn held(&self) -> usize {
        self.plan.held.load(Ordering::Relaxed)
    }

    /// No planned fault happens any more.
    pub fn forgive(&self) {
        self.plan.faults.lock().expect("plan").clear();
    }

    /// Whether every connection breaks at once.
    pub fn set_away(&self, away: bool) {
        self.plan.away.store(away, Ordering::Relaxed);
    }

    /// How many planned faults have not happened yet.
    pub fn left(&self) -> usize {
        self.plan
            .faults
            .lock()
            .expect("plan")
            .iter()
            .map(|(_, faults)| faults.len())
            .sum()
    }

    /// How many requests had a path with this word.
    pub fn seen(&self, word: &str) -> usize {
        self.plan
            .seen
            .lock()
            .expect("plan")
            .iter()
            .filter(|path| path.contains(word))
            .count()
    }
}

impl Drop for Faulty {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn handle(mut client: TcpStream, target: String, plan: Arc<Plan>) {
    let Some(request) = read_request(&mut client).await else {
        return;
    };
    let head = String::from_utf8_lossy(&request);
    let line = head.lines().next().unwrap_or_default().to_owned();
    plan.seen.lock().expect("plan").push(line.clone());
    let fault = {
        let mut faults = plan.faults.lock().expect("plan");
        let hit = faults
            .iter_mut()
            .find(|(word, faults)| line.contains(word.as_str()) && !faults.is_empty());
        hit.and_then(|(_, faults)| faults.pop_front())
    };
    match fault {
        Some(Fault::Answer(status, body)) => {
            answer(client, status, "X-Of: the proxy", &body).await;
        }
        Some(Fault::AnswerWith(status, header, body)) => {
            answer(client, status, header, &body).await;
        }
        Some(Fault::DropBefore) => {}
        Some(Fault::DropAfter) => drop(ask(&target, &request).await),
        Some(Fault::HoldAfter) => {
            plan.held.fetch_add(1, Ordering::Relaxed);
            drop(ask(&target, &request).await);
            let _ = client.read(&mut [0; 1]).await;
            plan.held.fetch_sub(1, Ordering::Relaxed);
        }
        None => {
            if let Some(answer) = ask(&target, &request).await {
                let _ = client.write_all(&answer).await;
            }
        }
    }
}

async fn answer(mut client: TcpStream, status: u16, header: &str, body: &str) {
    let answer = format!(
        "HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {}\r\n{header}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    let _ = client.write_all(answer.as_bytes()).await;
}

/// Hands a request on, as the only one of its connection.
async fn ask(target: &str, request: &[u8]) -> Option<Vec<u8>> {
    let text = String::from_utf8_lossy(request);
    let split = text.find("\r\n").unwrap_or(0);
    let mut upstream = TcpStream::connect(target).await.ok()?;
    upstream.write_all(&request[..split]).await.ok()?;
    upstream.write_all(b"\r\nConnection: close").await.ok()?;
    upstream.write_all(&request[split..]).await.ok()?;
    let mut answer = Vec::new();
    upstream.read_to_end(&mut answer).await.ok()?;
    Some(answer)
}

/// A whole request: head, and as much body as `Content-Length` says.
async fn read_request(client: &mut TcpStream) -> Option<Vec<u8>> {
    let mut request = Vec::new();
    let mut buffer = [0; 16_384];
    loop {
        let read = client
            .read(&mut buffer)
            .await
            .ok()
            .filter(|read| *read > 0)?;
        request.extend_from_slice(&buffer[..read]);
        let Some(end) = request.windows(4).position(|w| w == b"\r\n\r\n") else {
            continue;
        };
        let head = String::from_utf8_lossy(&request[..end]).to_ascii_lowercase();
        let length: usize = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok())
            .unwrap_or(0);
        if request.len() >= end + 4 + length {
            return Some(request);
        }
    }
}
