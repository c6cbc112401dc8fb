//! `keys import`: takes over the key of a bridge whose links are to be followed here, and tells
//! the entry of `legacy_links` for it. Keys go from file to file and are never shown.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context as _, bail, ensure};
use serde_json::{Map, Value};
use url::Url;
use zeroize::Zeroizing;

use crate::{
    config::{Config, KeyPlace},
    legacy::{Format, HASH_LENGTHS, LegacyEntry, LegacyKey, MAX_HASH_LENGTH},
};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The bridge's file: the JWK file of matrix-appservice-bridge, the registration of
    /// heisenbridge, or the configuration of a mautrix bridge.
    pub(super) file: PathBuf,
    /// Whose links they are, and who fetches their media: the id of one of `bridges`; needed if
    /// there is more than one.
    #[arg(long)]
    bridge: Option<String>,
    /// Where the links are, if the file does not say: the path of the bridge's public URL; for
    /// heisenbridge its media_path.
    #[arg(long)]
    path: Option<String>,
}

/// The key that was found in the file of a bridge.
#[derive(Debug)]
pub(super) struct ImportedKey {
    pub(super) format: Format,
    /// The content of the key's own file.
    pub(super) text: Zeroizing<String>,
    /// Where the links are, if the file says it.
    pub(super) path: Option<String>,
    /// What the operator has to know of it.
    pub(super) notes: Vec<&'static str>,
}

pub(super) fn run(
    config: &Config,
    folder: &Path,
    arguments: &Arguments,
) -> anyhow::Result<ExitCode> {
    let bridge = super::registration::named(config, arguments.bridge.as_deref())?;
    let file = &arguments.file;
    let text = std::fs::read_to_string(file)
        .map(Zeroizing::new)
        .with_context(|| format!("{} cannot be read", file.display()))?;
    let found = read(&text).with_context(|| file.display().to_string())?;
    let path = arguments
        .path
        .clone()
        .or(found.path)
        .unwrap_or_else(|| found.format.default_path().to_owned());
    let entry = LegacyEntry::new(&bridge.id, found.format, &path)
        .with_context(|| format!("the path {path:?} cannot be used; give another by --path"))?;
    let beside = match &config.key_file {
        KeyPlace::File(path) => path.parent(),
        KeyPlace::Database => Some(folder),
    };
    let stored = store(beside, &entry, &found.text)?;
    let shown = stored.strip_prefix(folder).unwrap_or(&stored);
    for note in found.notes {
        println!("# {note}");
    }
    println!(
        "# The key is in {}, mode 0600: keep a copy of it.",
        stored.display()
    );
    println!("# Put this into the configuration; `medialink check` says whether it fits there:");
    print!("legacy_links:\n{}", written(&entry, &path, shown));
    Ok(ExitCode::SUCCESS)
}

/// Reads the file of a bridge.
pub(super) fn read(text: &str) -> anyhow::Result<ImportedKey> {
    if text.trim_start().starts_with('{')
        && let Ok(key) = LegacyKey::from_jwk(text)
    {
        return Ok(ImportedKey {
            format: Format::AppserviceBridge { key },
            text: Zeroizing::new(text.to_owned()),
            path: None,
            notes: vec!["path: that of the bridge's public URL for media (mediaProxy.publicUrl)."],
        });
    }
    // The reader's message may repeat a part of the text, so it is not shown.
    let value: Value = config::Config::builder()
        .add_source(config::File::from_str(text, config::FileFormat::Yaml))
        .build()
        .and_then(config::Config::try_deserialize)
        .ok()
        .context("found neither JSON nor YAML")?;
    let file = value
        .as_object()
        .context("found no mapping of keys to values")?;
    if file.contains_key("kty") || file.contains_key("k") {
        let error = LegacyKey::from_jwk(text).err();
        let why = error.map_or_else(|| "it is no JSON".to_owned(), |error| error.to_string());
        bail!("found a JSON Web Key that matrix-appservice-bridge would not use: {why}");
    }
    if let Some(public_media) = file.get("public_media") {
        let appservice = file.get("appservice");
        let address = appservice.and_then(|appservice| appservice.get("public_address"));
        return mautrix(public_media, address.and_then(Value::as_str));
    }
    if file.contains_key("hs_token") {
        return heisenbridge(file);
    }
    bail!(
        "found keys of no bridge; allowed are a JSON Web Key (kty, alg, k), a registration of heisenbridge \
         (hs_token, heisenbridge.media_key), and a configuration of a mautrix bridge (public_media.signing_key)"
    )
}

/// Whether a registration is that of heisenbridge.
pub(super) fn is_of_heisenbridge(registration: &Map<String, Value>) -> bool {
    registration
        .get("heisenbridge")
        .is_some_and(Value::is_object)
        || ["id", "sender_localpart"].into_iter().any(|name| {
            let text = registration.get(name).and_then(Value::as_str);
            text.is_some_and(|text| text.contains("heisenbridge"))
        })
}

fn heisenbridge(registration: &Map<String, Value>) -> anyhow::Result<ImportedKey> {
    let section = registration.get("heisenbridge").and_then(Value::as_object);
    let of_section = |name| section.and_then(|section| section.get(name));
    ensure!(
        is_of_heisenbridge(registration),
        "found a registration of another bridge than heisenbridge (by its id, sender_localpart and section heisenbridge); \
         other bridges do not sign with hs_token"
    );
    let (name, key) = match of_section("media_key") {
        Some(key) => ("heisenbridge.media_key", key),
        None => ("hs_token", &registration["hs_token"]),
    };
    let (key, text) = text_key(name, key)?;
    Ok(ImportedKey {
        format: Format::Heisenbridge { key },
        text,
        path: of_section("media_path")
            .and_then(Value::as_str)
            .map(str::to_owned),
        notes: vec!["path: what heisenbridge's command MEDIAPATH shows, where it was set by that."],
    })
}

/// `address`: the beginning of its links.
fn mautrix(public_media: &Value, address: Option<&str>) -> anyhow::Result<ImportedKey> {
    let section = public_media
        .as_object()
        .context("public_media: found no mapping of keys to values")?;
    ensure!(
        section.get("use_database").and_then(Value::as_bool) != Some(true),
        "public_media.use_database: found true; such links only name a row of the bridge's database, so nobody else can read them"
    );
    let number = |name: &str, otherwise: u64| match section.get(name) {
        None | Some(Value::Null) => Ok(otherwise),
        Some(value) => value
            .as_u64()
            .with_context(|| format!("public_media.{name}: found no whole number")),
    };
    let hash_length = usize::try_from(number("hash_length", MAX_HASH_LENGTH as u64)?)?;
    ensure!(
        HASH_LENGTHS.contains(&hash_length),
        "public_media.hash_length: found {hash_length}; allowed are {} to {}: shorter ones can be guessed",
        HASH_LENGTHS.start(),
        HASH_LENGTHS.end()
    );
    let expiry = number("expiry", 0)? > 0;
    let key = section
        .get("signing_key")
        .context("public_media.signing_key is missing")?;
    ensure!(
        key.as_str() != Some("generate"),
        "public_media.signing_key: found \"generate\"; start the bridge once, so that it makes its key"
    );
    let (key, text) = text_key("public_media.signing_key", key)?;
    let mut notes = Vec::new();
    if section.get("enabled").and_then(Value::as_bool) == Some(false) {
        notes.push("public_media is not enabled there: links that were made before are followed.");
    }
    let format = Format::Mautrix {
        key,
        hash_length,
        expiry,
    };
    let prefix = section.get("path_prefix").and_then(Value::as_str);
    let prefix = prefix.unwrap_or_default().trim_matches('/');
    let prefix = match prefix {
        "" => format.default_path().trim_matches('/'),
        prefix => prefix,
    };
    let address = address.and_then(|address| Url::parse(address).ok());
    let below = address.as_ref().map_or("", Url::path).trim_end_matches('/');
    Ok(ImportedKey {
        path: Some(format!("{below}/{prefix}")),
        format,
        text,
        notes,
    })
}

/// A key that is a text: its own file will hold nothing else.
fn text_key(name: &str, value: &Value) -> anyhow::Result<(LegacyKey, Zeroizing<String>)> {
    let text = value
        .as_str()
        .with_context(|| format!("{name}: found something else than a text"))?;
    // Line breaks at the end of a file are not part of the key.
    ensure!(
        !text.ends_with(['\n', '\r']),
        "{name}: found a text that ends with a line break, which cannot be kept in a file"
    );
    let key = LegacyKey::new(text).with_context(|| format!("{name}: found an empty text"))?;
    Ok((key, Zeroizing::new(text.to_owned())))
}

/// Stores a key in a file of its own, in this folder; an earlier one stays as it is.
fn store(folder: Option<&Path>, entry: &LegacyEntry, text: &str) -> anyhow::Result<PathBuf> {
    let folder = folder
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)
        .with_context(|| format!("the folder {} cannot be made", folder.display()))?;
    // Made with mode 0600.
    let mut new = tempfile::Builder::new()
        .prefix(".legacy-")
        .tempfile_in(folder)
        .with_context(|| format!("no file can be made in {}", folder.display()))?;
    new.write_all(text.as_bytes())?;
    new.as_file().sync_all()?;
    for n in 1_u32.. {
        let path = folder.join(file_name(entry, n));
        match new.persist_noclobber(&path) {
            Ok(_) => {
                std::fs::File::open(folder).and_then(|folder| folder.sync_all())?;
                return Ok(path);
            }
            Err(error) if error.error.kind() == std::io::ErrorKind::AlreadyExists => {
                let stored = std::fs::read(&path).map(Zeroizing::new);
                if stored.is_ok_and(|stored| *stored == text.as_bytes()) {
                    return Ok(path);
                }
                new = error.file;
            }
            Err(error) => {
                return Err(error.error)
                    .with_context(|| format!("{} cannot be written", path.display()));
            }
        }
    }
    bail!("there is no name left for the key's file")
}

/// The name of the file of the n-th key of a bridge and a format, from 1 on.
pub(super) fn file_name(entry: &LegacyEntry, n: u32) -> String {
    let extension = match entry.format() {
        Format::AppserviceBridge { .. } => "jwk",
        _ => "key",
    };
    let number = if n == 1 {
        String::new()
    } else {
        format!("-{n}")
    };
    format!(
        "legacy-{}-{}{number}.{extension}",
        entry.bridge(),
        entry.format().name()
    )
}

/// The entry as YAML.
pub(super) fn written(entry: &LegacyEntry, path: &str, key: &Path) -> String {
    // Texts are written as JSON, which YAML reads as well.
    let quoted = |text: &str| Value::from(text).to_string();
    let key = quoted(&key.display().to_string());
    let more = match entry.format() {
        Format::AppserviceBridge { .. } => format!("jwk_file: {key}"),
        Format::Mautrix {
            hash_length,
            expiry,
            ..
        } => format!("key_file: {key}\n    hash_length: {hash_length}\n    expiry: {expiry}"),
        Format::Heisenbridge { .. } | Format::Unsigned { .. } => format!("key_file: {key}"),
    };
    format!(
        "  - format: {}\n    bridge: {}\n    path: {}\n    {more}\n",
        entry.format().name(),
        quoted(entry.bridge()),
        quoted(path),
    )
}

#[cfg(test)]
mod tests;
