//! `bridges`: who may ask for links, and as whom the homeserver is asked.

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

use super::{
    Problems,
    secret::{self, Secret},
    value::base_url,
};

/// The shortest and the longest text that makes sense: a link needs room, and what is longer is
/// sent as a file.
const MAX_BYTES: RangeInclusive<u64> = 100..=65_536;

/// One bridge of the homeserver.
#[derive(Debug, Clone)]
pub struct BridgeConfig {
    /// Names the bridge in the database, in logs and in the key file.
    pub id: String,
    /// The network on the other side, for people.
    pub network: String,
    /// What the bridge shows to us.
    pub api_token: Secret,
    /// What we show to the homeserver.
    pub as_token: Secret,
    /// What the homeserver shows to us.
    pub hs_token: Secret,
    /// Who fetches media and sends meta events.
    pub user_id: UserId,
    /// The `id` of the registration with which the homeserver knows it.
    pub appservice_id: String,
    /// Where the homeserver's requests are handed on to.
    pub forward_to: Option<ForwardTo>,
    /// Whose invites that user accepts: patterns in which `*` stands for anything.
    pub accept_invites: Vec<String>,
    /// How plain networks are told of media.
    pub text: TextTemplate,
    /// How many bytes of UTF-8 such a text may have.
    pub max_bytes: Option<usize>,
}

/// The bridge behind us.
#[derive(Debug, Clone)]
pub struct ForwardTo {
    /// Its address, as its own registration would name it.
    pub url: Url,
    /// What it expects to be shown in place of the homeserver's token.
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
}

pub(super) fn checked(
    files: Vec<BridgeFile>,
    server_name: Option<&ServerName>,
    folder: &Path,
    problems: &mut Problems,
) -> Vec<BridgeConfig> {
    if files.is_empty() {
        problems.add("bridges", "is empty; at least one bridge is needed");
    }
    let mut ids: HashMap<String, usize> = HashMap::new();
    let mut tokens: Vec<(String, Secret)> = Vec::new();
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
        let Some(bridge) = file.checked(&path, server_name, folder, problems) else {
            continue;
        };
        // What the bridge behind us expects may be what the homeserver shows, and nothing else.
        let forward = bridge.forward_to.as_ref().map(|to| &to.hs_token);
        let forward = forward.filter(|token| **token != bridge.hs_token);
        let names = ["api_token", "as_token", "hs_token"].into_iter();
        let own = names.zip([&bridge.api_token, &bridge.as_token, &bridge.hs_token]);
        for (name, token) in own.chain(forward.map(|token| ("forward_hs_token", token))) {
            let place = format!("{path}.{name}");
            if let Some((other, _)) = tokens.iter().find(|(_, earlier)| earlier == token) {
                problems.add(
                    &place,
                    format_args!("is the same as {other}; every token has to be different"),
                );
            }
            tokens.push((place, token.clone()));
        }
        bridges.push(bridge);
    }
    bridges
}

impl BridgeFile {
    fn checked(
        self,
        path: &str,
        server_name: Option<&ServerName>,
        folder: &Path,
        problems: &mut Problems,
    ) -> Option<BridgeConfig> {
        if self.id.is_empty()
            || self.id.len() > 64
            || !self
                .id
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
        {
            problems.add(
                format_args!("{path}.id"),
                format_args!(
                    "found {:?}; allowed are 1 to 64 letters, digits, '.', '_' and '-'",
                    self.id
                ),
            );
        }
        let text = match self.text.as_deref().map(TextTemplate::parse) {
            None => TextTemplate::default(),
            Some(Ok(template)) => template,
            Some(Err(error)) => {
                problems.add(format_args!("{path}.text"), error);
                TextTemplate::default()
            }
        };
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
        let user_id = match UserId::parse(&self.user_id) {
            Ok(user_id) => {
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
            Err(error) => {
                problems.add(
                    format_args!("{path}.user_id"),
                    format_args!("found {:?}, {error}; write it in quotes", self.user_id),
                );
                None
            }
        };
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
        // A bridge behind us has its own mind about invites.
        let accept_invites = self.accept_invites.unwrap_or_else(|| {
            server_name
                .filter(|_| forward_to.is_none())
                .map(|name| format!("@*:{name}"))
                .into_iter()
                .collect()
        });
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
            forward_to,
            accept_invites,
            text,
            max_bytes: self.max_bytes.and_then(|bytes| bytes.try_into().ok()),
        })
    }
}
