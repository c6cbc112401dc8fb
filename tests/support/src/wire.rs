//! A wire between a service and the server of its database, which a test can cut and mend.

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
    task::JoinHandle,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Whole,
    /// Nothing arrives, and nobody is told so.
    Silent,
    /// Whatever is open breaks, and so does what is opened.
    Cut,
}

/// A proxy for raw bytes.
pub struct Wire {
    /// Where it listens: address and port.
    pub address: String,
    target: watch::Sender<String>,
    state: watch::Sender<State>,
    task: JoinHandle<()>,
}

impl Wire {
    /// A wire to this address and port.
    pub async fn to(target: &str) -> Self {
        let (target, leads_to) = watch::channel(target.to_owned());
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("bound").to_string();
        let (state, seen) = watch::channel(State::Whole);
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(connect(client, leads_to.clone(), seen.clone()));
            }
        });
        Self {
            address,
            target,
            state,
            task,
        }
    }

    /// Breaks every connection, and those that are made from now on.
    pub fn cut(&self) {
        self.state.send_replace(State::Cut);
    }

    /// Leads to another address and port; whatever is open breaks.
    pub fn lead_to(&self, target: &str) {
        self.target.send_replace(target.to_owned());
    }

    /// Lets nothing pass; connections stay open.
    pub fn silence(&self) {
        self.state.send_replace(State::Silent);
    }

    /// Lets everything pass again; what was kept back as well.
    pub fn mend(&self) {
        self.state.send_replace(State::Whole);
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn connect(
    client: TcpStream,
    mut leads_to: watch::Receiver<String>,
    seen: watch::Receiver<State>,
) {
    if *seen.borrow() == State::Cut {
        return;
    }
    let target = leads_to.borrow_and_update().clone();
    let Ok(server) = TcpStream::connect(&target).await else {
        return;
    };
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    // Both break if one does.
    tokio::select! {
        _ = carry(from_client, to_server, seen.clone()) => {}
        _ = carry(from_server, to_client, seen) => {}
        _ = leads_to.changed() => {}
    }
}

/// Carries bytes on until either side, or the wire, breaks.
async fn carry(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut seen: watch::Receiver<State>,
) -> Option<()> {
    let mut cut = seen.clone();
    let mut buffer = [0; 16_384];
    loop {
        let read = tokio::select! {
            read = from.read(&mut buffer) => read.ok().filter(|read| *read > 0)?,
            _ = cut.wait_for(|state| *state == State::Cut) => return None,
        };
        let state = *seen.wait_for(|state| *state != State::Silent).await.ok()?;
        if state == State::Cut {
            return None;
        }
        to.write_all(&buffer[..read]).await.ok()?;
    }
}
