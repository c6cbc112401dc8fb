//! `homeserver`: its address, and how long it may take.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use ipnet::IpNet;
use serde::Deserialize;
use url::Url;

use medialink_link::matrix::ServerName;

use crate::telemetry::know_secrets;

use super::{
    explain::shown_text,
    problems::Problems,
    secret::{self, Secret},
    value::{Span, base_url},
};

/// The homeserver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HomeserverConfig {
    /// Its client-server API, without a slash at the end.
    pub url: Url,
    /// Its name in Matrix.
    pub server_name: ServerName,
    /// How long it may take to answer.
    pub timeouts: Timeouts,
    /// Networks besides the public ones into which media redirects may lead.
    pub redirect_networks: Vec<IpNet>,
    /// The access token of an administrator, by whose API the homeserver tells what is quarantined.
    pub admin_token: Option<Secret>,
}

/// Deadlines of a request to the homeserver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// Until connected.
    pub connect: Duration,
    /// From the request to the head of the answer.
    pub first_byte: Duration,
    /// Between two pieces of a body.
    pub stall: Duration,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HomeserverFile {
    url: String,
    server_name: String,
    #[serde(default)]
    timeouts: TimeoutsFile,
    #[serde(default)]
    redirect_networks: Vec<String>,
    admin_token: Option<Secret>,
    admin_token_file: Option<PathBuf>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct TimeoutsFile {
    connect: Span,
    first_byte: Span,
    stall: Span,
}

impl Default for TimeoutsFile {
    fn default() -> Self {
        Self {
            connect: Span(Duration::from_secs(5)),
            first_byte: Span(Duration::from_secs(60)),
            stall: Span(Duration::from_secs(30)),
        }
    }
}

impl HomeserverFile {
    pub(super) fn checked(
        self,
        folder: &Path,
        problems: &mut Problems,
    ) -> Option<HomeserverConfig> {
        let url = base_url(&self.url, "homeserver.url", problems);
        let server_name = ServerName::parse(&self.server_name)
            .map_err(|error| {
                problems.add(
                    "homeserver.server_name",
                    format_args!("found {:?}, {error}", self.server_name),
                )
            })
            .ok();
        for (name, span) in [
            ("connect", self.timeouts.connect),
            ("first_byte", self.timeouts.first_byte),
            ("stall", self.timeouts.stall),
        ] {
            if span.0.is_zero() {
                problems.add(
                    format_args!("homeserver.timeouts.{name}"),
                    "found 0; allowed is a duration longer than nothing",
                );
            }
        }
        let redirect_networks = networks(&self.redirect_networks, problems);
        let admin_token = match (self.admin_token, self.admin_token_file) {
            (None, None) => None,
            (value, file) => {
                let name = "homeserver.admin_token";
                let token = secret::resolve(name, value, file.as_deref(), folder, problems)?;
                know_secrets([token.expose()]);
                Some(token)
            }
        };
        Some(HomeserverConfig {
            url: url?,
            server_name: server_name?,
            timeouts: Timeouts {
                connect: self.timeouts.connect.0,
                first_byte: self.timeouts.first_byte.0,
                stall: self.timeouts.stall.0,
            },
            redirect_networks,
            admin_token,
        })
    }
}

fn networks(texts: &[String], problems: &mut Problems) -> Vec<IpNet> {
    let mut networks = Vec::new();
    for (index, text) in texts.iter().enumerate() {
        match text.parse::<IpNet>() {
            Ok(network) => networks.push(network),
            Err(_) => problems.add(
                format_args!("homeserver.redirect_networks[{index}]"),
                format_args!(
                    "found {}; allowed is a network such as 10.1.0.0/16",
                    shown_text(text)
                ),
            ),
        }
    }
    networks
}
