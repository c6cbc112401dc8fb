//! A running homeserver: its thread, its address and its end.

use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use actix_web::dev::ServerHandle;
use actix_web::{App, HttpServer, web};
use tokio::sync::oneshot;

use crate::dispatch::dispatch;
use crate::options::Options;
use crate::push;
use crate::server::Server;

/// A running homeserver. It stops when it is dropped, and its media goes with it.
pub struct EmbeddedHomeserver {
    address: SocketAddr,
    server: Arc<Server>,
    handle: ServerHandle,
    thread: Mutex<Option<JoinHandle<()>>>,
    _media: tempfile::TempDir,
}

impl fmt::Debug for EmbeddedHomeserver {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("EmbeddedHomeserver")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

impl EmbeddedHomeserver {
    /// Starts a homeserver in a thread of its own, and returns when it answers. It can be called
    /// from any tokio runtime, actix's among them.
    ///
    /// # Errors
    /// The address is taken, or there is no place for temporary files.
    pub async fn start(options: Options) -> io::Result<Self> {
        let media = tempfile::Builder::new()
            .prefix("matrix-test-server-")
            .tempdir()?;
        let client = reqwest::Client::builder().no_proxy().build();
        let client = client.map_err(io::Error::other)?;
        let listener = TcpListener::bind(options.bind)?;
        let address = listener.local_addr()?;
        let server = Arc::new(Server::new(options, media.path().to_owned(), client));
        let (ready, started) = oneshot::channel();
        let shared = Arc::clone(&server);
        let thread = std::thread::Builder::new()
            .name("embedded-homeserver".to_owned())
            .spawn(move || run(shared, listener, ready))?;
        let stopped = |_| io::Error::other("the embedded homeserver's thread has stopped");
        let handle = started.await.map_err(stopped)??;
        Ok(Self {
            address,
            server,
            handle,
            thread: Mutex::new(Some(thread)),
            _media: media,
        })
    }

    #[cfg(test)]
    pub(crate) fn media_dir(&self) -> &std::path::Path {
        self._media.path()
    }

    /// The base URL, without a slash at its end.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Changes where the transactions of the appservice `id` go: its address may be known only
    /// when this server runs. Events of the time without an address are not pushed. False: there is no
    /// such appservice.
    pub fn set_appservice_url(&self, id: &str, url: Option<String>) -> bool {
        let mut appservices = self.server.options.appservices.iter();
        let Some(index) = appservices.position(|one| one.id == id) else {
            return false;
        };
        if let Some(queue) = self.server.data().queues.get_mut(index) {
            queue.url = url;
        }
        if let Some(pushed) = self.server.pushed.get(index) {
            pushed.notify_one();
        }
        true
    }

    /// Whether everything that happened so far has been pushed to the appservices that have an
    /// address.
    #[must_use]
    pub fn has_pushed_everything(&self) -> bool {
        let data = self.server.data();
        data.queues
            .iter()
            .all(|queue| queue.url.is_none() || queue.events.is_empty())
    }

    /// Stops the server, breaking off what it is answering, and waits for it.
    pub async fn stop(&self) {
        self.handle.stop(false).await;
        let thread = self
            .thread
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(thread) = thread {
            // Only a panic in the thread is lost here, and that has been printed.
            let _ = tokio::task::spawn_blocking(move || thread.join()).await;
        }
    }
}

impl Drop for EmbeddedHomeserver {
    fn drop(&mut self) {
        // The command is sent at once; the future only waits for the end.
        drop(self.handle.stop(false));
    }
}

/// The server's thread: an actix system of its own, whatever the caller's runtime is.
fn run(
    server: Arc<Server>,
    listener: TcpListener,
    ready: oneshot::Sender<io::Result<ServerHandle>>,
) {
    actix_web::rt::System::new().block_on(async move {
        let shared = web::Data::from(Arc::clone(&server));
        let listening = HttpServer::new(move || {
            App::new()
                .app_data(shared.clone())
                .default_service(web::to(dispatch))
        })
        .workers(2)
        .disable_signals()
        .shutdown_timeout(1)
        .listen(listener);
        let running = match listening {
            Ok(configured) => configured.run(),
            Err(error) => {
                let _ = ready.send(Err(error));
                return;
            }
        };
        if ready.send(Ok(running.handle())).is_err() {
            return;
        }
        for index in 0..server.pushed.len() {
            actix_web::rt::spawn(push::run(Arc::clone(&server), index));
        }
        if let Err(error) = running.await {
            tracing::warn!(%error, "the embedded homeserver has stopped");
        }
    });
}
