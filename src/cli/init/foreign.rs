//! What the files of a bridge tell that is there already.

use std::{
    io::Read as _,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail, ensure};
use config::Source as _;
use serde_json::{Map, Value};
use url::Url;
use zeroize::Zeroizing;

use crate::cli::keys_import;
pub(super) use crate::cli::keys_import::ImportedKey;

use super::questions::is_name;

/// The largest file that is read, in bytes.
const LARGEST: u64 = 1 << 20;

/// What was found in all files.
#[derive(Default)]
pub(super) struct Found {
    pub(super) server_name: Option<String>,
    pub(super) homeserver_url: Option<String>,
    pub(super) appservice_id: Option<String>,
    pub(super) sender_localpart: Option<String>,
    /// Where the homeserver reaches the bridge.
    pub(super) forward_to: Option<String>,
    pub(super) as_token: Option<Zeroizing<String>>,
    pub(super) hs_token: Option<Zeroizing<String>>,
    /// The text of its registration.
    pub(super) registration: Option<Zeroizing<String>>,
    /// The keys of links that it makes by itself.
    pub(super) legacy: Vec<ImportedKey>,
    /// What the operator has to know of it.
    pub(super) notes: Vec<String>,
}

impl Found {
    /// Reads files of one bridge.
    ///
    /// # Errors
    /// If one cannot be read, is of no known kind, or contradicts another. No error repeats what stands in it.
    pub(super) fn read(files: &[PathBuf]) -> anyhow::Result<Self> {
        let mut found = Self::default();
        for file in files {
            let shown = || file.display().to_string();
            let text = read_text(file).with_context(shown)?;
            found.take(file, &text).with_context(shown)?;
        }
        Ok(found)
    }

    fn take(&mut self, file: &Path, text: &Zeroizing<String>) -> anyhow::Result<()> {
        let value = mapping(text)?;
        let has = |name: &str| value.get(name).is_some_and(|value| !value.is_null());
        if has("kty") || has("k") {
            let key = keys_import::read(text)?;
            self.take_key(key);
        } else if has("ircService") {
            self.take_homeserver(&value, "url");
            self.take_media_proxy(file, &value);
        } else if has("sender_localpart") && has("as_token") {
            self.take_registration(text, &value)?;
        } else if has("appservice") {
            self.take_homeserver(&value, "address");
            self.take_mautrix(text, &value)?;
        } else {
            bail!(
                "found a file of no known kind; allowed are a registration (as_token, sender_localpart), the \
                 configuration of a mautrix bridge (appservice) or of matrix-appservice-irc (ircService), and a JSON \
                 Web Key (kty)"
            );
        }
        Ok(())
    }

    fn take_key(&mut self, key: ImportedKey) {
        self.notes
            .extend(key.notes.iter().map(|note| (*note).to_owned()));
        self.legacy.push(key);
    }

    fn take_homeserver(&mut self, value: &Map<String, Value>, url: &str) {
        let homeserver = value.get("homeserver");
        fill(&mut self.server_name, text_at(homeserver, "domain"));
        fill(&mut self.homeserver_url, text_at(homeserver, url));
    }

    fn take_tokens(
        &mut self,
        as_token: Option<String>,
        hs_token: Option<String>,
    ) -> anyhow::Result<()> {
        for (name, mine, token) in [
            ("as_token", &mut self.as_token, as_token),
            ("hs_token", &mut self.hs_token, hs_token),
        ] {
            let token = token
                .map(Zeroizing::new)
                .filter(|token| !token.is_empty() && token.bytes().all(|b| b.is_ascii_graphic()))
                .with_context(|| {
                    format!("{name}: found no token; start the bridge once, or have it make its registration")
                })?;
            ensure!(
                mine.as_ref().is_none_or(|mine| *mine == token),
                "{name}: found another one than in the file before; allowed are files of one bridge"
            );
            *mine = Some(token);
        }
        Ok(())
    }

    fn take_registration(
        &mut self,
        text: &Zeroizing<String>,
        value: &Map<String, Value>,
    ) -> anyhow::Result<()> {
        let of = |name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
        self.take_tokens(of("as_token"), of("hs_token"))?;
        // What the homeserver knows goes before what a configuration says.
        for (mine, name) in [
            (&mut self.appservice_id, "id"),
            (&mut self.sender_localpart, "sender_localpart"),
            (&mut self.forward_to, "url"),
        ] {
            *mine = of(name).filter(|text| !text.is_empty()).or(mine.take());
        }
        self.registration = Some(text.clone());
        if keys_import::is_of_heisenbridge(value) {
            let key = keys_import::read(text)?;
            self.take_key(key);
        }
        Ok(())
    }

    fn take_mautrix(
        &mut self,
        text: &Zeroizing<String>,
        value: &Map<String, Value>,
    ) -> anyhow::Result<()> {
        let appservice = value.get("appservice");
        let tokens = ["as_token", "hs_token"].map(|name| text_at(appservice, name));
        let [as_token, hs_token] = tokens;
        self.take_tokens(as_token, hs_token).context("appservice")?;
        fill(&mut self.appservice_id, text_at(appservice, "id"));
        fill(&mut self.forward_to, text_at(appservice, "address"));
        if self.registration.is_none() {
            let bot = appservice.and_then(|appservice| appservice.get("bot"));
            fill(&mut self.sender_localpart, text_at(bot, "username"));
        }
        if value.get("public_media").is_some_and(Value::is_object) {
            match keys_import::read(text) {
                Ok(key) => self.take_key(key),
                Err(error) => self
                    .notes
                    .push(format!("its links are not taken over: {error:#}")),
            }
        }
        Ok(())
    }

    /// The media proxy of matrix-appservice-irc.
    fn take_media_proxy(&mut self, file: &Path, value: &Map<String, Value>) {
        let proxy = value
            .get("ircService")
            .and_then(|service| service.get("mediaProxy"));
        let Some(key_path) = text_at(proxy, "signingKeyPath") else {
            return;
        };
        // The bridge starts in the folder of its configuration.
        let key_path = file.parent().unwrap_or(Path::new("")).join(key_path);
        let read = read_text(&key_path).and_then(|text| keys_import::read(&text));
        match read {
            Ok(mut key) => {
                let url = text_at(proxy, "publicUrl").and_then(|url| Url::parse(&url).ok());
                key.path = url.map(|url| url.path().to_owned());
                if key.path.is_some() {
                    key.notes.clear();
                }
                self.take_key(key);
            }
            Err(error) => self.notes.push(format!(
                "its links are not taken over: {}: {error:#}; give the file by --from",
                key_path.display()
            )),
        }
    }

    /// A name for the bridge, if its own can be one.
    pub(super) fn bridge(&self) -> Option<String> {
        let id = self.appservice_id.clone();
        id.filter(|id| is_name(id))
    }
}

/// A registration with another `url`; everything else in it stays as it is.
///
/// # Errors
/// If its `url` does not stand in a line of its own.
pub(super) fn with_url(text: &str, url: &str) -> anyhow::Result<Zeroizing<String>> {
    let quoted = Value::from(url).to_string();
    let mut changed = Zeroizing::new(String::with_capacity(text.len() + quoted.len()));
    for line in text.lines() {
        match line.strip_prefix("url:") {
            Some(_) => changed.push_str(&format!("url: {quoted}")),
            None => changed.push_str(line),
        }
        changed.push('\n');
    }
    let before = mapping(text)?;
    let mut after = mapping(&changed)?;
    let new = after.get("url").and_then(Value::as_str);
    ensure!(
        new == Some(url),
        "the url of the registration does not stand in a line of its own; allowed is a line that begins with url:"
    );
    let old = before.get("url").cloned().unwrap_or_default();
    after.insert("url".to_owned(), old);
    ensure!(
        after == before,
        "the url of the registration is more than one line; allowed is a line that begins with url:"
    );
    Ok(changed)
}

fn read_text(file: &Path) -> anyhow::Result<Zeroizing<String>> {
    let mut text = Zeroizing::new(String::new());
    let opened = std::fs::File::open(file).context("cannot be opened")?;
    let read = opened.take(LARGEST + 1).read_to_string(&mut text);
    // The error may repeat a part of the text.
    let read = read.ok().context("cannot be read as text")?;
    ensure!(
        read as u64 <= LARGEST,
        "is larger than {LARGEST} bytes; allowed is a file of a bridge"
    );
    Ok(text)
}

/// The keys at the top of a file of YAML, which may have dots in them.
fn mapping(text: &str) -> anyhow::Result<Map<String, Value>> {
    // The reader's message may repeat a part of the text.
    let file = config::File::from_str(text, config::FileFormat::Yaml);
    let values = file
        .collect()
        .ok()
        .context("found no YAML with a mapping of keys to values")?;
    let read = values.into_iter().map(|(key, value)| {
        let value = value.try_deserialize().ok().unwrap_or_default();
        (key, value)
    });
    Ok(read.collect())
}

/// A text below a mapping.
fn text_at(value: Option<&Value>, name: &str) -> Option<String> {
    let text = value?.get(name)?.as_str()?;
    (!text.is_empty()).then(|| text.to_owned())
}

/// Keeps the first.
fn fill(mine: &mut Option<String>, found: Option<String>) {
    if mine.is_none() {
        *mine = found;
    }
}
