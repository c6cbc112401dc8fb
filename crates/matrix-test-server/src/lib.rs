//! An embedded homeserver: small, in memory, spoken to over HTTP only.
//!
//! It knows accounts, rooms, events, redactions, appservices and media, as far as a bridge needs
//! them, and it counts references to media by content tokens (MSC3910), which no released
//! homeserver does yet. It can tie media to events (MSC3911), too. The demo runs it, and integration tests do. It is no server for people:
//! it does not federate, does not sync, forgets everything when it stops, and its routes below
//! `/_demo` need no authentication. Where the specification leaves room, it behaves as Synapse.
//!
//! Media bytes are in files of a temporary directory and are streamed.
//!
//! Worth knowing when a test is written against it: equal sends (room, sender, type, content) in
//! the same millisecond fold into one event, as they can on Synapse; an encrypted event counts its
//! `content_token` though its URI cannot be read, and a member event its `avatar_content_token`;
//! media without a content token is never cleaned up where content tokens are on; and where they
//! are off, the clean-up deletes what nobody has asked for during [`Options::grace`], a `HEAD` or
//! a 304 being a request too. Restricted media (MSC3911) is left out of both: it is deleted when
//! its event is redacted, at once, or when it was not attached for [`Options::unattached_for`].
//! A restore undoes what happened in rooms, and the counts with it; what was deleted stays deleted,
//! and what waits for appservices goes on waiting.
//!
//! Routes of its own, for the demo and for tests:
//!
//! | route | does |
//! |---|---|
//! | `POST /_demo/cleanup` | deletes media that is not in use; `{"deleted": ["mxc://…"]}` |
//! | `GET /_demo/media`, `/_demo/media/{server}/{id}` | counts of all media, or of one |
//! | `POST /_demo/generate?size=&content_type=&filename=&content_token=false` | makes media whose bytes are [`generated_byte`]s |
//! | `POST /_demo/backup`, `POST /_demo/restore` | remembers rooms, events, transactions and attachments, and goes back to them |
//! | `POST /_demo/forget_transactions` | forgets all transaction IDs, as Synapse does after a day |
//! | `GET /_demo/requests` | how many requests each endpoint has had |

mod auth;
mod backup;
mod counting;
mod create_room;
mod errors;
mod http;
mod inspect;
mod linked_media;
mod media;
mod media_headers;
mod media_store;
mod membership;
mod messages;
mod push;
mod rate_limit;
mod room_api;
mod rooms;
mod route;
mod state;
#[cfg(test)]
mod tests;
mod upgrade;

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::{App, HttpServer, web};
use tokio::sync::oneshot;

pub use linked_media::LinkedMediaPaths;
pub use media::generated_byte;
pub use rate_limit::RateLimit;
use state::Server;

/// How an [`EmbeddedHomeserver`] is set up.
#[derive(Debug, Clone)]
pub struct Options {
    /// The server name in user IDs and mxc URIs.
    pub server_name: String,
    /// The registered appservices.
    pub appservices: Vec<Appservice>,
    /// Whether media has content tokens that are counted (MSC3910), or the server is a plain one
    /// with authenticated media (MSC3916).
    pub content_tokens: bool,
    /// Whether media can be tied to events (MSC3911), whatever `content_tokens` says. Restricted
    /// media and copies have no content token.
    pub linked_media: bool,
    /// Under which paths restricted media is uploaded and copied.
    pub linked_media_paths: LinkedMediaPaths,
    /// How long restricted media is kept that is not attached to an event.
    pub unattached_for: Duration,
    /// How many events and redactions each user may send; None: as many as they like. Repeats of
    /// a transaction are free, memberships too.
    pub rate_limits: Option<RateLimit>,
    /// Whether `rate_limits` are for the appservices' senders too. Synapse exempts them.
    pub limits_appservices: bool,
    /// Whether an upgrade raises the power that the old room takes for sending and inviting, as
    /// Synapse does. Who has less power can't even redact there then.
    pub upgrades_mute: bool,
    /// Whether `Range` is honoured on downloads. Synapse does not.
    pub ranges: bool,
    /// Media younger than this is not cleaned up, referenced or not.
    pub grace: Duration,
    /// The longest upload taken.
    pub max_upload_bytes: u64,
    /// Where to listen; port 0 takes a free one.
    pub bind: SocketAddr,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            server_name: "localhost".to_owned(),
            appservices: Vec::new(),
            content_tokens: true,
            linked_media: false,
            linked_media_paths: LinkedMediaPaths::Both,
            unattached_for: Duration::from_secs(600),
            rate_limits: None,
            limits_appservices: false,
            upgrades_mute: false,
            ranges: false,
            grace: Duration::ZERO,
            max_upload_bytes: 100 * 1024 * 1024,
            bind: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        }
    }
}

/// A registered appservice (Application Service API, "Registration").
#[derive(Clone)]
pub struct Appservice {
    /// The registration's `id`.
    pub id: String,
    /// What the appservice shows to the homeserver.
    pub as_token: String,
    /// What the homeserver shows to the appservice.
    pub hs_token: String,
    /// Where transactions go; None: nowhere.
    pub url: Option<String>,
    /// The full user ID of `sender_localpart`. It needs no registering.
    pub sender: String,
    /// The users that belong to it exclusively: prefixes of user IDs, or, with a `*` in them,
    /// patterns of whole ones, `@irc_*:example.org`. The `.*` and `\.` of registrations'
    /// expressions are understood too; other regular expressions are not.
    pub users: Vec<String>,
}

impl Appservice {
    /// Whether `user_id` is the sender or in the namespace.
    #[must_use]
    pub fn covers(&self, user_id: &str) -> bool {
        user_id == self.sender
            || self.users.iter().any(|pattern| {
                if pattern.contains('*') {
                    let plain = pattern.replace(".*", "*").replace('\\', "");
                    wildmatch::WildMatch::new(&plain).matches(user_id)
                } else {
                    user_id.starts_with(pattern.as_str())
                }
            })
    }
}

impl fmt::Debug for Appservice {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Appservice")
            .field("id", &self.id)
            .field("url", &self.url)
            .field("sender", &self.sender)
            .field("users", &self.users)
            .finish_non_exhaustive()
    }
}

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
            .prefix("medialink-demo-")
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

    /// The base URL, without a slash at its end.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Changes where the transactions of the appservice `id` go: its address may be known only
    /// when this server runs. What happened while it had none is not pushed. False: there is no
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
                .default_service(web::to(http::dispatch))
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
