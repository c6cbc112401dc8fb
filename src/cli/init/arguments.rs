//! The options of `init`.

use std::path::PathBuf;

/// The usual addresses of the listeners.
const PUBLIC: &str = "127.0.0.1:8480";
const INTERNAL: &str = "127.0.0.1:8481";

/// What can be given.
#[derive(Debug, Default, clap::Args)]
pub struct Arguments {
    /// A file of a bridge that is there already: its registration, the configuration of a mautrix bridge or of
    /// matrix-appservice-irc, or a JWK file of matrix-appservice-bridge. Given several times, all are read.
    /// `forward_to`, `legacy_links` and more come from them.
    #[arg(long, value_name = "FILE")]
    pub(super) from: Vec<PathBuf>,
    /// The name of the homeserver, which is the part after the colon in user IDs.
    #[arg(long)]
    pub(super) server_name: Option<String>,
    /// The homeserver's client API, best on a direct way; <http://127.0.0.1:8008> if left out.
    #[arg(long, value_name = "URL")]
    pub(super) homeserver_url: Option<String>,
    /// What every link begins with; `https://media.` and the server name if left out.
    #[arg(long, value_name = "URL")]
    pub(super) public_url: Option<String>,
    /// Names the bridge in logs and in the database; that of --from, or irc, if left out.
    #[arg(long, value_name = "ID")]
    pub(super) bridge: Option<String>,
    /// The network on the other side, for people; the ID of the bridge if left out.
    #[arg(long)]
    pub(super) network: Option<String>,
    /// Who fetches media: the sender of --from, or @medialink of the homeserver, if left out.
    #[arg(long, value_name = "USER_ID")]
    pub(super) user: Option<String>,
    /// The bridge behind, which gets every request of the homeserver; the url of --from if left out.
    #[arg(long, value_name = "URL")]
    pub(super) forward_to: Option<String>,
    /// The address of the listener for people.
    #[arg(long, value_name = "ADDRESS", default_value = PUBLIC)]
    pub(super) listen_public: String,
    /// The address of the listener for bridges, the homeserver and the operator.
    #[arg(long, value_name = "ADDRESS", default_value = INTERNAL)]
    pub(super) listen_internal: String,
    /// Where the homeserver reaches that listener; its address if left out.
    #[arg(long, value_name = "URL")]
    pub(super) registration_url: Option<String>,
    /// The folder of database, keys and cache. As all paths here, it is relative to the configuration file.
    #[arg(long, value_name = "FOLDER", default_value = "data")]
    pub(super) data: PathBuf,
    /// The folder of the cache; cache below --data if left out.
    #[arg(long, value_name = "FOLDER")]
    pub(super) cache: Option<PathBuf>,
    /// sqlite:<path> or postgres://user@host/name; a SQLite file below --data if left out.
    #[arg(long, value_name = "URL")]
    pub(super) database: Option<String>,
    /// A file with the password of a PostgreSQL database.
    #[arg(long, value_name = "FILE", requires = "database")]
    pub(super) database_password_file: Option<PathBuf>,
    /// The file for the registration.
    #[arg(
        long,
        value_name = "FILE",
        default_value = "medialink-registration.yaml"
    )]
    pub(super) registration: PathBuf,
    /// Asks nothing, also on a terminal.
    #[arg(long, short)]
    pub(super) yes: bool,
    /// Replaces configuration and registration, and keeps the replaced ones as `.old`. Tokens, keys and the root
    /// secret that are there already stay in use.
    #[arg(long)]
    pub(super) force: bool,
}
