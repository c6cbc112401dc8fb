//! Which files are to be written, and what stands in them.

use std::{
    io::ErrorKind,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, ensure};
use askama::Template;
use serde_json::Value;
use zeroize::Zeroizing;

use crate::{
    cli::{keys_import, registration::Registration},
    key_store,
    legacy::LegacyEntry,
    random,
};

use super::{
    answers::Answers,
    arguments::Arguments,
    foreign::{Found, ImportedKey, with_url},
    place::NewFile,
    questions::is_name,
};

/// What is to be written, the configuration last: if that is there, everything is.
pub(super) struct Plan {
    pub(super) files: Vec<NewFile>,
    /// The registration; `None`: the bridge has one, which was not given.
    pub(super) registration: Option<PathBuf>,
    /// Where the homeserver reaches the internal listener.
    pub(super) registration_url: String,
    /// Whether the homeserver knows us as a bridge that is there already.
    pub(super) is_behind: bool,
    /// Whether link keys are made.
    pub(super) made_keys: bool,
}

/// The configuration; texts are in quotes already.
#[derive(Template)]
#[template(path = "bridge.yaml", escape = "none")]
struct ConfigText {
    public: String,
    internal: String,
    public_url: String,
    database: String,
    database_password_file: Option<String>,
    root_secret_file: Option<String>,
    key_file: String,
    homeserver_url: String,
    server_name: String,
    bridge: String,
    network: String,
    api_token_file: String,
    as_token_file: String,
    hs_token_file: String,
    user_id: String,
    appservice_id: String,
    forward_to: Option<String>,
    cache_dir: String,
    legacy_links: String,
}

impl Plan {
    /// # Errors
    /// If what is known does not fit together, or a file that is there cannot be read.
    pub(super) fn new(
        path: &Path,
        arguments: &Arguments,
        answers: &Answers,
        found: Found,
    ) -> anyhow::Result<Self> {
        let bridge = &answers.bridge;
        ensure!(
            is_name(bridge),
            "--bridge: found {bridge:?}; allowed are 1 to 64 letters, digits, '.', '_' and '-'"
        );
        let is_behind = found.as_token.is_some();
        ensure!(
            is_behind || answers.forward_to.is_none(),
            "--forward-to needs the tokens of the bridge behind; give its registration by --from"
        );
        let registration_url = arguments.registration_url.clone();
        let mut plan = Self {
            files: Vec::new(),
            registration: None,
            registration_url: registration_url
                .unwrap_or_else(|| format!("http://{}", arguments.listen_internal)),
            is_behind,
            made_keys: false,
        };
        let mut drafts = Drafts {
            folder: path.parent().unwrap_or(Path::new("")),
            files: &mut plan.files,
        };
        let (texts, tokens) = drafts.texts(arguments, answers, &found)?;
        plan.made_keys = drafts.keys(arguments)?;
        let text = match found.registration {
            Some(text) => Some(with_url(&text, &plan.registration_url)?),
            None if is_behind => None,
            None => Some(
                Registration {
                    id: &appservice_id(answers, found.appservice_id.as_deref()),
                    url: &plan.registration_url,
                    as_token: &tokens.as_token,
                    hs_token: &tokens.hs_token,
                    sender_localpart: localpart(&answers.user_id),
                }
                .text(),
            ),
        };
        plan.registration = text.map(|text| drafts.add(&arguments.registration, text));
        let legacy_links = drafts.legacy(arguments, bridge, found.legacy)?;
        let text = ConfigText {
            legacy_links,
            ..texts
        };
        let text = Zeroizing::new(format!("{}\n", text.render()?));
        plan.files.push(NewFile {
            path: path.to_owned(),
            text,
        });
        Ok(plan)
    }
}

/// The tokens that the registration repeats.
struct Tokens {
    as_token: Zeroizing<String>,
    hs_token: Zeroizing<String>,
}

/// The files so far. Paths are relative to the folder of the configuration.
struct Drafts<'a> {
    folder: &'a Path,
    files: &'a mut Vec<NewFile>,
}

impl Drafts<'_> {
    /// The configuration without `legacy_links`, and the files of its tokens.
    fn texts(
        &mut self,
        arguments: &Arguments,
        answers: &Answers,
        found: &Found,
    ) -> anyhow::Result<(ConfigText, Tokens)> {
        let id = &answers.bridge;
        let [api_file, as_file, hs_file] = ["api", "as", "hs"]
            .map(|name| PathBuf::from("tokens").join(format!("{id}-{name}-token")));
        self.token(&api_file, None)?;
        let tokens = Tokens {
            as_token: self.token(&as_file, found.as_token.as_ref())?,
            hs_token: self.token(&hs_file, found.hs_token.as_ref())?,
        };
        let database = database(arguments);
        let root_secret = database
            .starts_with("postgres")
            .then(|| arguments.data.join("root-secret"));
        if let Some(file) = &root_secret
            && !self.folder.join(file).exists()
        {
            self.add(file, Zeroizing::new(format!("{}\n", *new_token())));
        }
        let cache = arguments.cache.clone();
        let cache = cache.unwrap_or_else(|| arguments.data.join("cache"));
        let appservice_id = appservice_id(answers, found.appservice_id.as_deref());
        let texts = ConfigText {
            public: quoted(&arguments.listen_public),
            internal: quoted(&arguments.listen_internal),
            public_url: quoted(&answers.public_url),
            database: quoted(&database),
            database_password_file: arguments.database_password_file.as_deref().map(quoted_path),
            root_secret_file: root_secret.as_deref().map(quoted_path),
            key_file: quoted_path(&key_file(arguments)),
            homeserver_url: quoted(&answers.homeserver_url),
            server_name: quoted(&answers.server_name),
            bridge: quoted(id),
            network: quoted(&answers.network),
            api_token_file: quoted_path(&api_file),
            as_token_file: quoted_path(&as_file),
            hs_token_file: quoted_path(&hs_file),
            user_id: quoted(&answers.user_id),
            appservice_id: quoted(&appservice_id),
            forward_to: answers.forward_to.as_deref().map(quoted),
            cache_dir: quoted_path(&cache),
            legacy_links: String::new(),
        };
        Ok((texts, tokens))
    }

    /// A token in a file of its own: that of the bridge, or the one that is there, or a new one.
    fn token(
        &mut self,
        file: &Path,
        of_bridge: Option<&Zeroizing<String>>,
    ) -> anyhow::Result<Zeroizing<String>> {
        let path = self.folder.join(file);
        let token = match (of_bridge, std::fs::read_to_string(&path)) {
            (Some(token), _) => token.clone(),
            (None, Ok(text)) => Zeroizing::new(Zeroizing::new(text).trim().to_owned()),
            (None, Err(error)) if error.kind() == ErrorKind::NotFound => new_token(),
            (None, Err(error)) => {
                return Err(error).context(format!("{} cannot be read", path.display()));
            }
        };
        let text = Zeroizing::new(format!("{}\n", *token));
        self.add(file, text);
        Ok(token)
    }

    /// A key file with a first key, unless there is one, or a database that knows of links; whether it is made.
    fn keys(&mut self, arguments: &Arguments) -> anyhow::Result<bool> {
        let file = key_file(arguments);
        let database = database(arguments);
        let in_use = match database.strip_prefix("sqlite:") {
            Some(database) => self
                .folder
                .join(database)
                .try_exists()
                .with_context(|| format!("{database} cannot be looked at"))?,
            // `serve` asks the server, and makes the file if no link was ever signed.
            None => true,
        };
        if in_use || self.folder.join(&file).exists() {
            return Ok(false);
        }
        self.add(&file, key_store::new_text());
        Ok(true)
    }

    /// The entries of `legacy_links`, with the keys in files of their own.
    fn legacy(
        &mut self,
        arguments: &Arguments,
        bridge: &str,
        keys: Vec<ImportedKey>,
    ) -> anyhow::Result<String> {
        let mut entries = String::new();
        for (n, key) in (1..).zip(keys) {
            let path = key
                .path
                .unwrap_or_else(|| key.format.default_path().to_owned());
            let entry = LegacyEntry::new(bridge, key.format, &path).with_context(|| {
                format!("the path {path:?} of the bridge's links cannot be used")
            })?;
            let file = arguments.data.join(keys_import::file_name(&entry, n));
            entries.push_str(&keys_import::written(&entry, &path, &file));
            self.add(&file, key.text);
        }
        Ok(entries.trim_end().to_owned())
    }

    fn add(&mut self, file: &Path, text: Zeroizing<String>) -> PathBuf {
        let path = self.folder.join(file);
        self.files.push(NewFile {
            path: path.clone(),
            text,
        });
        path
    }
}

fn database(arguments: &Arguments) -> String {
    let given = arguments.database.clone();
    given.unwrap_or_else(|| format!("sqlite:{}", arguments.data.join("medialink.db").display()))
}

fn key_file(arguments: &Arguments) -> PathBuf {
    arguments.data.join("link-keys.yaml")
}

fn appservice_id(answers: &Answers, of_bridge: Option<&str>) -> String {
    of_bridge.map_or_else(|| format!("medialink-{}", answers.bridge), str::to_owned)
}

fn localpart(user_id: &str) -> &str {
    let bare = user_id.trim_start_matches('@');
    bare.split(':').next().unwrap_or_default()
}

/// 32 random bytes in hex.
fn new_token() -> Zeroizing<String> {
    let bytes = Zeroizing::new(random::bytes::<32>());
    let mut token = Zeroizing::new(String::with_capacity(64));
    for byte in bytes.iter() {
        for digit in [byte >> 4, byte & 15] {
            token.extend(char::from_digit(u32::from(digit), 16));
        }
    }
    token
}

/// A text as JSON, which YAML reads as well.
fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

fn quoted_path(path: &Path) -> String {
    quoted(&path.display().to_string())
}
