//! `bridges`: which bridges may ask for links, and as which users the homeserver is asked.

use std::{
    collections::HashMap,
    net::SocketAddr,
    ops::RangeInclusive,
    path::{Path, PathBuf},
};

use serde::Deserialize;
use url::Url;

use medialink_event::TextTemplate;
use medialink_link::matrix::{ServerName, UserId};

use crate::languages::Language;

use super::{
    explain::shown_text,
    homeserver::HomeserverConfig,
    problems::Problems,
    secret::{self, Secret},
    value::base_url,
};

/// The shortest and the longest useful text: a link needs room, and longer texts are sent as files.
const MAX_BYTES: RangeInclusive<u64> = 100..=65_536;

/// One bridge of the homeserver.
#[derive(Debug, Clone)]
pub struct BridgeConfig {
    /// Names the bridge in the database, in logs and in the key file.
    pub id: String,
    /// The network on the other side, for people.
    pub network: String,
    /// The token that the bridge shows to us.
    pub api_token: Secret,
    /// The token that we show to the homeserver.
    pub as_token: Secret,
    /// The token that the homeserver shows to us.
    pub hs_token: Secret,
    /// The user that fetches media and sends meta events.
    pub user_id: UserId,
    /// The `id` of the registration with which the homeserver knows it.
    pub appservice_id: String,
    /// The bridge behind us, which gets the homeserver's requests.
    pub forward_to: Option<ForwardTo>,
    /// The users whose invites that user accepts: patterns in which `*` stands for anything.
    pub accept_invites: Vec<String>,
    /// The text that says on plain networks that media was shared.
    pub text: TextTemplate,
    /// How many bytes of UTF-8 such a text may have.
    pub max_bytes: Option<usize>,
    /// Whether pages say who shared the media.
    pub show_sender: bool,
    /// The language of such a text.
    pub language: Language,
}

/// The bridge behind us.
#[derive(Debug, Clone)]
pub struct ForwardTo {
    /// Its address, as its own registration would name it.
    pub url: Url,
    /// The token that it expects in place of the homeserver's.
    pub hs_token: Secret,
}

impl BridgeConfig {
    /// Whether requests are handed on to this address.
    pub(super) fn is_handed_to(&self, address: SocketAddr) -> bool {
        let url = self.forward_to.as_ref().map(|to| &to.url);
        url.is_some_and(|url| {
            url.host_str() == Some(&address.ip().to_string())
                && url.port_or_known_default() == Some(address.port())
        })
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BridgeFile {
    id: String,
    network: Option<String>,
    api_token: Option<Secret>,
    api_token_file: Option<PathBuf>,
    as_token: Option<Secret>,
    as_token_file: Option<PathBuf>,
    hs_token: Option<Secret>,
    hs_token_file: Option<PathBuf>,
    user_id: String,
    appservice_id: Option<String>,
    accept_invites: Option<Vec<String>>,
    forward_to: Option<String>,
    forward_hs_token: Option<Secret>,
    forward_hs_token_file: Option<PathBuf>,
    text: Option<String>,
    max_bytes: Option<u64>,
    show_sender: Option<bool>,
    language: Option<String>,
}

pub(super) fn checked(
    files: Vec<BridgeFile>,
    homeserver: Option<&HomeserverConfig>,
    folder: &Path,
    problems: &mut Problems,
) -> Vec<BridgeConfig> {
    let server_name = homeserver.map(|homeserver| &homeserver.server_name);
    if files.is_empty() {
        problems.add("bridges", "is empty; at least one bridge is needed");
    }
    let mut ids: HashMap<String, usize> = HashMap::new();
    let mut tokens = Tokens::default();
    let mut bridges = Vec::new();
    for (index, file) in files.into_iter().enumerate() {
        let path = format!("bridges[{index}]");
        if let Some(other) = ids.insert(file.id.clone(), index) {
            problems.add(
                format_args!("{path}.id"),
                format_args!(
                    "{:?} is the ID of bridges[{other}] too; each needs its own",
                    file.id
                ),
            );
        }
        if let Some(bridge) = file.checked(&path, server_name, folder, problems) {
            tokens.add(&path, &bridge, problems);
            bridges.push(bridge);
        }
    }
    bridges
}

/// The tokens of all bridges so far, and where each stands: no two may be the same.
#[derive(Default)]
struct Tokens(Vec<(String, Secret)>);

impl Tokens {
    fn add(&mut self, path: &str, bridge: &BridgeConfig, problems: &mut Problems) {
        // The bridge behind us may expect the homeserver's own token, and no other.
        let forward = bridge.forward_to.as_ref().map(|to| &to.hs_token);
        let forward = forward.filter(|token| **token != bridge.hs_token);
        let names = ["api_token", "as_token", "hs_token"].into_iter();
        let own = names.zip([&bridge.api_token, &bridge.as_token, &bridge.hs_token]);
        for (name, token) in own.chain(forward.map(|token| ("forward_hs_token", token))) {
            let place = format!("{path}.{name}");
            if let Some((other, _)) = self.0.iter().find(|(_, earlier)| earlier == token) {
                problems.add(
                    &place,
                    format_args!("is the same as {other}; every token has to be different"),
                );
            }
            self.0.push((place, token.clone()));
        }
    }
}

impl BridgeFile {
    fn checked(
        self,
        path: &str,
        server_name: Option<&ServerName>,
        folder: &Path,
        problems: &mut Problems,
    ) -> Option<BridgeConfig> {
        self.check_id(path, problems);
        let text = self.text(path, problems);
        self.check_max_bytes(path, problems);
        let language = self.language(path, problems);
        let user_id = self.user_id(path, server_name, problems);
        let mut token = |name: &str, value, file: Option<PathBuf>| {
            secret::resolve(
                &format!("{path}.{name}"),
                value,
                file.as_deref(),
                folder,
                problems,
            )
        };
        let api_token = token("api_token", self.api_token, self.api_token_file);
        let as_token = token("as_token", self.as_token, self.as_token_file);
        let hs_token = token("hs_token", self.hs_token, self.hs_token_file);
        let forward_hs_token = match (self.forward_hs_token, self.forward_hs_token_file) {
            (None, None) => hs_token.clone(),
            (value, file) => token("forward_hs_token", value, file),
        };
        let forward_to = match &self.forward_to {
            None => None,
            Some(text) => Some(ForwardTo {
                url: base_url(text, &format!("{path}.forward_to"), problems)?,
                hs_token: forward_hs_token?,
            }),
        };
        Some(BridgeConfig {
            network: self.network.unwrap_or_else(|| self.id.clone()),
            appservice_id: self
                .appservice_id
                .unwrap_or_else(|| format!("medialink-{}", self.id)),
            id: self.id,
            api_token: api_token?,
            as_token: as_token?,
            hs_token: hs_token?,
            user_id: user_id?,
            accept_invites: self
                .accept_invites
                .unwrap_or_else(|| usual_invites(server_name, forward_to.as_ref())),
            forward_to,
            text,
            language,
            max_bytes: self.max_bytes.and_then(|bytes| bytes.try_into().ok()),
            show_sender: self.show_sender.unwrap_or(false),
        })
    }

    fn check_id(&self, path: &str, problems: &mut Problems) {
        let is_allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
        if !(1..=64).contains(&self.id.len()) || !self.id.bytes().all(is_allowed) {
            problems.add(
                format_args!("{path}.id"),
                format_args!(
                    "found {:?}; allowed are 1 to 64 letters, digits, '.', '_' and '-'",
                    self.id
                ),
            );
        }
    }

    fn text(&self, path: &str, problems: &mut Problems) -> TextTemplate {
        match self.text.as_deref().map(TextTemplate::parse) {
            None => TextTemplate::default(),
            Some(Ok(template)) => template,
            Some(Err(error)) => {
                problems.add(format_args!("{path}.text"), error);
                TextTemplate::default()
            }
        }
    }

    fn language(&self, path: &str, problems: &mut Problems) -> Language {
        let Some(tag) = self.language.as_deref() else {
            return Language::default();
        };
        Language::ALL
            .into_iter()
            .find(|language| language.tag() == tag)
            .unwrap_or_else(|| {
                let tags = Language::ALL.map(Language::tag).join(", ");
                problems.add(
                    format_args!("{path}.language"),
                    format_args!("found {}; allowed are {tags}, or null", shown_text(tag)),
                );
                Language::default()
            })
    }

    fn check_max_bytes(&self, path: &str, problems: &mut Problems) {
        if let Some(found) = self.max_bytes.filter(|found| !MAX_BYTES.contains(found)) {
            problems.add(
                format_args!("{path}.max_bytes"),
                format_args!(
                    "found {found}; allowed are {} to {} bytes, or null",
                    MAX_BYTES.start(),
                    MAX_BYTES.end()
                ),
            );
        }
    }

    fn user_id(
        &self,
        path: &str,
        server_name: Option<&ServerName>,
        problems: &mut Problems,
    ) -> Option<UserId> {
        let user_id = UserId::parse(&self.user_id)
            .map_err(|error| {
                problems.add(
                    format_args!("{path}.user_id"),
                    format_args!("found {:?}, {error}; write it in quotes", self.user_id),
                );
            })
            .ok()?;
        if let Some(server_name) = server_name
            && user_id.server_name() != server_name.as_str()
        {
            problems.add(
                format_args!("{path}.user_id"),
                format_args!("found {user_id}, which is not a user of {server_name}"),
            );
        }
        Some(user_id)
    }
}

/// Whose invites are accepted where the file does not say: those of the homeserver's users. A
/// bridge behind us answers invites by itself.
fn usual_invites(server_name: Option<&ServerName>, forward_to: Option<&ForwardTo>) -> Vec<String> {
    server_name
        .filter(|_| forward_to.is_none())
        .map(|name| format!("@*:{name}"))
        .into_iter()
        .collect()
}
